"""The variables on the page of an execution, its inputs and its outputs."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from executions.engine.program import EXTENSIONS
from executions.store.history import Availability
from executions.store.read import stored_values, task_states
from executions.views.detail.subject import Subject
from executions.views.detail.value import BUILT_IN, INPUTS, OUTPUTS, ValuePlace, ValueView
from flows import pretty_json, values


@dataclass(frozen=True, slots=True)
class VariableLine:
    """One line of the list of variables. `state` says why there is no value."""

    name: str
    place: ValuePlace
    url: str
    value: Any = None
    text: str = ""
    state: str = ""
    is_large: bool = False
    changed: bool = False
    shown: bool = False


@dataclass(frozen=True, slots=True)
class VariableScope:
    """The variables of a workspace, and how many of them the search left out."""

    name: str
    variables: list[VariableLine]
    hidden: int = 0


class Variables:
    def __init__(self, subject: Subject) -> None:
        self._subject = subject

    @cached_property
    def scopes(self) -> list[VariableScope]:
        """The variables that the selected token sees, its own scope first; the built-in one last
        (semantics 93)."""
        execution, graph = self._subject.execution, self._subject.graph
        stored = {(v.level, v.name): v for v in self._stored()}
        held_values = task_states.with_task_states(
            execution.root_id,
            {key: pretty_json.decode(v.form) for key, v in stored.items() if not v.large},
        )
        scopes = []
        for token in reversed(self._subject.scope):
            workspace = graph.workspaces[token.workspace]
            variables = []
            for declared in workspace.variables:
                key = (token.level, declared.name.casefold())
                place = ValuePlace(str(token.level), declared.name)
                if key in held_values:
                    line = self._line(place, held_values[key], key in self._subject.just_changed)
                else:
                    line = self._line_without_value(place, key, stored.get(key))
                variables.append(line)
            scopes.append(self._searched(workspace.name, variables))
        if scopes:
            place = ValuePlace("0", BUILT_IN)
            line = VariableLine(
                BUILT_IN,
                place,
                self._url(place),
                text="Structure with 3 items",
                is_large=True,
                changed=(0, EXTENSIONS) in self._subject.just_changed,
                shown=self._is_shown(place),
            )
            scopes.append(self._searched("Built-in", [line]))
        return scopes

    def _searched(self, name: str, variables: list[VariableLine]) -> VariableScope:
        """Return the variables that match the search of the address."""
        address = self._subject.address
        wanted = address.find.casefold()
        kept = [
            v
            for v in variables
            if (not wanted or wanted in v.name.casefold() or wanted in v.text.casefold())
            and (v.changed or not address.changed)
        ]
        return VariableScope(name, kept, len(variables) - len(kept))

    def _url(self, place: ValuePlace) -> str:
        """Return the address that opens the value, or closes it."""
        here = str(place).casefold() == self._subject.address.var.casefold()
        return self._subject.address.url(var="" if here else str(place))

    def _line(self, place: ValuePlace, value: Any, changed: bool) -> VariableLine:
        return VariableLine(
            place.name,
            place,
            self._url(place),
            value,
            values.summary(value),
            changed=changed,
            shown=self._is_shown(place),
        )

    def _line_without_value(
        self, place: ValuePlace, key: tuple[int, str], stored: stored_values.StoredValue | None
    ) -> VariableLine:
        url, shown = self._url(place), self._is_shown(place)
        if stored is not None:
            changed = key in self._subject.just_changed
            text = stored.summary
            return VariableLine(
                place.name, place, url, None, text, is_large=True, changed=changed, shown=shown
            )
        lost = self._lost.get(key, "")
        state = ("not kept" if lost == "not kept" else f"{lost}, not kept") if lost else "not set"
        return VariableLine(place.name, place, url, state=state, shown=shown)

    def _is_shown(self, place: ValuePlace) -> bool:
        looked = self.looked_into
        return looked is not None and (looked.place.scope, looked.place.name.casefold()) == (
            place.scope,
            place.name.casefold(),
        )

    def _stored(self) -> list[stored_values.StoredValue]:
        """The values, now or at the moment that is shown."""
        if self._subject.is_live:
            return stored_values.stored_values(self._subject.execution.pk)
        return [
            stored_values.StoredValue(
                held.level,
                held.name,
                held.form,
                held.size,
                held.availability is Availability.STORED,
                held.summary,
            )
            for held in self._subject.past.variables.values()
            if held.availability is not Availability.LOST
        ]

    @cached_property
    def _lost(self) -> dict[tuple[int, str], str]:
        if self._subject.is_live:
            return {}
        held = self._subject.past.variables.items()
        return {
            key: value.summary for key, value in held if value.availability is Availability.LOST
        }

    # Looked into ----------------------------------------------------------------------------------

    @cached_property
    def looked_into(self) -> ValueView | None:
        """The value that the address names."""
        place = ValuePlace.parse(self._subject.address.var)
        if place is None or (place.level is None) != (self._subject.address.panel == "io"):
            return None
        return ValueView(self._subject, place)

    @property
    def changed_url(self) -> str:
        """Lists all of them, or only those just changed."""
        return self._subject.address.url(changed=not self._subject.address.changed)

    @property
    def fields(self) -> list[tuple[str, str]]:
        """What the form of the search keeps of the address."""
        return self._subject.address.fields("find")

    # In and out -----------------------------------------------------------------------------------

    @cached_property
    def inputs(self) -> list[VariableLine]:
        return self._named(INPUTS, self._subject.execution.inputs)

    @cached_property
    def outputs(self) -> list[VariableLine]:
        return self._named(OUTPUTS, self._subject.execution.outputs)

    def _named(self, scope: str, forms: Any) -> list[VariableLine]:
        held = pretty_json.decode(forms)
        pairs = held.items() if isinstance(held, dict) else ()
        return [self._line(ValuePlace(scope, name), value, changed=False) for name, value in pairs]
