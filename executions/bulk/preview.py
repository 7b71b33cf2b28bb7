"""What a command for all that match a filter would do, told before it is confirmed."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from executions import access
from executions.bulk.targets import matching
from executions.commands.objections import DEBUGS, NO_DEBUGGER
from executions.grid.counts import Count, count_by_status
from executions.grid.filters import Filters
from executions.limits import BULK_COUNTED
from executions.models import Execution
from executions.states import APPLIES, Status, refusal

#: Executions that are shown as the first ones.
FIRST = 5


@dataclass(frozen=True, slots=True)
class Share:
    """The executions of one status that match, and why the command does not apply to them."""

    status: Status
    count: Count
    refusal: str


@dataclass(frozen=True, slots=True)
class Preview:
    """`expected` is None where there are more than are counted; `refused` of them will be refused,
    and `why` tells why."""

    shares: list[Share]
    expected: int | None
    refused: int
    why: str
    first: list[Execution]

    @property
    def told(self) -> str:
        """How many, as it is said."""
        return f"more than {BULK_COUNTED:,}" if self.expected is None else f"{self.expected:,}"

    @property
    def is_empty(self) -> bool:
        return self.expected == 0

    @property
    def is_refused(self) -> bool:
        """Whether all of it would be refused."""
        return self.expected is not None and 0 < self.expected <= self.refused


def preview(
    user: access.User,
    filters: Filters,
    command: str,
    now: datetime,
    *,
    child_first: bool = False,
) -> Preview:
    """Everything that the page before the confirmation says."""
    rows = matching(user, filters, command, now, child_first=child_first)
    counts = count_by_status(access.visible(user), filters.seen_by(user))
    chosen = filters.statuses or frozenset(Status)
    shares = [
        Share(status, counts[status.value], refusal(command, status))
        for status in Status
        if status in chosen and counts[status.value].number
    ]
    shares.sort(key=lambda share: status_rank(share.status, command))
    expected = count(rows)
    why = "others have started them, and you may look at them, but not control them."
    if command in DEBUGS and not access.is_debugger(user):
        refused, why = _counted(rows), f"you may not debug them. {NO_DEBUGGER}"
    elif access.may_control(user, None):
        refused = 0
    else:
        refused = _counted(rows.exclude(initiator_id=user.pk))
    return Preview(
        shares=shares,
        expected=expected,
        refused=refused,
        why=why,
        first=list(rows.only("id", "flow_name", "status", "place", "reason", "started_at")[:FIRST]),
    )


def count(rows: QuerySet[Execution]) -> int | None:
    """How many there are; None when there are more than are counted."""
    number = _counted(rows)
    return None if number > BULK_COUNTED else number


def _counted(rows: QuerySet[Execution]) -> int:
    return rows.order_by()[: BULK_COUNTED + 1].count()


def status_rank(status: Status, command: str) -> bool:
    """What the command applies to comes first."""
    return status not in APPLIES[command]
