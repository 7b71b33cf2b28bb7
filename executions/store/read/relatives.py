"""Executions that are shown beside one: its parent, root and children, what it repeats and what
repeats it, and others of its flow."""

from uuid import UUID

from django.db.models import Q, QuerySet

from executions.models import Execution
from executions.states import LIVE
from executions.store.read.pages import PAGE_SIZE, ListPage

#: Children that are looked at for those that have not ended.
YOUNGEST = 2000
#: Executions of a chain of retries that are shown.
CHAIN_LIMIT = 10
#: What a link to an execution with its status takes.
_LINKED = ("id", "flow_name", "status", "unhandled", "place", "reason", "trigger", "started_at")


def parent_and_root(execution: Execution, visible: QuerySet[Execution]) -> dict[UUID, Execution]:
    """Return the parent and the root, if the user may see them."""
    ids = {i for i in (execution.parent_id, execution.root_id) if i and i != execution.pk}
    if not ids:
        return {}
    rows = visible.filter(pk__in=ids).only("id", "flow_name", "version_number", "status")
    return {row.pk: row for row in rows}


def origins(execution: Execution, visible: QuerySet[Execution]) -> list[Execution]:
    """Return the execution that it repeats, the one that that repeats, and so on, as far as the
    user may see them."""
    found: list[Execution] = []
    following = execution.origin_id
    while following is not None and len(found) < CHAIN_LIMIT:
        origin = visible.filter(pk=following).only(*_LINKED, "origin_id").first()
        if origin is None:
            break
        found.append(origin)
        following = origin.origin_id
    return found


def repeats(execution: Execution, visible: QuerySet[Execution]) -> list[Execution]:
    """Return the newest executions that repeat it: retries, and those that ran it again."""
    rows = visible.filter(origin_id=execution.pk).only(*_LINKED)
    return list(rows.order_by("-started_at", "-id")[:CHAIN_LIMIT])


def child_page(
    execution_id: UUID, visible: QuerySet[Execution], after: UUID | None = None
) -> ListPage:
    """Return a page of child executions, newest first."""
    rows = visible.filter(parent_id=execution_id).order_by("-started_at", "-id")
    if after is not None:
        edge = visible.filter(pk=after).values_list("started_at", flat=True).first()
        if edge is not None:
            rows = rows.filter(Q(started_at__lt=edge) | Q(started_at=edge, id__lt=after))
    page = list(rows.defer("inputs", "outputs", "state", "secrets")[: PAGE_SIZE + 1])
    more = str(page[PAGE_SIZE - 1].pk) if len(page) > PAGE_SIZE else ""
    return ListPage(page[:PAGE_SIZE], older=more)


def live_children(execution_id: UUID, visible: QuerySet[Execution]) -> list[Execution]:
    """Return the live children, newest first: at most a page, among the newest `YOUNGEST`."""
    youngest = visible.filter(parent_id=execution_id).order_by("-started_at", "-id")[:YOUNGEST]
    rows = Execution.objects.filter(pk__in=youngest.values("pk"), status__in=LIVE)
    shown = ("id", "flow_name", "status", "place", "reason", "called_by", "block_description")
    return list(rows.order_by("-started_at", "-id").only(*shown)[:PAGE_SIZE])


_RECENT = (
    "id", "status", "unhandled", "place", "reason", "started_at", "ended_at", "error_type",
    "error_message",
)  # fmt: skip


def recent_executions(visible: QuerySet[Execution], flow_name: str, count: int) -> list[Execution]:
    """Return the newest executions of a flow that the user may see, oldest first."""
    rows = visible.filter(flow_name=flow_name).order_by("-started_at", "-id").only(*_RECENT)
    return list(rows[:count])[::-1]
