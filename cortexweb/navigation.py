"""The rail: the pages that every page leads to."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.http import HttpRequest

from executions import access
from executions.audit import access as audit_access
from executions.data_storage import access as storage_access
from executions.rail_numbers import CountedNumber, count
from flows import access as flows_access
from flows import administrators


def _everybody(user: Any) -> bool:
    return True


@dataclass(frozen=True)
class RailItem:
    """A link of the rail. A page says in `section` which one leads to it; `key` follows `g`.
    `number` is the name of the number that it carries (`executions.rail_numbers`)."""

    section: str
    label: str
    icon: str
    url_name: str
    key: str
    is_for: Callable[[Any], bool] = _everybody
    number: str = ""


@dataclass(frozen=True, slots=True)
class RailLink:
    """An item of the rail as a user has it."""

    item: RailItem
    counted: CountedNumber | None


RAIL = (
    RailItem("overview", "Overview", "nav-home", "overview", "h", access.sees_some),
    RailItem("executions", "Executions", "nav-exec", "executions", "e"),
    RailItem("failures", "Failures", "nav-fail", "failures", "x", number="failures"),
    RailItem("flows", "Flows", "nav-flow", "flows", "f"),
    RailItem("questions", "For you", "nav-ask", "questions", "y", number="questions"),
    RailItem("schedules", "Schedules", "nav-cal", "schedules", "d", flows_access.sees_flows),
    RailItem("webhooks", "Webhooks", "nav-hook", "webhooks", "w", flows_access.sees_flows),
    RailItem("storage", "Storage", "sql", "storage", "m", storage_access.sees_some),
    RailItem("logs", "Logs", "nav-logs", "logs", "l"),
    RailItem("audit", "Audit", "eye", "audit", "t", audit_access.sees_others),
    RailItem("admin", "Admin", "nav-admin", "admin:index", "a", lambda user: user.is_staff),
)


def rail(request: HttpRequest) -> dict[str, Any]:
    """Give templates what they ask for: the links that the user of a request has, and whom a user
    asks for a right."""
    return {
        # Asked for in several places of a page.
        "rail": cache(lambda: _links(request.user)),
        "administrators": lambda: _administrators(getattr(request, "user", None)),
    }


def _links(user: Any) -> list[RailLink]:
    items = [item for item in RAIL if item.is_for(user)]
    counted = count(user, *(item.number for item in items if item.number))
    return [RailLink(item, counted.get(item.number)) for item in items]


def _administrators(user: Any) -> str:
    """Whom to ask, for people who have signed in: others learn nobody's name."""
    return administrators.ask() if user is not None and user.is_authenticated else ""
