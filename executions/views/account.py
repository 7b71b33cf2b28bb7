"""The page of a user's own account: what reaches them, times and look."""

from collections.abc import Sequence
from datetime import time
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_time
from django.views.decorators.http import require_POST, require_safe

from executions import preferences
from executions.alerts import choices, deliveries
from executions.alerts.messages import test_message
from executions.alerts.registry import PERSONAL
from executions.commands.actor import Actor
from executions.views.preferences import page_context

_HALF = "Give both times, from when and until when it is quiet, or none."


@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """Show what the user has chosen."""
    return account_page(request)


def account_page(request: HttpRequest, status: int = 200, **more: Any) -> HttpResponse:
    """Return the page of the account; `more` is what a part of it shows of a form."""
    groups = request.user.groups.order_by("name").values_list("name", flat=True)
    context = {
        "section": "account",
        "groups": list(groups),
        "channel_types": PERSONAL.values(),
        "matrix": choices.matrix(request.user),
        "missing": [
            (channel_type, why)
            for channel_type in PERSONAL.values()
            if (why := channel_type.missing(request.user))
        ],
        **page_context(request),
        **more,
    }
    return render(request, "executions/account.html", context, status=status)


@require_POST
def save_notifications(request: HttpRequest) -> HttpResponse:
    """Save what reaches the user by which channel, and their quiet hours."""
    problem = _save(request)
    if getattr(request, "htmx", False):
        context = {"problem": problem}
        return render(request, "alerts/saved.html", context, status=422 if problem else 200)
    if problem:
        messages.error(request, f"{problem} Nothing was changed.")
    else:
        messages.success(request, "Your notifications are saved.")
    return HttpResponseRedirect(f"{reverse('account')}#notifications")


def _save(request: HttpRequest) -> str:
    """Save a form. Returns why it cannot be; empty when it is saved."""
    given = request.POST
    quiet = _times([given.get("quiet_from", ""), given.get("quiet_until", "")])
    if quiet is None:
        return _HALF
    chosen = preferences.of(request.user)
    chosen.quiet_from, chosen.quiet_until = quiet
    missing = {
        name for name, channel_type in PERSONAL.items() if channel_type.missing(request.user)
    }
    kept = {
        name: [
            channel_type.name
            for channel_type in choices.channel_types_of(request.user, name)
            if channel_type.name in missing
        ]
        for name in choices.OCCASIONS
    }
    lists = {name: [*given.getlist(name), *kept[name]] for name in choices.OCCASIONS}
    chosen.notifications = choices.chosen_of(lists)
    fields = ("quiet_from", "quiet_until", "notifications")
    preferences.save_audited(Actor.of_request(request), chosen, *fields)
    return ""


def _times(texts: Sequence[str]) -> tuple[time | None, time | None] | None:
    """Return the two times that a form says; None when one is missing, or no time."""
    if not any(texts):
        return None, None
    try:
        start, end = (parse_time(text) for text in texts)
    except ValueError:
        return None
    return (start, end) if start is not None and end is not None else None


@require_POST
def send_test(request: HttpRequest) -> HttpResponse:
    """Send the user a message by every channel that reaches them."""
    user, now = request.user, timezone.now()
    message = test_message(user.get_username())
    about: dict[str, Any] = {"step": "test", "occasion": "test", "user": user}
    targets = [
        (channel_type, target)
        for channel_type in PERSONAL.values()
        for target in channel_type.targets(user)
    ]
    deliveries.write(
        deliveries.new(channel_type, target, message, now, **about)
        for channel_type, target in targets
    )
    names = dict.fromkeys(channel_type.label for channel_type, _ in targets)
    messages.success(request, f"A test is on its way: {', '.join(names)}.")
    return redirect(f"{reverse('account')}#notifications")
