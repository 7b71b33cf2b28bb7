"""The numbers of an overview: each from what is true, by few statements, whatever their size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Min
from django.utils import timezone

from executions import workers
from executions.models import BulkJob, FailureGroup
from executions.overview.scope import LAST_WEEK, Scope
from executions.states import LIVE, Reason, Status
from executions.statistics import read, samples
from executions.statistics.counts import Counts
from executions.statistics.read import Bucket, Selection
from executions.statistics.samples import NEEDS_PERSON, Sample
from executions.statistics.spans import Span
from executions.workers import Worker
from flows.models import Flow, FlowVersion

#: Flows and failures on a page.
FLOWS_SHOWN, FAILURES_SHOWN = 12, 8
#: Unsolved failures of which the most frequent are chosen, and published versions that are marked.
_FAILURES_READ, _VERSIONS_READ = 2_000, 40
#: Points of a sparkline.
SPARK_POINTS = 36

_LIVE = """
    SELECT status, count(*), min(updated_at),
        count(*) FILTER (WHERE status = %(running)s AND reason = %(reason_person)s)
    FROM executions_execution
    WHERE status = ANY(%(live)s) AND (%(flows)s::text[] IS NULL OR flow_name = ANY(%(flows)s))
    GROUP BY status
"""


@dataclass(frozen=True, slots=True)
class LiveNow:
    """What is under way, by status, and since when the oldest of each has been in it; `asked` of
    those that are Running wait for a person to answer."""

    numbers: Mapping[str, int]
    since: Mapping[str, datetime]
    asked: int = 0

    def number(self, *statuses: Status) -> int:
        return sum(self.numbers.get(status.value, 0) for status in statuses)

    @property
    def needs_person(self) -> int:
        """How many wait for a person: to let them go on, or to answer."""
        return self.number(*NEEDS_PERSON) + self.asked

    @property
    def oldest_queued(self) -> datetime | None:
        return self.since.get(Status.QUEUED.value)


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits for a worker, and since when the oldest has."""

    name: str
    length: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class FlowFigures:
    """What a flow did in a span, and in each part of it."""

    name: str
    counts: Counts
    parts: Sequence[Bucket]


@dataclass(frozen=True, slots=True)
class FailureFigures:
    """A failure group, and how often it was seen in a span, and in each part of it."""

    group: FailureGroup
    count: int
    parts: Sequence[Bucket]


@dataclass(frozen=True, slots=True)
class Failures:
    """The failure groups: those that need somebody, how many there are in each state, how often
    each was seen in the span, and when the last failure was."""

    shown: Sequence[FailureFigures]
    by_state: Mapping[str, int]
    without_owner: int
    counts: Sequence[int]
    last_at: datetime | None
    last: FailureGroup | None


@dataclass(frozen=True, slots=True)
class Figures:
    """All numbers of an overview. `flow_ids` are the flows of its scope, None for all; `before` is
    what the span is compared with, where it is."""

    at: datetime
    flow_ids: Sequence[int] | None
    span: Span
    live: LiveNow
    sampled: Sequence[Sample | None]
    buckets: Sequence[Bucket]
    total: Counts
    before: Sequence[Bucket] | None
    total_before: Counts
    flows: Sequence[FlowFigures]
    flow_count: int
    versions: Sequence[FlowVersion]
    failures: Failures
    workers: Sequence[Worker] | None
    queues: Sequence[Queue]

    @property
    def silent(self) -> list[Worker]:
        return [worker for worker in self.workers or () if worker.is_silent]

    @property
    def online(self) -> list[Worker]:
        return [worker for worker in self.workers or () if not worker.is_silent]

    @property
    def most_running(self) -> Sample | None:
        found = [sample for sample in self.sampled if sample is not None]
        return max(found, key=lambda sample: sample.running, default=None)


def take(scope: Scope, zone: tzinfo) -> Figures:
    """Read the numbers of a scope, until now."""
    at = timezone.now()
    span = Span.last(scope.length.length, at)
    flows = scope.flows()
    ids = None if flows is None else list(flows)
    selection = Selection(flows=ids)
    step = scope.step(ids)
    buckets = read.series(span, step, zone, selection)
    earlier = span.before if scope.compare == "previous" else span.earlier(LAST_WEEK)
    before = read.series(earlier, step, zone, selection) if scope.compare else None
    total_before = read.summed(before) if before is not None else read.totals(earlier, selection)
    shown, flow_count = _flows(span, scope, zone, ids)
    live = live_now(None if flows is None else list(flows.values()))
    return Figures(
        at=at,
        flow_ids=ids,
        span=span,
        live=live,
        sampled=samples.read(_spark_cuts(span), ids),
        buckets=buckets,
        total=read.summed(buckets),
        before=before,
        total_before=total_before,
        flows=shown,
        flow_count=flow_count,
        versions=_versions(span, ids),
        failures=_failures(span, scope, zone, ids),
        workers=workers.read() if scope.tells_of_workers else [],
        queues=_queues(live if flows is None else live_now()) if scope.tells_of_workers else [],
    )


