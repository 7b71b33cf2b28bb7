"""The pages of alerts: what rules have found, and each of them."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from executions.alerts import access
from executions.alerts.registry import KINDS
from executions.models import Delivery

PAGE = 50


@require_safe
def alerts(request: HttpRequest) -> HttpResponse:
    """List the alerts that the user may see, the open ones first."""
    found = access.alerts(request.user).select_related("rule")
    found = found.order_by("is_done", "-opened_at", "-id")
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    items = [{"alert": alert, "kind": KINDS.get(alert.rule.kind)} for alert in page]
    context = {"section": "alerts", "page": page, "items": items, **tabs(request, "alerts")}
    return render(request, "alerts/alerts.html", context)


@require_safe
def alert(request: HttpRequest, alert_id: int) -> HttpResponse:
    """Show an alert: what it has found, and who was told of it."""
    shown = access.get_alert_or_404(request.user, alert_id)
    findings = access.findings(request.user, shown)
    told = Delivery.objects.filter(alert=shown).select_related("user", "channel")
    if not access.may_edit_rules(request.user):
        told = told.filter(user=request.user.pk)
    sees_rule = access.sees_rules(request.user)
    kind = KINDS.get(shown.rule.kind)
    context = {
        "section": "alerts",
        "alert": shown,
        "sentence": kind.sentence(shown.rule.parameters) if kind else "",
        "findings": findings,
        "more": max(0, shown.count - len(findings)) if sees_rule else 0,
        "deliveries": told.order_by("number", "via", "id")[:200],
        "sees_rule": sees_rule,
        **tabs(request, "alerts"),
    }
    return render(request, "alerts/alert.html", context)


def tabs(request: HttpRequest, current: str) -> dict[str, object]:
    """Return what the tabs of these pages need."""
    return {
        "tab": current,
        "sees_rules": access.sees_rules(request.user),
        "may_edit_rules": access.may_edit_rules(request.user),
        "may_edit_channels": access.may_edit_channels(request.user),
    }
