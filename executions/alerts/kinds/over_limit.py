"""An execution runs longer than the limit that is set on its flow."""

from collections.abc import Mapping

from executions.alerts import visibility
from executions.alerts.flow_findings import ran_longer, running_longer
from executions.alerts.kind import Check, Found, Interval, Kind


def sentence(_: Mapping[str, int]) -> str:
    return "an execution runs longer than the limit that is set on its flow"


def _limits(asked: Check) -> dict[int, float]:
    return {
        pk: flow.duration_limit_minutes * 60.0
        for pk, flow in asked.round.flows.items()
        if flow.duration_limit_minutes and (asked.flow_ids is None or pk in asked.flow_ids)
    }


def check(asked: Check) -> Found:
    return running_longer(asked, _limits(asked), "the limit of the flow is")


def history(asked: Check) -> list[Interval]:
    return ran_longer(asked, _limits(asked))


KIND = Kind(
    name="over-limit",
    label="An execution runs longer than its flow's limit",
    hint="the limit is set on the flow's page in the admin",
    icon="hour",
    parameters=(),
    sentence=sentence,
    check=check,
    history=history,
    visible=visibility.executions,
)
