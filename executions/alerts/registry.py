"""The kinds of rules, found in the files of `kinds`."""

import pkgutil
from importlib import import_module

from executions.alerts import kinds
from executions.alerts.kind import Kind


def find() -> dict[str, Kind]:
    """Return the kind that each module of `kinds` declares, by name."""
    names = [one.name for one in pkgutil.iter_modules(kinds.__path__, f"{kinds.__name__}.")]
    found: list[Kind] = [import_module(name).KIND for name in names]
    return {kind.name: kind for kind in sorted(found, key=lambda kind: kind.label)}


#: Every kind by its name.
KINDS = find()
