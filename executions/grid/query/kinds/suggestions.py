"""What kinds suggest: values, and the newest executions in which names are looked for."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from executions import access
from executions.models import Execution

#: Suggestions at a time.
LIMIT = 12
#: Executions in which names are looked for: the newest that the user may see.
RECENT = 1_000


@dataclass(frozen=True)
class SuggestedValue:
    """A value of a field, and what it means."""

    value: str
    detail: str = ""


def suggested(names: Iterable[str]) -> list[SuggestedValue]:
    """Return the first of some names as suggestions."""
    return [SuggestedValue(name) for name in names][:LIMIT]


def newest(user: Any) -> QuerySet[Execution]:
    """Return the executions that a user may see, the newest first."""
    return access.visible(user).order_by("-started_at", "-id")
