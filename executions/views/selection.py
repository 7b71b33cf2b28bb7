"""What a form says of the executions that it is about: which, and in which status they were
seen."""

from collections.abc import Sequence
from uuid import UUID

from django.core.exceptions import BadRequest
from django.http import QueryDict

from executions.grid.table.layout import ChildOrder
from executions.limits import MAX_SELECTED
from executions.states import Status

#: Fields of a form that say what it is about, and are no business of a command.
FIELDS = frozenset(
    {"id", "selection", "order", "next", "command", "form", "query", "csrfmiddlewaretoken"}
)


def read_selection(form: QueryDict) -> dict[UUID, Status | None]:
    """Every execution that a form names, with the status in which it was seen where it says so.

    `id` fields name one each; a script sends them together, as `selection`: "id:Status id:Status".
    What is no id is left out. Raises BadRequest for more than a form may name.
    """
    texts = [*form.getlist("id"), *form.get("selection", "").split()]
    found: dict[UUID, Status | None] = {}
    for text in texts:
        identity, _, status = text.partition(":")
        if (key := _uuid(identity)) is not None:
            found[key] = _status(status)
    if len(found) > MAX_SELECTED:
        raise BadRequest(
            f"At most {MAX_SELECTED:,} executions can be chosen one by one: filter, and take all "
            "that match."
        )
    return found


def seen_statuses(chosen: dict[UUID, Status | None]) -> dict[UUID, Status]:
    """Of what was chosen, the statuses that are known to have been seen."""
    return {key: status for key, status in chosen.items() if status}


def child_first(form: QueryDict) -> bool:
    """Whether a command goes to children before their parents: `order`, as the grid lists them."""
    return form.get("order") == ChildOrder.CHILD_FIRST


def command_fields(form: QueryDict) -> dict[str, str]:
    """What a command takes beside."""
    return {name: str(value) for name, value in form.items() if name not in FIELDS}


def read_ids(texts: Sequence[str]) -> list[UUID]:
    """The ids among these texts."""
    return [key for text in texts if (key := _uuid(text)) is not None]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _status(text: str) -> Status | None:
    return next((status for status in Status if status == text), None)
