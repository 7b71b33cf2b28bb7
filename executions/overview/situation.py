"""What the sentence of an overview is written from: who is needed, and for what."""

from collections.abc import Sequence
from datetime import tzinfo

from django.urls import reverse

from executions.models import FailureGroup
from executions.overview.figures import Figures, FlowFigures, failing_since
from executions.overview.scope import Scope, within
from executions.overview.sentence import FAILING, Failing, Situation, Unowned
from executions.overview.values import day_and_time
from executions.states import Status


def situation_of(scope: Scope, figures: Figures, zone: tzinfo) -> Situation:
    """Return what the numbers come to, for the sentence."""
    waits = figures.live.oldest_queued
    seconds = (figures.at - waits).total_seconds() if waits else 0.0
    unowned = [one.group for one in figures.failures.shown if one.group.owner_id is None]
    last = figures.failures.last_at
    return Situation(
        span=scope.length.words,
        ended=figures.total.ended,
        failed=figures.total.failed,
        queued=figures.live.number(Status.QUEUED),
        needs_person=figures.live.needs_person,
        unowned=_unowned(unowned[:2]),
        unowned_count=figures.failures.without_owner,
        failing=[one for flow in figures.flows if (one := _failing(scope, figures, flow, zone))],
        tells_of_workers=scope.tells_of_workers,
        online=None if figures.workers is None else len(figures.online),
        silent=[worker.name for worker in figures.silent],
        waits=seconds,
        waits_words=_whole_minutes(seconds),
        last_failure=day_and_time(last, figures.at, zone) if last else "",
        url_of_workers=reverse("workers"),
        url_of_queue=scope.grid(("status", Status.QUEUED.value)),
    )


def _whole_minutes(seconds: float) -> str:
    """Return a wait that changes seldom."""
    minutes = int(seconds // 60)
    return (
        "a minute"
        if minutes < 2
        else f"{minutes} minutes"
        if minutes < 120
        else f"{minutes // 60} hours"
    )


def _unowned(groups: Sequence[FailureGroup]) -> list[Unowned]:
    """Return failures by their names, with their blocks where names are the same."""
    names = [f"{group.short_type} in {group.flow.name}" for group in groups]
    if len(set(names)) < len(names):
        blocks = [group.block_description or group.block for group in groups]
        names = [f"{name} at {block}" for name, block in zip(names, blocks, strict=True)]
    return [
        Unowned(name, group.get_absolute_url(), _version_of_return(group))
        for name, group in zip(names, groups, strict=True)
    ]


def _version_of_return(group: FailureGroup) -> int:
    came_back = group.state == FailureGroup.State.REGRESSED
    return (group.regressed_in_version or 0) if came_back else 0


def _failing(scope: Scope, figures: Figures, flow: FlowFigures, zone: tzinfo) -> Failing | None:
    found = failing_since(flow, FAILING)
    if found is None:
        return None
    since, counts = found
    url = scope.grid(("is", "failed"), ("ended", within(since, figures.span.end)), flow=flow.name)
    by_themselves = counts.ended - counts.stopped
    told = day_and_time(since, figures.at, zone)
    return Failing(flow.name, url, counts.failed, by_themselves, told)
