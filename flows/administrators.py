"""Who administers the whole site; the last of them stays: a trigger sees to it (migration 0012)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection, transaction
from django.db.models import Q, QuerySet

from flows.models import Flow, Folder, Grant
from flows.queries import folders_above
from flows.roles import Role

_CONSTRAINT = "last_administrator"
#: Names that a sentence lists.
NAMED = 3


class LastAdministrator(Exception):
    """Raised where nobody would administer the site any more."""

    def __init__(self) -> None:
        super().__init__(
            "This is the last administrator of the site. Make somebody else one first."
        )


@contextmanager
def keeping_one() -> Iterator[None]:
    """Run a block in a transaction. Raises LastAdministrator when nobody would administer the site
    after it."""
    try:
        with transaction.atomic():
            yield
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    except IntegrityError as error:
        if is_about_last(error):
            raise LastAdministrator from error
        raise


def is_about_last(error: IntegrityError) -> bool:
    """Return whether the database has kept the last administrator."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None) == _CONSTRAINT


def of_site() -> QuerySet[Any]:
    """Return the active people who administer the whole site, by name."""
    grants = Grant.objects.filter(role=Role.ADMINISTER, flow=None, folder=None)
    return _holding(grants, Q(is_superuser=True))


def of(place: Flow | Folder | None) -> QuerySet[Any]:
    """Return the active people who may give rights on a flow, a folder, or the whole site, by
    name. Those of the whole site are left out where others may."""
    if place is None:
        return of_site()
    folder_id = place.folder_id if isinstance(place, Flow) else place.pk
    on = Q(folder__in=folders_above(folder_id)) if folder_id else Q(pk__in=[])
    if isinstance(place, Flow):
        on |= Q(flow=place)
    found = _holding(Grant.objects.filter(on, role=Role.ADMINISTER))
    return found if found.exists() else of_site()


def _holding(grants: QuerySet[Grant], others: Q | None = None) -> QuerySet[Any]:
    held = Q(grants__in=grants) | Q(groups__grants__in=grants)
    people = get_user_model()._default_manager.filter(is_active=True)
    return people.filter(held | others if others else held).distinct().order_by("username")


def ask(place: Flow | Folder | None = None) -> str:
    """Say whom to ask for a right: "Ask ada or grace for it." """
    names = list(of(place).values_list("username", flat=True)[: NAMED + 1])
    if not names:
        return "An administrator can give it."
    shown = names[:NAMED]
    if len(names) > NAMED:
        return f"Ask {', '.join(shown)} or another administrator for it."
    return f"Ask {' or '.join([', '.join(shown[:-1]), shown[-1]] if shown[1:] else shown)} for it."


def ask_about(user: Any, flow_name: str = "") -> str:
    """Say whom a user asks for a right on a flow, by its name; without one, on the whole site. It
    is read once for each user object: many executions of a flow are refused with one statement."""
    known: dict[str, str] = user.__dict__.setdefault("_asks", {})
    if flow_name not in known:
        flow = Flow.objects.filter(name=flow_name).first() if flow_name else None
        known[flow_name] = ask(flow)
    return known[flow_name]
