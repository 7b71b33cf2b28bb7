"""An execution after one of its steps, and after what people did before the next one.

After the last step, that is what its rows hold now; after step 0, what it began with.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from executions.models import ExceptionRecord, Execution, Intervention, Step
from executions.retention.trimming import trimmed_steps
from executions.store.history import scopes, token_positions, variable_history
from executions.store.history.scopes import TokenLifetime
from executions.store.history.variable_history import VariableValue
from executions.store.history.versions import VersionHistory
from executions.store.read import records, value_parts, visit_counts
from flows.blocks.base import Port
from flows.graph import FlowGraph


class Availability(StrEnum):
    """What is known of a variable's value."""

    #: It is here.
    VALUE = "value"
    #: It is large, and stored: `ExecutionAt.value` loads it.
    STORED = "stored"
    #: It was large, and not stored.
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class TokenAt:
    """A token at a moment. `port` is the port on which it stands, None before its block."""

    level: int
    workspace: str
    block: str
    port: Port | None = None


@dataclass(frozen=True, slots=True)
class VariableAt:
    """A variable at a moment.

    `name` is case-folded, `size` is in bytes, and `form` is the typed JSON form of `flows.values`
    where it is known.
    """

    level: int
    name: str
    availability: Availability
    form: Any
    size: int
    summary: str
    #: The step that gave it this value, or after which a person did; None where that is not kept.
    step: int | None
    #: Whether that was the step of this moment.
    changed: bool


class ExecutionAt:
    """An execution at one moment. Reads on demand."""

    def __init__(self, execution: Execution, graph: FlowGraph, step: int | None) -> None:
        self.execution = execution
        count = int(execution.step_count)
        self.is_live = step is None or step >= count
        #: The number of the step after which this is.
        self.step = count if step is None else max(0, min(step, count))
        self._history = VersionHistory(execution, graph)
        self._live_graph = graph

    @cached_property
    def trimmed(self) -> range:
        """The steps that are not kept, when this is one of them; else none."""
        trimmed = trimmed_steps(self.execution.step_count)
        return trimmed if self.step in trimmed else range(0)

    @property
    def is_kept(self) -> bool:
        """Whether tokens, variables and visits are known."""
        return not self.trimmed

    @cached_property
    def graph(self) -> FlowGraph:
        """The flow as it was in the version that ran then."""
        return self._live_graph if self.is_live else self._history.span_after(self.step).graph

    @property
    def version_id(self) -> int:
        """The version that ran then."""
        if self.is_live:
            return int(self.execution.version_id)
        return self._history.span_after(self.step).version_id

    @cached_property
    def last_step(self) -> Step | None:
        """The step after which this is; None before the first, and where it is not kept."""
        return Step.objects.filter(execution_id=self.execution.pk, number=self.step).first()

    @cached_property
    def interventions(self) -> list[Intervention]:
        """What people did between this step and the next."""
        return [i for i in self._history.interventions if i.after_step == self.step]

    @cached_property
    def tokens(self) -> list[TokenAt]:
        """The tokens, the outermost first; none where this is not kept."""
        if self.trimmed:
            return []
        placed = (
            token_positions.current_positions(self.execution, self.graph, self.last_step)
            if self.is_live
            else token_positions.positions_at(self._history, self.step)
        )
        return [
            TokenAt(level, workspace, block, port)
            for level, (workspace, block, port) in enumerate(placed)
        ]

    def token_lifetime(self, level: int) -> TokenLifetime:
        """Return which steps the token of a level made."""
        workspaces = [token.workspace for token in self.tokens]
        return scopes.token_lifetime(self._history, self.step, workspaces, level)

    @cached_property
    def variables(self) -> Mapping[tuple[int, str], VariableAt]:
        """What the variables of the tokens' scopes held, by level and case-folded name."""
        if self.trimmed:
            return {}
        workspaces = [token.workspace for token in self.tokens]
        found = (
            variable_history.current_values(self._history, self.step)
            if self.is_live
            else variable_history.values_at(self._history, self.step, workspaces)
        )
        return {
            key: VariableAt(
                level=key[0],
                name=key[1],
                availability=_availability(held),
                form=held.form,
                size=held.size,
                summary=held.summary,
                step=held.step,
                changed=held.step is not None and held.step == self.step > 0,
            )
            for key, held in found.items()
        }

    def stored(self, level: int, name: str) -> value_parts.StoredForm | None:
        """Return where a value has a row of its own: a current value, or a large one."""
        if self.is_live:
            return variable_history.current_form(self.execution, level, name.casefold())
        variable = self.variables.get((level, name.casefold()))
        if variable is None or variable.availability is not Availability.STORED:
            return None
        return variable_history.stored_form_at(self._history, self.step, level, name.casefold())

    def value(self, level: int, name: str) -> tuple[bool, Any]:
        """Return whether a value is known, and its typed JSON form, however large it is."""
        stored = self.stored(level, name)
        if stored is not None:
            whole = value_parts.whole_part(stored, ())
            return (False, None) if whole is None else (True, whole.form)
        variable = self.variables.get((level, name.casefold()))
        if variable is None or variable.availability is not Availability.VALUE:
            return False, None
        return True, variable.form

    @cached_property
    def just_changed(self) -> frozenset[tuple[int, str]]:
        """The variables, by level and case-folded name, that the step of this moment changed, or
        people after it."""
        found = {
            (int(level), name)
            for intervention in self.interventions
            if self.step
            for level, changes in intervention.changes.items()
            for name in changes
        }
        if self.last_step is not None:
            span = self._history.span_of(self.step)
            resolved = (
                span.resolve(self.last_step.block, name) for name in self.last_step.changes or ()
            )
            found.update(key for key in resolved if key is not None)
        return frozenset(found)

    @cached_property
    def exceptions(self) -> list[ExceptionRecord]:
        """The newest exceptions thrown until then, the newest first."""
        return records.exceptions(self.execution.pk, None if self.is_live else self.step)

    @cached_property
    def exception_count(self) -> int:
        """How many exceptions had been thrown by then."""
        rows = ExceptionRecord.objects.filter(execution_id=self.execution.pk)
        return rows.filter(step__lte=self.step).count()

    @cached_property
    def visits(self) -> Mapping[tuple[str, str], int]:
        """How often each (block, port) had been visited by then."""
        return {} if self.trimmed else visit_counts.visit_counts(self.execution, self.step)

    @cached_property
    def durations(self) -> Mapping[str, int]:
        """How many microseconds the visits of each block had taken by then, of the steps that are
        kept."""
        return {} if self.trimmed else visit_counts.block_durations(self.execution, self.step)


def _availability(value: VariableValue) -> Availability:
    if value.is_lost:
        return Availability.LOST
    return Availability.STORED if value.large else Availability.VALUE


def at(execution: Execution, graph: FlowGraph, step: int | None) -> ExecutionAt:
    """Return the execution after a step; None is now. `graph` is that of its version now."""
    return ExecutionAt(execution, graph, step)
