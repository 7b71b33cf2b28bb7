"""An execution runs longer than is usual for its flow."""

from collections.abc import Mapping

from executions.alerts import visibility
from executions.alerts.flow_findings import ran_longer, running_longer
from executions.alerts.kind import USUAL_RUNS, Check, Found, Interval, Kind, Parameter


def sentence(given: Mapping[str, int]) -> str:
    return (
        f"an execution runs longer than {given['percent']:,} % of what is usual for its flow "
        f"(p95), and than {given['minutes']:,} min"
    )


def _limits(asked: Check) -> dict[int, float]:
    """Return the seconds that executions of each flow may take, where that is known."""
    least = asked.minutes("minutes").total_seconds()
    usual = asked.round.usual
    flows = usual if asked.flow_ids is None else usual.keys() & set(asked.flow_ids)
    return {pk: max(usual[pk] * asked.number("percent") / 100, least) for pk in flows}


def check(asked: Check) -> Found:
    return running_longer(asked, _limits(asked), "unusual from")


def history(asked: Check) -> list[Interval]:
    return ran_longer(asked, _limits(asked))


KIND = Kind(
    name="long-run",
    label="An execution runs longer than usual",
    hint="compared with p95 of its flow",
    icon="hour",
    parameters=(
        Parameter(
            name="percent",
            label="Longer than this many percent of p95",
            default=300,
            least=100,
            most=100_000,
            help="p95 of the last 7 days: of 100 executions of the flow, 95 took no longer. "
            f"Flows with fewer than {USUAL_RUNS} in that time are left out.",
        ),
        Parameter(name="minutes", label="And longer than this many minutes", default=1, least=0),
    ),
    sentence=sentence,
    check=check,
    history=history,
    visible=visibility.executions,
)
