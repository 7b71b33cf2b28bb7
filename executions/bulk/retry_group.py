"""Retrying the executions of a failure group: what it would do, and the job that does it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from urllib.parse import urlencode

from django.db import connection
from django.db.models import Avg, Count, F, Q, QuerySet

from executions import access
from executions.bulk import jobs
from executions.bulk.jobs import Pace
from executions.bulk.targets import Target
from executions.commands.actor import Actor
from executions.limits import BULK_COUNT_LIMIT
from executions.models import FAILED, BulkJob, Execution, FailureGroup
from executions.states import RETRIED, RetryState
from flows import queries
from flows.blocks.base import Effect
from flows.models import FlowVersion

#: Executions whose steps are read for the blocks that would run twice, and first ones shown.
LOOKED_AT = 1_000
FIRST = 4
AT_A_TIME = 5
STOP_AFTER = 10
#: Executions that a paced job may have live at a time.
MOST_AT_A_TIME = 1_000
_RUN_BEFORE = """
    SELECT block, count(DISTINCT execution_id) FROM (
        SELECT execution_id, block FROM executions_step
        WHERE execution_id = ANY(%(ids)s) AND block = ANY(%(blocks)s)
        UNION ALL
        SELECT execution_id, block FROM executions_trimmedvisits
        WHERE execution_id = ANY(%(ids)s) AND block = ANY(%(blocks)s)
    ) AS visited
    GROUP BY block ORDER BY 2 DESC
"""


@dataclass(frozen=True, slots=True)
class Repeated:
    """A block that would run a second time, although it is not safe to repeat, and for how many."""

    title: str
    count: int


@dataclass(frozen=True)
class RetryGroup:
    """What retrying a group would do, for one user."""

    user: access.User
    group: FailureGroup

    @property
    def filters(self) -> str:
        """The executions that it would start again, as in an address."""
        return urlencode([*self.group.filters, ("-is", "retried")])

    @cached_property
    def _rows(self) -> QuerySet[Execution]:
        return access.visible(self.user).filter(FAILED, failure=self.group.pk)

    @cached_property
    def _locked(self) -> Q:
        """Somebody else debugs them."""
        return Q(debugged_by__isnull=False) & ~Q(debugged_by=self.user.pk)

    @cached_property
    def _fresh(self) -> QuerySet[Execution]:
        """Those that would start again."""
        unretried = self._rows.exclude(retry_state__in=RETRIED)
        return unretried.exclude(self._locked).order_by("-started_at", "-id")

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """How many would start again, and how many not, by why."""
        unretried = ~Q(retry_state__in=[state.value for state in RETRIED])
        found = self._rows.order_by()[:BULK_COUNT_LIMIT].aggregate(
            all=Count("pk"),
            start=Count("pk", filter=unretried & ~self._locked),
            ended=Count("pk", filter=Q(retry_state=RetryState.ENDED.value)),
            live=Count("pk", filter=Q(retry_state=RetryState.LIVE.value)),
            failed=Count("pk", filter=Q(retry_state=RetryState.FAILED.value)),
            locked=Count("pk", filter=unretried & self._locked),
            unretried=Count("pk", filter=unretried),
        )
        return found

    @cached_property
    def lockers(self) -> str:
        """Who debugs those that are locked."""
        locked = self._rows.filter(self._locked).order_by().values_list("debugged_by_name")
        return ", ".join(name for (name,) in locked.distinct()[:3])

    @cached_property
    def first(self) -> Sequence[Execution]:
        return list(self._fresh.only("id", "flow_name", "started_at")[:FIRST])

    @property
    def further(self) -> int:
        return max(self.counts["start"] - len(self.first), 0)

    @cached_property
    def seconds(self) -> float:
        """How long one of them took, on average."""
        took = self._fresh.order_by().aggregate(took=Avg(F("ended_at") - F("started_at")))["took"]
        return (took or timedelta()).total_seconds()

    # What would run twice ---------------------------------------------------------------------

    @cached_property
    def repeated(self) -> Sequence[Repeated]:
        """The blocks that would run a second time from Start Flow."""
        sample = list(self._fresh.values_list("pk", "version_id")[:LOOKED_AT])
        titles: dict[str, str] = {}
        for version_id in {version_id for _, version_id in sample}:
            titles |= _effects(version_id)
        with connection.cursor() as cursor:
            ids = [pk for pk, _ in sample]
            cursor.execute(_RUN_BEFORE, {"ids": ids, "blocks": list(titles)})
            return [Repeated(titles[block], count) for block, count in cursor.fetchall()]

    @property
    def repeats_its_block(self) -> Repeated | None:
        """The block that failed, where it is not safe to repeat."""
        title = _effects(self._version.pk).get(self.group.block) if self._version else None
        return Repeated(title, self.counts["start"]) if title else None

    # Versions ---------------------------------------------------------------------------------

    @cached_property
    def _version(self) -> FlowVersion | None:
        return self.group.flow.versions.filter(number=self.group.last_version).first()

    @cached_property
    def newest(self) -> FlowVersion | None:
        """The newest published version, if it is newer than what failed."""
        found = queries.latest_published(self.group.flow.name)
        is_newer = found is not None and found.number > self.group.last_version
        return found if is_newer else None

    @cached_property
    def ran(self) -> str:
        """The versions that they ran."""
        numbers = self._rows.order_by().values_list("version_number", flat=True).distinct()[:4]
        return ", ".join(f"v{number}" for number in sorted(numbers))

    @property
    def newest_has_block(self) -> bool:
        """Whether the block that failed is in the newest version too."""
        assert self.newest is not None
        node = queries.compiled(self.newest.pk).blocks.get(self.group.block)
        return node is not None and node.block.type == self.group.block_type


@dataclass(frozen=True, slots=True)
class Choices:
    """What somebody has chosen in the dialog."""

    from_start: bool = False
    newest: bool = False
    at_a_time: int = AT_A_TIME
    one_first: bool = False


def create_job(actor: Actor, group: RetryGroup, choices: Choices) -> BulkJob:
    """Create the job that retries the group, the newest execution first."""
    fields = {
        "unretried": "on",
        **({"from": "start"} if choices.from_start else {}),
        **({"version": "newest"} if choices.newest else {}),
    }
    target = Target(filters=group.filters, child_first=True)
    pace = Pace(choices.at_a_time, STOP_AFTER, choices.one_first)
    return jobs.create(actor, "retry", fields, target, group.counts["start"], pace)


def _effects(version_id: int) -> dict[str, str]:
    """The titles of the blocks of a version that must not run twice, by key."""
    blocks = queries.compiled(version_id).blocks
    return {key: node.title for key, node in blocks.items() if node.block.effect is Effect.ONCE}
