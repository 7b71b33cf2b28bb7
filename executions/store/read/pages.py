"""A page of a list that is paged by a key."""

from dataclasses import dataclass
from typing import Any

#: Rows of a page of steps, children, log entries or audit entries.
PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page of rows, and the keys of its neighbours where there are any."""

    rows: list[Any]
    older: str = ""
    newer: str = ""
