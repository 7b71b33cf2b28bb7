"""The variables of an execution's page, and what went in and came out."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.urls import reverse

from executions.store import families, reads
from executions.store.history import Known
from executions.views.detail.subject import Subject
from flows import pretty

#: The variable that every flow has (semantics 30); what it holds is loaded when asked for.
BUILT_IN = "_executionContext"


@dataclass(frozen=True, slots=True)
class Variable:
    name: str
    level: int
    stored: reads.StoredValue | None
    value: Any
    changed: bool
    #: Of a large value of the past that was not kept, what is known of it.
    lost: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    name: str
    variables: list[Variable]
    entered: bool = True


class Variables:
    def __init__(self, subject: Subject) -> None:
        self._subject = subject

    @cached_property
    def scopes(self) -> list[Scope]:
        """The variables that the selected token sees, its own scope first; the built-in one last
        (semantics 93)."""
        execution, graph = self._subject.execution, self._subject.graph
        stored = {(v.level, v.name): v for v in self._stored()}
        held_values = families.shown(
            execution.root_id,
            {key: pretty.decoded(v.form) for key, v in stored.items() if not v.large},
        )
        newest = self._subject.recent[-1:]
        just = {name.casefold() for step in newest for name in (step.changes or {})}
        scopes = []
        for token in reversed(self._subject.scope):
            workspace = graph.workspaces[token.workspace]
            variables = []
            for declared in workspace.variables:
                held = stored.get((token.level, declared.name.casefold()))
                value = held_values.get((token.level, declared.name.casefold()))
                changed = held is not None and declared.name.casefold() in just
                lost = self._lost.get((token.level, declared.name.casefold()), "")
                variables.append(Variable(declared.name, token.level, held, value, changed, lost))
            scopes.append(Scope(workspace.name, variables))
        if scopes:
            told = reads.StoredValue(0, BUILT_IN, None, 0, True, "Structure with 3 items")
            scopes.append(Scope("Built-in", [Variable(BUILT_IN, 0, told, None, False)]))
        return scopes

    def _stored(self) -> list[reads.StoredValue]:
        """The values, now or at the moment that is shown."""
        if self._subject.is_live:
            return reads.stored_values(self._subject.execution.pk)
        return [
            reads.StoredValue(
                held.level,
                held.name,
                held.form,
                held.size,
                held.known is Known.STORED,
                held.summary,
            )
            for held in self._subject.past.variables.values()
            if held.known is not Known.LOST
        ]

    @cached_property
    def _lost(self) -> dict[tuple[int, str], str]:
        if self._subject.is_live:
            return {}
        held = self._subject.past.variables.items()
        return {key: value.summary for key, value in held if value.known is Known.LOST}

    @property
    def value_url(self) -> str:
        """Where a large value is to be had, with the beginning of its query."""
        address = reverse("execution-value", args=[self._subject.execution.pk])
        step = self._subject.address.step
        return f"{address}?" if step is None else f"{address}?step={step}&"

    @cached_property
    def inputs(self) -> list[tuple[str, Any]]:
        return _named(self._subject.execution.inputs)

    @cached_property
    def outputs(self) -> list[tuple[str, Any]]:
        return _named(self._subject.execution.outputs)


def _named(forms: Any) -> list[tuple[str, Any]]:
    value = pretty.decoded(forms)
    return list(value.items()) if isinstance(value, dict) else []
