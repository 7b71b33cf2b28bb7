"""Which executions a grid shows: read from its address, asked of the database, matched to events.

`Filters.condition` and `Filters.matches` mean the same; a test holds them against each other.
"""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q
from django.http import QueryDict

from executions.live.events import ExecutionChanged
from executions.states import Status

SEARCHED = (
    "flow_name",
    "block_description",
    "workspace_name",
    "error_type",
    "error_message",
    "initiator_name",
)
#: A longer search text is cut.
SEARCH_LIMIT = 200
#: Fewer digits than that are taken for text only.
ID_PREFIX_MINIMUM = 4
HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True)
class Filters:
    """The filters of one grid. Empty ones let everything through."""

    statuses: frozenset[Status] = frozenset()
    flow: str = ""
    search: str = ""

    @classmethod
    def parse(cls, parameters: QueryDict) -> "Filters":
        """Read the parameters of an address; what is unknown there is left out."""
        known = {status.value for status in Status}
        return cls(
            statuses=frozenset(Status(s) for s in parameters.getlist("status") if s in known),
            flow=_readable(parameters.get("flow", ""))[:120],
            search=_readable(parameters.get("q", ""))[:SEARCH_LIMIT],
        )

    @property
    def are_active(self) -> bool:
        return bool(self.statuses or self.flow or self.search)

    def parameters(self) -> list[tuple[str, str]]:
        """The inverse of `parse`."""
        pairs = [("status", status.value) for status in Status if status in self.statuses]
        if self.flow:
            pairs.append(("flow", self.flow))
        if self.search:
            pairs.append(("q", self.search))
        return pairs

    def condition(self) -> Q:
        """The filters for a queryset of executions."""
        condition = Q()
        if self.statuses:
            condition &= Q(status__in=sorted(self.statuses))
        if self.flow:
            condition &= Q(flow_name=self.flow)
        if self.search:
            found = Q()
            for field in SEARCHED:
                found |= Q(**{f"{field}__icontains": self.search})
            if prefix := id_prefix(self.search):
                found |= Q(id__range=(_padded(prefix, "0"), _padded(prefix, "f")))
            condition &= found
        return condition

    def matches(self, event: ExecutionChanged) -> bool:
        """Whether the queryset of `condition` would hold the execution of this event."""
        if self.statuses and event.status not in self.statuses:
            return False
        if self.flow and event.flow_name != self.flow:
            return False
        if not self.search:
            return True
        wanted = fold(self.search)
        if any(wanted in fold(getattr(event, field)) for field in SEARCHED):
            return True
        prefix = id_prefix(self.search)
        return bool(prefix) and event.id.replace("-", "").startswith(prefix)


def fold(text: str) -> str:
    """Upper case as PostgreSQL's UPPER has it: one character stays one character."""
    upper = text.upper()
    if len(upper) == len(text):
        return upper
    return "".join(c.upper() if len(c.upper()) == 1 else c for c in text)


def id_prefix(search: str) -> str:
    """The hexadecimal digits that an execution's id may begin with; empty when it can't."""
    digits = search.replace("-", "").lower()
    is_prefix = ID_PREFIX_MINIMUM <= len(digits) <= 32 and HEX.issuperset(digits)
    return digits if is_prefix else ""


def _padded(prefix: str, digit: str) -> UUID:
    return UUID(prefix.ljust(32, digit))


def _readable(text: str) -> str:
    # PostgreSQL refuses NUL in text, so nothing that holds one could be found.
    return text.replace("\0", "").strip()
