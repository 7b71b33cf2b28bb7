"""The preview of a command for all executions that match a filter."""

from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import QuerySet

from executions import access, appearance
from executions.bulk.targets import matching
from executions.commands.permissions import ask_to_debug, no_permission
from executions.commands.registry import COMMANDS
from executions.grid.planner.counts import Count, count_by_status
from executions.grid.query.filters import Filters
from executions.limits import BULK_COUNT_LIMIT
from executions.models import Execution
from executions.states import Status

#: How many executions are shown, and the fields that are shown.
FIRST = 5
_SHOWN = ("id", "flow_name", "status", "unhandled", "place", "reason", "started_at")


@dataclass(frozen=True, slots=True)
class StatusShare:
    """How many matching executions have a status, and why the command does not apply to them.
    `unhandled`: only those that Ended because nothing handled an exception."""

    status: Status
    count: Count
    refusal: str
    unhandled: bool = False

    @property
    def word(self) -> str:
        return appearance.label(self.status, unhandled=self.unhandled)

    @property
    def tone(self) -> str:
        return appearance.css_class(self.status, unhandled=self.unhandled)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a command would do. `expected` is None if there are more executions than are counted.
    The command will be refused for `refused` of them; `why` says why."""

    shares: list[StatusShare]
    expected: int | None
    refused: int
    why: str
    first: list[Execution]
    #: How many match that have a parent, where the command is for roots and what is below them.
    children: int = 0

    @property
    def count_text(self) -> str:
        """How many executions, as text."""
        return f"more than {BULK_COUNT_LIMIT:,}" if self.expected is None else f"{self.expected:,}"

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
    """The preview of a command for all executions that match."""
    declared = COMMANDS[command]
    rows = matching(user, filters, command, now, child_first=child_first)
    counts = count_by_status(access.visible(user), filters.seen_by(user))
    chosen = filters.statuses or frozenset(Status)
    shares = [
        StatusShare(status, counts[status.value], declared.refusal(status))
        for status in Status
        if status in chosen and counts[status.value].number
    ]
    if declared.applies_to_unhandled:
        shares = _split_unhandled(shares, rows, command)
    shares.sort(key=lambda share: bool(share.refusal))  # those that it applies to come first
    expected = count(rows)
    why = "Other people started them. You may see them, but not control them."
    if not declared.is_offered(user):
        refused = _counted(rows)
        why = (
            f"You may not debug them. {ask_to_debug(user)}"
            if declared.debugs
            else no_permission(declared, user)
        )
    else:
        allowed = access.condition(user, *declared.permissions)
        # An empty condition holds for all of them, but excludes none.
        refused = _counted(rows.exclude(allowed)) if allowed else 0
    return Preview(
        shares=shares,
        expected=expected,
        refused=refused,
        why=why,
        first=list(rows.only(*_SHOWN)[:FIRST]),
        children=_children(shares, expected) if declared.for_roots else 0,
    )


def _children(shares: list[StatusShare], expected: int | None) -> int:
    """How many match that a command for roots leaves out, as far as rows are counted."""
    if expected is None:
        return 0
    return max(0, sum(share.count.number for share in shares if not share.refusal) - expected)


def count(rows: QuerySet[Execution]) -> int | None:
    """How many rows there are; None if there are more than are counted."""
    number = _counted(rows)
    return None if number > BULK_COUNT_LIMIT else number


def _counted(rows: QuerySet[Execution]) -> int:
    return rows.order_by()[: BULK_COUNT_LIMIT + 1].count()


def _split_unhandled(
    shares: list[StatusShare], rows: QuerySet[Execution], command: str
) -> list[StatusShare]:
    """Split those that Ended because nothing handled an exception from the other Ended ones: the
    command applies to them."""
    found = _counted(rows.filter(unhandled=True))
    if not found:
        return shares
    unhandled = StatusShare(Status.ENDED, Count(found), "", unhandled=True)
    others = []
    for share in shares:
        if share.status is Status.ENDED:
            rest = max(share.count.number - found, 0)
            share = replace(share, count=Count(rest, is_estimate=share.count.is_estimate))
        if share.count.number:
            others.append(share)
    return [unhandled, *others]
