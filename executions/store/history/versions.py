"""What people did between the steps of an execution, and which version ran which of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from executions.engine.program import CONTEXT, EXTENSIONS, scope_of
from executions.models import Execution, Intervention
from flows import queries
from flows.graph import FlowGraph

#: When something happened: the number of a step, and which of the interventions after it, from 1.
HistoryPoint = tuple[int, int]


@dataclass(frozen=True, slots=True)
class VersionSpan:
    """The steps from `first` to `last` ran in one version."""

    first: int
    last: int
    version_id: int
    graph: FlowGraph

    def resolve(self, block: str, name: str) -> tuple[int, str] | None:
        """Return the level of the scope and the case-folded name of what a block calls a variable;
        None for what is not there."""
        folded = name.casefold()
        if folded.startswith(CONTEXT):
            return 0, EXTENSIONS
        node = self.graph.blocks.get(block)
        if node is None:
            return None
        # What a step that opens a workspace changes is inside of it.
        opened = node.key if node.block.opens_workspace else node.workspace
        return scope_of(self.graph, opened).get(folded)


class VersionHistory:
    """The interventions of an execution, and the spans of steps that ran in one version."""

    def __init__(self, execution: Execution, graph: FlowGraph) -> None:
        self.execution = execution
        self._graph = graph

    @cached_property
    def interventions(self) -> list[Intervention]:
        """All interventions, in their order."""
        rows = Intervention.objects.filter(execution_id=self.execution.pk)
        return list(rows.order_by("after_step", "id"))

    def until(self, step: int) -> Iterator[tuple[HistoryPoint, Intervention]]:
        """Yield the interventions until the moment after a step, with the point of each: of several
        after the same step the first counts 1."""
        number, before = 0, -1
        for intervention in self.interventions:
            if intervention.after_step > step:
                return
            number = number + 1 if intervention.after_step == before else 1
            before = intervention.after_step
            yield (before, number), intervention

    @cached_property
    def spans(self) -> list[VersionSpan]:
        """The spans in their order; usually one."""
        found: list[VersionSpan] = []
        first = 0
        for intervention in self.interventions:
            if intervention.version_id is not None:
                graph = queries.compiled(intervention.version_id)
                version, last = int(intervention.version_id), int(intervention.after_step)
                found.append(VersionSpan(first, last, version, graph))
                first = last + 1
        version, last = int(self.execution.version_id), int(self.execution.step_count)
        return [*found, VersionSpan(first, max(first, last), version, self._graph)]

    def span_of(self, step: int) -> VersionSpan:
        """Return the span in which a step ran."""
        return next((span for span in self.spans if step <= span.last), self.spans[-1])

    def span_after(self, step: int) -> VersionSpan:
        """Return the span in which the execution is after a step and the interventions after it."""
        return next((span for span in self.spans if step < span.last), self.spans[-1])
