"""Where a row stands in the order of the grid, and the pages that begin and end there."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db.models import Q

from executions.live.events import ExecutionChanged

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, order=True)
class Key:
    """Where a row stands in the order of the grid: later ones are on top."""

    started_at: datetime
    id: UUID

    @classmethod
    def of(cls, event: ExecutionChanged) -> "Key":
        return cls(event.started_at, UUID(event.id))

    @classmethod
    def parse(cls, text: str) -> "Key | None":
        """The inverse of `str`; None for anything else."""
        found = re.fullmatch(r"([0-9]{1,17})-([0-9a-f]{32})", text)
        if not found:
            return None
        return cls(EPOCH + timedelta(microseconds=int(found[1])), UUID(found[2]))

    def __str__(self) -> str:
        return f"{(self.started_at - EPOCH) // timedelta(microseconds=1)}-{self.id.hex}"

    def older(self) -> Q:
        # The first condition says nothing new, but lets the index be entered at the key.
        return Q(started_at__lte=self.started_at) & (
            Q(started_at__lt=self.started_at) | Q(id__lt=self.id)
        )

    def newer(self) -> Q:
        return Q(started_at__gte=self.started_at) & (
            Q(started_at__gt=self.started_at) | Q(id__gt=self.id)
        )
