"""Lists that are paged by number: the pages of what is not millions."""

from typing import Annotated, Any, Generic, TypeVar

from django.core.paginator import Paginator
from django.http import HttpRequest
from ninja import Field, Query, Schema

from executions.list_pages import PAGE_SIZE

T = TypeVar("T")

PageNumber = Annotated[int, Query(ge=1, le=1_000_000, description="From 1 on.")]


class NumberedPage(Schema, Generic[T]):
    """A page of a list."""

    items: list[T]
    next: str | None = Field(None, description="The address of the next page; null on the last.")


def page_of(request: HttpRequest, rows: Any, number: int = 1) -> dict[str, Any]:
    """Return what `NumberedPage` says of the page of some rows."""
    page = Paginator(rows, PAGE_SIZE).get_page(number)
    following = None
    if page.has_next() and page.number == number:
        asked = request.GET.copy()
        asked["page"] = str(number + 1)
        following = f"{request.path}?{asked.urlencode()}"
    items = list(page.object_list) if page.number == number else []
    return {"items": items, "next": following}
