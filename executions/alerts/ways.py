"""The ways by which messages go out, found in the files of `channels`."""

import pkgutil
from importlib import import_module

from executions.alerts import channels
from executions.alerts.way import Way


def find() -> dict[str, Way]:
    """Return the way that each module of `channels` declares, by name, in the order of columns."""
    names = [one.name for one in pkgutil.iter_modules(channels.__path__, f"{channels.__name__}.")]
    found: list[Way] = [import_module(name).WAY for name in names]
    return {way.name: way for way in sorted(found, key=lambda way: way.order)}


#: Every way by its name.
WAYS = find()
#: Those that may reach a person.
PERSONAL = {name: way for name, way in WAYS.items() if way.column}
