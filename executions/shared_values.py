"""Values that executions share, by Data Storage or with a signal, as people read them."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from django.utils.safestring import SafeString

from executions import access
from executions.access import User
from executions.models.shared_data import SharedValue
from flows import pretty_json, values

#: Characters of a value in a list.
_SUMMARY = 120


@dataclass(frozen=True)
class ReadValue:
    """A shared value, and the execution that gave it where its page may be seen."""

    item: Any
    execution: UUID | None

    @cached_property
    def value(self) -> Any:
        """The value, with masks in place of secrets."""
        return pretty_json.decode(self.item.value)

    @property
    def summary(self) -> str:
        """The value in one line."""
        return values.summary(self.value, _SUMMARY)

    @property
    def type_name(self) -> str:
        """The type of the value."""
        return values.type_name(self.value)

    @property
    def lines(self) -> SafeString:
        """The value as indented JSON, up to what a page holds."""
        return pretty_json.lines(self.value)


def read(user: User, items: Iterable[SharedValue]) -> list[ReadValue]:
    """Return shared values as a user reads them."""
    listed = list(items)
    seen = access.seen_ids(user, [item.by_execution_id for item in listed])
    return [
        ReadValue(item, item.by_execution_id if item.by_execution_id in seen else None)
        for item in listed
    ]
