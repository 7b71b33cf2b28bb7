"""Lists that are paged by number and searched: what is not millions."""

from collections.abc import Mapping
from typing import Any

from django.core.paginator import Page, Paginator
from django.utils.functional import cached_property

PAGE_SIZE = 50
#: Rows that are counted, and so the most that pages lead to.
COUNTED = 10_000


class _CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no more rows than it shows."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[:COUNTED].count())


def capped_page(rows: Any, number: Any) -> Page[Any]:
    """Return the page of some rows that an address asks for, or the one nearest to it."""
    return _CappedPaginator(rows, PAGE_SIZE).get_page(number)


def search_text(address: Mapping[str, str]) -> str:
    """Return what an address looks for, its `q`."""
    return address.get("q", "").replace("\0", "")[:500].strip()
