"""The kinds of rules and of channels, found in the files of `kinds` and `channels`."""

from operator import attrgetter

from executions.alerts import channels, kinds
from executions.alerts.channel_type import ChannelType
from executions.alerts.kind import Kind
from flows.discovery import declarations

#: Every kind of rule by its name, in the order of their labels.
KINDS: dict[str, Kind] = {
    kind.name: kind for kind in sorted(declarations(kinds, "KIND"), key=attrgetter("label"))
}
#: Every type of channel by its name, in the order of columns.
CHANNEL_TYPES: dict[str, ChannelType] = {
    channel_type.name: channel_type
    for channel_type in sorted(declarations(channels, "CHANNEL_TYPE"), key=attrgetter("order"))
}
#: Those that may reach a person.
PERSONAL = {name: one for name, one in CHANNEL_TYPES.items() if one.column}
