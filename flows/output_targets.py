"""Targets of an output property: a variable, a part of one, or, taken apart, several of these
(semantics 10, 24). Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flows.value_sources import Composite, Path, Source, Variable, item_of
from flows.values import TaskValue, summary


@dataclass(frozen=True, slots=True)
class Target:
    """One variable to which an output property, or a part of it, is saved."""

    output: str
    #: The variable as it is written; `_` discards.
    variable: str
    #: The part of that variable that is written, None for the whole.
    part: Path | None = None
    #: Which part of the output is taken: keys and indexes, () for the whole.
    taken: tuple[str | int, ...] = ()

    @property
    def label(self) -> str:
        """What is taken, as people write it: Outputs, Outputs.Total, Results[0]."""
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.taken)
        return self.output + "".join(steps)

    def take(self, value: Any) -> Any:
        """The part of an output's value. Raises ExpressionError where there is none."""
        for step in self.taken:
            if isinstance(value, TaskValue):
                return item_of(summary(value), step)
            value = item_of(value, step)
        return value


def targets_of(name: str, source: Source) -> tuple[Target, ...]:
    """The targets that a flow file names for an output property: a variable, a part of one, or a
    structure or list of these, at any depth. Raises ValueError for anything else."""
    return tuple(_targets(name, source, ()))


def _targets(name: str, source: Source, taken: tuple[str | int, ...]) -> Iterator[Target]:
    match source:
        case Variable(variable):
            yield Target(name, variable, None, taken)
        case Path(variable):
            yield Target(name, variable, source, taken)
        case Composite(dict() as items):
            for key, item in items.items():
                yield from _targets(name, item, (*taken, key))
        case Composite(list() as listed):
            for index, item in enumerate(listed):
                yield from _targets(name, item, (*taken, index))
        case _:
            raise ValueError(f"{name} is an output. It needs a variable.")
