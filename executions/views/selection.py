"""Reads from a form which executions it is about, and in which status the person saw them."""

from collections.abc import Sequence
from uuid import UUID

from django.core.exceptions import BadRequest
from django.http import QueryDict

from executions.grid.table.layout import ChildOrder
from executions.limits import MAX_SELECTED
from executions.states import Status

#: Fields of a form that say which executions it is about; a command does not get them.
FIELDS = frozenset(
    {"id", "selection", "order", "next", "command", "form", "query", "csrfmiddlewaretoken"}
)


def read_selection(form: QueryDict) -> dict[UUID, Status | None]:
    """Return the executions that a form names, with the status that the person saw, if it is known.

    An `id` field names one; a script sends all of them in `selection`, as "id:Status id:Status".
    Invalid ids are left out. Raises BadRequest for more than a form may name.
    """
    texts = [*form.getlist("id"), *form.get("selection", "").split()]
    found: dict[UUID, Status | None] = {}
    for text in texts:
        identity, _, status = text.partition(":")
        if (key := _uuid(identity)) is not None:
            found[key] = _status(status)
    if len(found) > MAX_SELECTED:
        raise BadRequest(
            f"At most {MAX_SELECTED:,} executions can be selected one by one. Filter them, and "
            "take all that match."
        )
    return found


def seen_statuses(chosen: dict[UUID, Status | None]) -> dict[UUID, Status]:
    """The statuses that are known."""
    return {key: status for key, status in chosen.items() if status}


def child_first(form: QueryDict) -> bool:
    """Whether a command reaches children before their parents, as the grid lists them."""
    return form.get("order") == ChildOrder.CHILD_FIRST


def command_fields(form: QueryDict) -> dict[str, str]:
    """The further fields of a command."""
    return {name: str(value) for name, value in form.items() if name not in FIELDS}


def read_ids(texts: Sequence[str]) -> list[UUID]:
    """Return the valid ids among these texts."""
    return [key for text in texts if (key := _uuid(text)) is not None]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _status(text: str) -> Status | None:
    return next((status for status in Status if status == text), None)
