"""A notification of the browser, by the pages that are open."""

from executions.alerts.channel_type import ChannelType, account_targets

CHANNEL_TYPE = ChannelType(
    name="browser",
    label="Browser notification",
    column="Browser",
    order=20,
    targets=account_targets,
    missing=lambda _: "",
    is_default=True,
    is_held=None,
)
