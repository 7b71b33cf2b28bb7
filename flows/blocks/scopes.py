"""Scopes: which flows share something that has a name (semantics 83, 108). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flows.blocks.errors import invalid_argument, invalid_property, out_of_range
from flows.values import is_plain_text, summary

#: The levels of a scope, each Current or All, with what counts when one is left out.
LEVELS: dict[str, str] = {
    "Tenant": "Current",
    "System": "Current",
    "Package": "Current",
    "Flow": "All",
}
#: ScopeOption: the number of each member.
OPTIONS: Mapping[str, int] = {"All": 0, "Current": 1}
#: Its members by their folded names and their numbers.
_OPTIONS: Mapping[Any, str] = {
    key: name for name, number in OPTIONS.items() for key in (name.casefold(), number)
}
#: The name of what is Current: there is one tenant, one system and one package.
_HERE = "default"
#: What stands for All.
_EVERYWHERE = "*"


@dataclass(frozen=True, slots=True)
class Scope:
    """The four levels by name, `*` for All: that is a name of its own, and no wildcard."""

    tenant: str = _HERE
    system: str = _HERE
    package: str = _HERE
    flow: str = _EVERYWHERE

    @property
    def path(self) -> str:
        """The scope as one text, before a name in it: /tenant/system/*/package/*/flow/."""
        return f"/{self.tenant}/{self.system}/*/{self.package}/*/{self.flow}/"

    @classmethod
    def of_path(cls, path: str) -> "Scope":
        """Return the scope that `path` wrote."""
        tenant, system, _, package, _, flow = path[1:-1].split("/", 5)
        return cls(tenant, system, package, flow)

    @property
    def open_levels(self) -> list[str]:
        """The levels above the flow that are All."""
        levels = list(self.as_structure().items())[:-1]
        return [level for level, name in levels if name == _EVERYWHERE]

    @property
    def flow_name(self) -> str:
        """The flow to which what is in it belongs; empty for all."""
        return "" if self.flow == _EVERYWHERE else self.flow

    def as_structure(self) -> dict[str, str]:
        """What exceptions say of it."""
        return dict(zip(LEVELS, (self.tenant, self.system, self.package, self.flow), strict=True))


def scope_of(definition: Any, flow: str, name: str) -> Scope:
    """Return the scope of a ScopeDefinition in a flow. `name` is its property; a level that is left
    out has its default.

    Raises ArgumentException and InvalidPropertyValueException as a BlockException.
    """
    if type(definition) is not dict:
        raise invalid_property(name.partition(".")[0], f"{name} is not a Structure.")
    for key in definition:
        if key not in LEVELS:
            problem = f"{summary(key)} is not a part of {name}."
            raise invalid_property(name.partition(".")[0], problem)
    chosen = [_option(f"{name}.{level}", option) for level, option in (LEVELS | definition).items()]
    here = (_HERE, _HERE, _HERE, flow)
    named = (
        at if option == "Current" else _EVERYWHERE for at, option in zip(here, chosen, strict=True)
    )
    return Scope(*named)


def _option(name: str, value: Any) -> str:
    plain = value.rpartition(".")[2].casefold() if type(value) is str else value
    known = type(value) in (str, int) and plain in _OPTIONS
    if not known:
        raise invalid_argument(name, f"{summary(value)} is not Current or All.")
    return _OPTIONS[plain]


def require_name(name: str, text: str, longest: int) -> str:
    """Return a text that names something shared. Raises PropertyValueOutOfRangeException as a
    BlockException for one that is too long, or that the database cannot hold."""
    if len(text) > longest:
        raise out_of_range(name, text, f"at most {longest} characters long")
    if not is_plain_text(text):
        wanted = "without NUL and without half of a character (a lone surrogate)"
        raise out_of_range(name, text, wanted)
    return text
