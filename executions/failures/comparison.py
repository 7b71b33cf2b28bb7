"""What the failures of a group have in common, compared with executions that ended well, and where
they diverge from one.

Both are samples, of the newest that the user sees, read within a time limit.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from executions import access
from executions.grid.planner.statement_timeout import TooSlow, fetch
from executions.models import FAILED, Execution, FailureGroup
from executions.states import Status
from executions.store.history.divergence import compare_steps
from flows import queries, values
from flows.diagram.drawing import port_name
from flows.graph import BlockNode

#: Executions in the samples.
FAILED_SAMPLE = 50
ENDED_SAMPLE = 200
#: Seconds for each sample.
SECONDS = 1.0
#: What is listed: what so many of the failures share, the most telling first.
SHARED = 0.5
LISTED = 6
#: What is so much more frequent among the failures is marked.
APART = 0.2
LONGEST_VALUE = 60
#: Inputs of an execution, and parts of each, that are looked at.
INPUTS = 40
_SAMPLED = (
    "pk", "version_number", "initiator_name", "last_worker", "started_at", "inputs", "version_id",
)  # fmt: skip
_PORTS = """
    SELECT port, count(DISTINCT execution_id) FROM executions_step
    WHERE execution_id = ANY(%(ids)s) AND block = %(block)s
    GROUP BY port ORDER BY 2 DESC
"""


@dataclass(frozen=True, slots=True)
class Shared:
    """What failures share: how many of them, and which part of those that ended well."""

    name: str
    value: str
    is_input: bool
    failed: int
    failed_of: int
    ended: int
    ended_of: int

    @property
    def share(self) -> float:
        return self.failed / self.failed_of

    @property
    def ended_share(self) -> float | None:
        """None where none ended well."""
        return self.ended / self.ended_of if self.ended_of else None

    @property
    def ended_percent(self) -> str:
        """The part of those that ended well, as people read it."""
        return "" if self.ended_share is None else f"{100 * self.ended_share:.0f} %"

    @property
    def difference(self) -> float:
        return self.share - (self.ended_share or 0)

    @property
    def is_apart(self) -> bool:
        """Whether it tells the failures from those that ended well."""
        return bool(self.ended_of) and self.difference >= APART


@dataclass(frozen=True, slots=True)
class Samples:
    """The newest failures of a group, and the newest executions of its flow that ended well."""

    failed: Sequence[Execution]
    ended: Sequence[Execution]

    @property
    def shared(self) -> list[Shared]:
        """What the failures share, the most telling first."""
        failed, ended = _counts(self.failed), _counts(self.ended)
        found = [
            Shared(*key, number, len(self.failed), ended[key], len(self.ended))
            for key, number in failed.items()
            if number >= SHARED * len(self.failed)
        ]
        # What the others share as often says nothing.
        found = [one for one in found if one.difference > 0]
        found.sort(key=lambda one: (one.difference, one.share), reverse=True)
        return found[:LISTED]


@dataclass(frozen=True, slots=True)
class FirstDivergence:
    """The first step at which the newest failure goes otherwise than one that ended well.

    `left` and `usual` are the port by which it left the block, and by which most of those left that
    ended well: (port, how many, of how many). Ports are called as on the diagram.
    """

    failed: Execution
    ended: Execution
    step: int | None
    block: BlockNode | None
    left: str
    usual: tuple[str, int, int] | None

    @property
    def shape(self) -> str:
        """The icon of the block."""
        return f"shape-{self.block.block.shape}" if self.block else ""


def samples(user: access.User, group: FailureGroup) -> Samples | None:
    """Return the samples; None when they could not be read in time."""
    visible = access.visible(user).only(*_SAMPLED)
    failed = visible.filter(FAILED, failure=group.pk).order_by("-started_at", "-id")
    ended = visible.filter(
        flow_name=group.flow.name, status=Status.ENDED, unhandled=False
    ).order_by("-started_at", "-id")
    try:
        return Samples(_read(failed[:FAILED_SAMPLE]), _read(ended[:ENDED_SAMPLE]))
    except TooSlow:
        return None


def _read(rows: QuerySet[Execution]) -> list[Execution]:
    """Read executions within the time limit: their ids, then what is compared of them."""
    ids = [row[0] for row in fetch(rows.values("pk"), seconds=SECONDS)]
    found = Execution.objects.only(*_SAMPLED).in_bulk(ids)
    return [found[one] for one in ids if one in found]


def _counts(executions: Sequence[Execution]) -> Counter[tuple[str, str, bool]]:
    return Counter(key for one in executions for key in set(_features(one)))


def _features(execution: Execution) -> Iterator[tuple[str, str, bool]]:
    """Yield what an execution may share with others: a name, a value, and whether it is an
    input."""
    yield "flow version", f"v{execution.version_number}", False
    yield "initiator", execution.initiator_name, False
    if execution.last_worker:
        yield "worker", execution.last_worker, False
    yield "hour of start", f"{timezone.localtime(execution.started_at):%H}:00", False
    for name, encoded in list((execution.inputs or {}).items())[:INPUTS]:
        value = values.decode(encoded, masks=True)
        parts = value.items() if isinstance(value, dict) else [("", value)]
        for key, part in list(parts)[:INPUTS]:
            if (text := _scalar(part)) is not None:
                yield f"{name}.{key}" if key else name, text, True


def _scalar(value: Any) -> str | None:
    """Return a short value as text; None for one that is long or has parts."""
    if isinstance(value, list | dict):
        return None
    text = values.summary(value)
    return text if len(text) <= LONGEST_VALUE else None


# The first divergence ----------------------------------------------------------------------------


def divergence(found: Samples) -> FirstDivergence | None:
    """Return where the newest failure diverges from one that ended well, of the same version where
    there is one; None when there is nothing to compare."""
    if not (found.failed and found.ended):
        return None
    newest = found.failed[0]
    same = [one for one in found.ended if one.version_id == newest.version_id]
    other = (same or found.ended)[0]
    failed = Execution.objects.get(pk=newest.pk)
    ended = Execution.objects.get(pk=other.pk)
    at = compare_steps(ended, failed).divergence
    if at is None or at.second is None:
        return FirstDivergence(failed, ended, None, None, "", None)
    key, port = _visit(failed, at.second)
    block = queries.compiled(failed.version_id).blocks.get(key)
    usual = _usual([one.pk for one in same or found.ended], key)
    if usual:
        usual = (port_name(block, usual[0]), *usual[1:])
    return FirstDivergence(failed, ended, at.second, block, port_name(block, port), usual)


def _visit(execution: Execution, number: int) -> tuple[str, str]:
    """Return the block of a step, and the port by which it left."""
    found = execution.steps.filter(number=number).values_list("block", "port").first()
    return found or ("", "")


def _usual(ids: list[Any], block: str) -> tuple[str, int, int] | None:
    with connection.cursor() as cursor:
        cursor.execute(_PORTS, {"ids": ids, "block": block})
        ports = cursor.fetchall()
    if not ports:
        return None
    return ports[0][0], ports[0][1], sum(number for _, number in ports)
