"""The environment variables that the settings are read from, with their defaults, so that the
system page can say which differ."""

from dataclasses import dataclass
from typing import Any

import environ

#: What a setting takes, by what reads it.
_KINDS: dict[Any, str] = {int: "a whole number", float: "a number", bool: "true or false"}


@dataclass(frozen=True, slots=True)
class Declared:
    """A setting as it is, and its default."""

    name: str
    value: Any
    default: Any


class Environment(environ.Env):  # type: ignore[misc]
    """Reads settings, and remembers each."""

    def __init__(self) -> None:
        super().__init__()
        self.declared: dict[str, Declared] = {}

    def get_value(
        self, var: str, cast: Any = None, default: Any = environ.Env.NOTSET, **more: Any
    ) -> Any:
        try:
            value = super().get_value(var, cast=cast, default=default, **more)
        except ValueError:
            given = self.ENVIRON.get(var, "")
            kind = _KINDS.get(cast, "a value that can be read")
            raise environ.ImproperlyConfigured(f"{var} is {given!r}. It takes {kind}.") from None
        self.declared[var] = Declared(var, value, default)
        return value
