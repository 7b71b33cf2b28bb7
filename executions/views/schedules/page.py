"""The page of schedules: the list, its week, and the drawer of one."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from executions.access import seen as executions_seen
from executions.commands.actor import Actor
from executions.models import Schedule, ScheduleRun
from executions.overview.pages import render as render_parts
from executions.preferences import is_time_zone, time_zones
from executions.schedules import access, changes, due, page, reading
from executions.schedules.cron import PARTS, SECOND, CronError
from executions.schedules.excluded import CalendarError
from executions.schedules.page import SchedulesPage
from executions.schedules.query import STATES
from executions.views.schedules.form import SIMPLE, ScheduleForm
from flows import access as flows_access
from flows import administrators, queries
from flows.graph import FlowGraph, InvalidFlow

_CHANGED = "Somebody else has changed this schedule meanwhile. Look at it again, then change it."
#: Flows that the choice of a new schedule offers.
_FLOWS = 2_000


@require_safe
def schedule_list(request: HttpRequest) -> HttpResponse:
    """List the schedules of the flows that the user may see."""
    return _page(request, None)


@require_safe
def schedules_live(request: HttpRequest, selected: int) -> HttpResponse:
    """Send the parts that differ from those that the browser holds, for a page that polls;
    `selected` is the schedule whose drawer is open, or 0."""
    shown = SchedulesPage.of(request.user, request.GET, selected, zone_name())
    held = set(request.headers.get("X-Held", "")[:2000].split())
    parts = render_parts(shown).items()
    elements = [part.element for name, part in parts if f"{name}:{part.digest}" not in held]
    response = HttpResponse(mark_safe("\n".join(elements)))  # noqa: S308
    response["Cache-Control"] = "no-store"
    return response


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def new_schedule(request: HttpRequest) -> HttpResponse:
    """Show the form of a new schedule of a flow; a POST makes it."""
    offered = _changeable_flows(request.user)
    if not access.may_change_some(request.user):
        raise PermissionDenied(f"You may not change schedules of any flow. {administrators.ask()}")
    name = request.POST.get("flow") or request.GET.get("flow", "")
    flow = flows_access.get(request.user, name) if name else offered.first()
    if flow is None:
        raise Http404("There is no flow that you may schedule.")
    if not access.may_change(request.user, flow):
        raise PermissionDenied(access.not_allowed(flow))
    schedule = Schedule(
        flow=flow,
        name=request.GET.get("name", "")[:120],
        cron=request.GET.get("cron", "0 8 * * 1-5")[:200],
        zone=zone_name(),
    )
    return _form_page(request, schedule)


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def schedule(request: HttpRequest, schedule_id: int) -> HttpResponse:
    """Show a schedule in the drawer beside the list; a POST changes it."""
    found = access.get_or_404(request.user, schedule_id)
    if request.method == "POST" and not access.may_change(request.user, found.flow):
        raise PermissionDenied(access.not_allowed(found.flow))
    return _form_page(request, found)


@sensitive_post_parameters()
@require_POST
def preview_schedule(request: HttpRequest) -> HttpResponse:
    """Say what the expression of a form means, while it is typed."""
    zone = request.POST.get("zone", "")
    typed = Schedule(cron=request.POST.get("cron", "")[:300].replace("\0", ""), zone="UTC")
    if is_time_zone(zone):
        typed.zone = zone
    for name in ("starts_on", "ends_on"):
        try:
            setattr(typed, name, date.fromisoformat(request.POST.get(name, "")))
        except ValueError:
            continue  # the form says so when it is saved
    context = {"reading": reading.read(typed, timezone.now())}
    return render(request, "schedules/reading.html", context)


@require_POST
def switch_schedule(request: HttpRequest, schedule_id: int) -> HttpResponse:
    """Switch a schedule on or off."""
    found = access.get_or_404(request.user, schedule_id)
    if not access.may_change(request.user, found.flow):
        raise PermissionDenied(access.not_allowed(found.flow))
    is_on = request.POST.get("on") == "1"
    changes.switch(request.user, Actor.of_request(request), [found], is_on=is_on)
    return _back(request, found)


@require_POST
def run_schedule(request: HttpRequest, schedule_id: int) -> HttpResponse:
    """Start a schedule out of turn."""
    found = access.get_or_404(request.user, schedule_id)
    if not flows_access.may_start(request.user, found.flow):
        raise PermissionDenied("You may not start this flow.")
    run = due.start_now(found.pk, Actor.of_request(request), request.user)
    if run.outcome == ScheduleRun.Outcome.FAILED:
        messages.error(request, f"{found.name} did not start. {run.detail}")
    else:
        messages.success(request, f"{found.name} has started.")
    return _back(request, found)


@require_POST
def delete_schedule(request: HttpRequest, schedule_id: int) -> HttpResponse:
    """Delete a schedule. Its executions stay."""
    found = access.get_or_404(request.user, schedule_id)
    if not access.may_change(request.user, found.flow):
        raise PermissionDenied(access.not_allowed(found.flow))
    changes.delete(request.user, Actor.of_request(request), found)
    messages.success(request, f"{found.name} is deleted.")
    return redirect("schedules")


@require_POST
def pause_schedules(request: HttpRequest) -> HttpResponse:
    """Pause all schedules, or let them go on."""
    if not access.may_pause_all(request.user):
        raise PermissionDenied("You may not pause all schedules.")
    is_paused = request.POST.get("paused") == "1"
    changes.pause_all(request.user, Actor.of_request(request), is_paused=is_paused)
    return redirect("schedules")


def _back(request: HttpRequest, found: Schedule) -> HttpResponse:
    """Redirect to the list, with the drawer open where it was."""
    was_open = request.POST.get("drawer") == "1"
    return redirect(found.get_absolute_url() if was_open else reverse("schedules"))


def _form_page(request: HttpRequest, shown: Schedule) -> HttpResponse:
    graph = _graph(shown)
    form = ScheduleForm(graph, request.POST or None, request.FILES or None, instance=shown)
    if request.method == "POST" and form.is_valid():
        if (revision := form.cleaned_data["revision"]) is not None and shown.pk:
            shown.revision = revision
        try:
            changes.save(request.user, Actor.of_request(request), shown)
        except changes.ScheduleChanged:
            form.add_error(None, _CHANGED)
        except changes.TooManySchedules:
            form.add_error(None, "There are as many schedules as there may be. Delete one first.")
        except (CronError, CalendarError) as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"{shown.name} is saved.")
            return redirect(shown)
    return _page(request, shown, form)


def _graph(shown: Schedule) -> FlowGraph | None:
    version = shown.version or queries.latest_published(shown.flow.name)
    try:
        return queries.compiled(version.pk) if version else None
    except InvalidFlow:
        return None


def _page(
    request: HttpRequest, shown: Schedule | None, form: ScheduleForm | None = None
) -> HttpResponse:
    user = request.user
    selected = shown.pk if shown and shown.pk else 0
    listed = SchedulesPage.of(user, request.GET, selected, zone_name())
    context: dict[str, Any] = {
        "section": "schedules",
        "query": listed.query,
        "states": STATES,
        "owners": _owners(user),
        "parts": render_parts(listed),
        "live_url": reverse("schedules-live", args=[selected]),
        "socket": f"/ws/schedules/{selected}/{listed.zone}/",
        "may_make": access.may_change_some(user),
        "may_pause": access.may_pause_all(user),
        "schedule": shown,
        "form": form,
        "selected": selected,
    }
    if shown is not None and form is not None:
        context |= _drawer(request, shown, form)
    status = 422 if form is not None and form.errors else 200
    part = request.headers.get("HX-Target") == "schedule-drawer"
    template = "schedules/drawer.html" if part else "schedules/page.html"
    response = render(request, template, context, status=status)
    response["Vary"] = "HX-Target, Cookie"
    return response


def _drawer(request: HttpRequest, shown: Schedule, form: ScheduleForm) -> dict[str, Any]:
    user, now = request.user, timezone.now()
    typed = Schedule(
        cron=form["cron"].value() or "",
        zone=shown.zone if is_time_zone(shown.zone) else "UTC",
        starts_on=shown.starts_on,
        ends_on=shown.ends_on,
        excluded_days=shown.excluded_days,
        calendar=shown.calendar,
    )
    today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    dots = page.last_dots([shown.pk], executions_seen(user)).get(shown.pk, []) if shown.pk else []
    runs = ScheduleRun.objects.filter(schedule=shown.pk, scheduled_at__gte=today)
    return {
        "may_change": access.may_change(user, shown.flow),
        "may_start": flows_access.may_start(user, shown.flow),
        "flows": _changeable_flows(user)[:_FLOWS] if shown.pk is None else [],
        "reading": reading.read(typed, now),
        "simple": SIMPLE,
        "cron_parts": " ".join(one.name for one in (SECOND, *PARTS)),
        "zones": time_zones(),
        "dots": dots[::-1],
        "today_count": runs.filter(outcome=ScheduleRun.Outcome.STARTED).count(),
        "today_failed": runs.filter(outcome=ScheduleRun.Outcome.FAILED).count(),
        "since": today,
    }


def _changeable_flows(user: Any) -> Any:
    ids = access.changeable(user)
    flows = flows_access.visible(user).order_by("name")
    return flows if ids is None else flows.filter(pk__in=ids)


def _owners(user: Any) -> list[str]:
    names = access.visible(user).exclude(owner=None).order_by("owner__username")
    return list(names.values_list("owner__username", flat=True).distinct())


def zone_name() -> str:
    """Return the name of the reader's time zone."""
    zone = timezone.get_current_timezone()
    return zone.key if isinstance(zone, ZoneInfo) else settings.TIME_ZONE
