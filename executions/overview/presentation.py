"""What the templates of an overview show, put together."""

from datetime import tzinfo
from typing import Any

from executions.models import FailureGroup
from executions.overview import sentence
from executions.overview.figures import Figures
from executions.overview.rows import (
    failure_row,
    flow_row,
    queue_rows,
    times_of_parts,
    worker_column,
)
from executions.overview.scope import COMPARISONS, Scope
from executions.overview.situation import situation_of
from executions.overview.tiles import tiles
from executions.overview.time_charts import charts


def of(scope: Scope, figures: Figures, zone: tzinfo) -> dict[str, Any]:
    """Return the context of the templates."""
    return {
        "scope": scope,
        "figures": figures,
        "length": scope.length,
        "title": title_of(scope),
        "comparison": COMPARISONS.get(scope.compare, ""),
        "sentence": sentence.write(situation_of(scope, figures, zone)),
        "tiles": tiles(scope, figures, zone),
        "charts": charts(scope, figures, zone),
        "workers": [worker_column(worker) for worker in figures.workers or ()],
        "queues": queue_rows(scope, figures),
        "slots": sum(worker.slots for worker in figures.online),
        "busy": sum(worker.busy for worker in figures.online),
        "flows": [flow_row(scope, flow, zone) for flow in figures.flows],
        "flow_times": times_of_parts(figures, zone),
        "failures": [failure_row(scope, one, figures.span) for one in figures.failures.shown],
        "open_failures": sum(
            figures.failures.by_state.get(state, 0) for state in FailureGroup.UNSOLVED
        ),
        "muted_failures": figures.failures.by_state.get(FailureGroup.State.MUTED, 0),
        "last_failure": figures.failures.last,
    }


def title_of(scope: Scope) -> str:
    """Return what a wall is about: the values of its filters."""
    chosen = [value for term in scope.filters.terms for value in term.values]
    return ", ".join(chosen) or ("All flows" if scope.seen is None else "Your flows")
