"""The list of flows."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from flows import access
from flows.models import Flow, FlowVersion

PAGE = 100


@require_safe
def flows(request: HttpRequest) -> HttpResponse:
    """Show every flow that the user may see, by name, with its newest version."""
    # PostgreSQL refuses NUL in text, so nothing that holds one could be found.
    search = request.GET.get("q", "").replace("\0", "").strip()[:120]
    rows = listed(access.visible(request.user), search)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    context = {"section": "flows", "page": page, "search": search}
    part = request.headers.get("HX-Target") == "flows"
    response = render(request, "flows/list.html" if part else "flows/flows.html", context)
    response["Vary"] = "HX-Target, Cookie"
    return response


def listed(visible: QuerySet[Flow], search: str) -> QuerySet[Flow, Any]:
    """Return the flows whose name or description contains every word of the search."""
    for word in search.split():
        visible = visible.filter(Q(name__icontains=word) | Q(description__icontains=word))
    newest = FlowVersion.objects.filter(flow=OuterRef("pk"), published_at__isnull=False).order_by(
        "-number"
    )
    return visible.annotate(
        version_count=Count("versions", filter=Q(versions__published_at__isnull=False)),
        draft=Subquery(
            FlowVersion.objects.filter(flow=OuterRef("pk"), published_at=None).values("number")[:1]
        ),
        latest=Subquery(newest.values("number")[:1]),
        latest_at=Subquery(newest.values("published_at")[:1]),
        latest_by=Subquery(newest.values("published_by__username")[:1]),
    ).order_by("name")
