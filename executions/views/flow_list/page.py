"""The list of flows: what runs now, what ran within a day, folders and labels."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Min, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from executions import access as executions_access
from executions.schedules import access as schedules_access
from executions.statistics import read
from executions.statistics.counts import Numbers
from executions.store.read.flow_counts import last_executions
from executions.views.flow_list import numbers, rows
from executions.views.flow_list.query import SHOWN, STATES, UNFILED, FlowQuery
from executions.views.flow_list.rows import FlowRow
from executions.views.parts import Part, changed, held
from flows import access
from flows.call_graph import call_graph
from flows.models import Flow, Label
from flows.queries import folder_paths

PAGE = 50
#: What changes while the page is open. It holds nothing that is one user's alone, not even a token
#: against forged requests, since all who see the same share what was rendered.
LIVE = (
    Part("rows", "executions/flows/table.html", "pane"),
    Part("totals", "executions/flows/totals.html", "row"),
)
PARTS = (*LIVE, Part("nav", "executions/flows/nav.html"))


@require_safe
def flows(request: HttpRequest) -> HttpResponse:
    """Every flow that the user may see and the address asks for. htmx gets the list alone."""
    context = _context(request, FlowQuery.parse(request.GET))
    if context["query"].view == "calls":
        context["graph"] = call_graph(row.flow for row in context["rows"])
    else:
        context["parts"] = {part.name: part.element(request, context) for part in PARTS}
    part = request.headers.get("HX-Target") == "flows"
    response = render(
        request, "executions/flows/list.html" if part else "executions/flows/page.html", context
    )
    response["Vary"] = "HX-Target, Cookie"
    return response


@require_safe
def flows_live(request: HttpRequest) -> HttpResponse:
    """The parts that differ from those that the browser says it holds. All who see the same share
    what was rendered within a second."""
    query, user = FlowQuery.parse(request.GET), request.user
    key = (
        "page",
        executions_access.seen(user),
        access.seen_flow_ids(user),
        access.arranged(user),
        tuple(sorted(rows.favorites_of(user))),
        user.pk if query.show == "mine" else None,
        timezone.get_current_timezone_name(),
        tuple(query.parameters),
        held(request),
    )
    html = numbers.cached(
        key,
        numbers.LIVE_AGE,
        lambda: changed(LIVE, request, _context(request, query), held(request)),
    )
    response = HttpResponse(html)
    response["Cache-Control"] = "no-store"
    return response


def _context(request: HttpRequest, query: FlowQuery) -> dict[str, Any]:
    found = _rows(request.user, query.search)
    shown = rows.narrowed(found, query, request.user)
    _add_last(request.user, shown if query.sort.endswith("last") else ())
    _add_p95s(request.user, shown if query.sort.endswith("p95") else ())
    page = Paginator(rows.in_order(shown, query.sort), PAGE).get_page(query.page)
    _add_last(request.user, list(page))
    _add_hours(request.user, list(page))
    _add_next(request.user, list(page))
    live = numbers.live_counts(request.user)
    return {
        "section": "flows",
        "query": query,
        "page": page,
        "rows": shown,
        "total": len(found),
        "now": _now(shown),
        "capped": live.capped,
        "states": STATES,
        "kinds": Flow.Kind.choices,
        "groups": _groups(found, request.user, query),
        "folders": _folders(request.user, found, query),
        "unfiled": {
            "count": sum(not row.folder for row in found),
            "url": query.url(show=UNFILED, folder=""),
            "current": query.show == UNFILED,
        },
        "may_administer_site": access.may_administer_site(request.user),
        "labels": _labels(access.labels(request.user), found, query),
        "headers": _headers(query),
        "list_url": query.url(view="list"),
        "calls_url": query.url(view="calls"),
        "may_import": access.authors_some(request.user),
        "may_add": request.user.is_staff and request.user.has_perm("flows.add_flow"),
    }


def _rows(user: Any, search: str) -> list[FlowRow]:
    ways, starred = folder_paths(), rows.favorites_of(user)
    labels = rows.labels_of_flows()
    live, day = numbers.live_counts(user), numbers.day_numbers(user)
    return [
        FlowRow(
            flow=flow,
            folder=rows.path_of(flow, ways),
            labels=labels.get(flow.pk, ()),
            is_favorite=flow.pk in starred,
            may_arrange=access.may_arrange(user, flow),
            live=live.by_flow.get(flow.name, {}),
            day=day.by_flow.get(flow.pk) or Numbers(),
            span=day.span,
        )
        for flow in rows.flows_of(user, search)
    ]


def _add_last(user: Any, shown: Sequence[FlowRow]) -> None:
    last = last_executions([row.flow.name for row in shown], executions_access.seen(user))
    for row in shown:
        row.last = last.get(row.flow.name)


def _add_p95s(user: Any, shown: Sequence[FlowRow]) -> None:
    if not shown:
        return
    p95s = numbers.p95s(user, shown[0].span)
    for row in shown:
        row.p95 = p95s.get(row.flow.pk)


def _add_hours(user: Any, shown: Sequence[FlowRow]) -> None:
    if not shown:
        return
    ids = [row.flow.pk for row in shown]
    hours = numbers.hours(user, shown[0].span, ids)
    for row in shown:
        row.hours = hours.get(row.flow.pk) or numbers.no_hours(row.span)
        row.p95 = read.summed(row.hours).durations.quantile(0.95)


def _add_next(user: Any, shown: Sequence[FlowRow]) -> None:
    """Add when schedules start the flows next."""
    schedules = schedules_access.visible(user).filter(flow__in=[row.flow.pk for row in shown])
    rows_of_flows = schedules.order_by().values_list("flow")
    times = dict(rows_of_flows.annotate(next=Min("next_at", filter=Q(is_on=True))))
    for row in shown:
        row.has_schedules = row.flow.pk in times
        row.next_at = times.get(row.flow.pk)


def _now(shown: Sequence[FlowRow]) -> list[tuple[str, int]]:
    """How many executions of the flows that are shown are live: words and number of each kind that
    there is."""
    counts = [
        (words, sum(row.number_of(kind) for row in shown))
        for kind, (_, _, words, _) in rows.LIVE_PILLS.items()
    ]
    return [(words, count) for words, count in counts if count]


def _groups(found: Sequence[FlowRow], user: Any, query: FlowQuery) -> list[dict[str, Any]]:
    plain = not (query.folder or query.label)
    return [
        {
            "key": key,
            "word": word,
            "icon": icon,
            "count": sum(rows.is_shown(row, key, user) for row in found),
            "url": query.url(show=key, folder="", label=""),
            "current": plain and query.show == key,
        }
        for key, (word, icon) in SHOWN.items()
    ]


def _folders(user: Any, found: Sequence[FlowRow], query: FlowQuery) -> list[dict[str, Any]]:
    """The folders by their paths, each with the flows in it and below it."""
    return [
        {
            "id": pk,
            "name": way[-1].rpartition("/")[2],
            "path": way[-1],
            "depth": len(way) - 1,
            "count": sum(rows.is_in(row.folder, way[-1]) for row in found),
            "url": query.url(show="", folder=way[-1]),
            "may_administer": access.may_administer_folder(user, pk),
            "current": bool(query.folder) and way[-1].casefold() == query.folder.casefold(),
        }
        for pk, way in sorted(access.folders(user).items(), key=lambda item: item[1][-1].casefold())
    ]


def _labels(
    labels: Iterable[Label], found: Sequence[FlowRow], query: FlowQuery
) -> list[dict[str, Any]]:
    """The labels, each with its flows; a click on the one that is chosen takes it away."""
    items = []
    for label in labels:
        current = label.name.casefold() == query.label.casefold()
        items.append(
            {
                "label": label,
                "count": sum(label in row.labels for row in found),
                "url": query.url(label="" if current else label.name),
                "current": current,
            }
        )
    return items


def _headers(query: FlowQuery) -> list[dict[str, Any]]:
    """The headers of the columns between the star and the version; the sparkline has no order."""
    headers = [
        {**header, "column": column, "is_number": column in ("runs", "failed", "p95")}
        for column, header in query.headers.items()
    ]
    return [*headers[:-1], {"column": "hours"}, headers[-1]]