def live_now(flow_names: Sequence[str] | None = None) -> LiveNow:
    """Read what is under way, of all flows or of some."""
    params: dict[str, Any] = {
        "live": [status.value for status in LIVE],
        "flows": None if flow_names is None else list(flow_names),
        "running": Status.RUNNING.value,
        "reason_person": Reason.PERSON.value,
    }
    with connection.cursor() as cursor:
        cursor.execute(_LIVE, params)
        rows = cursor.fetchall()
    return LiveNow(
        {status: number for status, number, _, _ in rows},
        {status: at for status, _, at, _ in rows},
        sum(asked for *_, asked in rows),
    )


def _spark_cuts(span: Span) -> list[datetime]:
    length = (span.end - span.start) / SPARK_POINTS
    return [span.start + n * length for n in range(SPARK_POINTS)] + [span.end]


def _flows(
    span: Span, scope: Scope, zone: tzinfo, ids: Sequence[int] | None
) -> tuple[list[FlowFigures], int]:
    """Return the flows that failed most, then those that ran most; and how many ran."""
    numbers = read.numbers_by_flow(span, ids)
    order = sorted(numbers, key=lambda one: (numbers[one].failed, numbers[one].ended), reverse=True)
    top = order[:FLOWS_SHOWN]
    names = dict(Flow.objects.filter(pk__in=top).values_list("pk", "name"))
    parts = read.series_by_flow(span, scope.length.part, zone, Selection(flows=top))
    shown = [
        FlowFigures(names[one], read.summed(parts[one]), parts[one])
        for one in top
        if one in names and one in parts
    ]
    shown.sort(key=lambda flow: (flow.counts.failure_rate or 0, flow.counts.ended), reverse=True)
    return shown, len(numbers)


def _versions(span: Span, ids: Sequence[int] | None) -> list[FlowVersion]:
    found = FlowVersion.objects.filter(published_at__range=(span.start, span.end))
    if ids is not None:
        found = found.filter(flow__in=ids)
    newest = found.select_related("flow").order_by("-published_at")[:_VERSIONS_READ]
    return sorted(newest, key=lambda version: (version.published_at or span.end, version.pk))


def _failures(span: Span, scope: Scope, zone: tzinfo, ids: Sequence[int] | None) -> Failures:
    groups = (
        FailureGroup.objects.all() if ids is None else FailureGroup.objects.filter(flow__in=ids)
    )
    by_state = dict(groups.values_list("state").annotate(number=Count("pk")).order_by())
    unsolved = groups.filter(state__in=FailureGroup.UNSOLVED)
    newest = list(unsolved.order_by("-last_seen_at").values_list("pk", flat=True)[:_FAILURES_READ])
    wanted = None if ids is None else list(groups.values_list("pk", flat=True))
    counts = {key: one.failed for key, one in read.by_failure(span, wanted).items()}
    newest.sort(key=lambda pk: counts.get(pk, 0), reverse=True)
    top = newest[:FAILURES_SHOWN]
    known = groups.select_related("flow", "owner").in_bulk(top)
    parts: dict[UUID, list[Bucket]] = (
        read.series_by_failure(top, span, scope.length.part, zone) if top else {}
    )
    last = groups.select_related("flow").order_by("-last_seen_at").first()
    return Failures(
        shown=[
            FailureFigures(known[pk], counts.get(pk, 0), parts.get(pk, ()))
            for pk in top
            if pk in known
        ],
        by_state=by_state,
        without_owner=unsolved.filter(owner=None).count(),
        counts=sorted((number for number in counts.values() if number), reverse=True),
        last_at=last.last_seen_at if last else None,
        last=last,
    )


def _queues(everything: LiveNow) -> list[Queue]:
    return [_executions_queue(everything), _jobs_queue()]


def _executions_queue(live: LiveNow) -> Queue:
    return Queue("executions", live.number(Status.QUEUED), live.oldest_queued)


def _jobs_queue() -> Queue:
    waiting = BulkJob.objects.filter(status=BulkJob.Status.QUEUED)
    found = waiting.aggregate(number=Count("pk"), since=Min("created_at"))
    return Queue("bulk jobs", found["number"], found["since"])


def failing_since(flow: FlowFigures, limit: float) -> tuple[datetime, Counts] | None:
    """Return since when a flow has failed in at least `limit` of its runs, without a better part
    between, and what it did since then; None where it does not now. Parts in which nothing ended
    say nothing."""
    since: datetime | None = None
    total = Counts()
    for part in reversed(flow.parts):
        rate = part.counts.failure_rate if part.counts is not None else None
        if rate is None:
            continue
        if rate < limit:
            break
        assert part.counts is not None
        total.add(part.counts)
        since = part.start
    return (since, total) if since is not None else None
