"""The pages of alert rules: their list, the form of one, and how often it would have fired."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from executions.alerts import access, rules
from executions.alerts.forms import RuleForm
from executions.alerts.kind import Kind
from executions.alerts.registry import KINDS
from executions.commands.actor import Actor
from executions.limits import MAX_ALERT_RULES
from executions.models import Alert, AlertRule
from executions.views.alerts import tabs
from flows import administrators

_CHANGED = "Somebody else has changed this rule meanwhile. Look at it again, then change it."
#: Moments at which a rule would have fired that its form names.
_NAMED = 5


@require_safe
def rule_list(request: HttpRequest) -> HttpResponse:
    """List the rules, with what each finds now."""
    if not access.sees_rules(request.user):
        raise PermissionDenied("You may not see the alert rules.")
    found = AlertRule.objects.select_related("flow", "folder", "label")
    found = found.prefetch_related("users", "groups", "channels")
    is_open = {one.rule_id: one for one in Alert.objects.filter(closed_at=None)}
    items = [
        {
            "rule": rule,
            "kind": KINDS.get(rule.kind),
            "sentence": rules.sentence(rule),
            "scope": rules.scope(rule),
            "told": [*rule.users.all(), *rule.groups.all(), *rule.channels.all()],
            "alert": is_open.get(rule.pk),
        }
        for rule in found
    ]
    context = {"section": "alerts", "items": items, "kinds": KINDS.values()}
    return render(request, "alerts/rules.html", {**context, **tabs(request, "rules")})


@require_http_methods(["GET", "HEAD", "POST"])
def new_rule(request: HttpRequest) -> HttpResponse:
    """Show the form of a new rule of a kind; a POST makes it."""
    _require_permission(request)
    kind = KINDS.get(request.GET.get("kind", ""))
    if kind is None:
        return redirect("alert-rules")
    if AlertRule.objects.count() >= MAX_ALERT_RULES:
        messages.error(request, f"There are {MAX_ALERT_RULES} rules: delete one first.")
        return redirect("alert-rules")
    rule = AlertRule(
        kind=kind.name,
        name=kind.label,
        parameters=kind.defaults(),
        zone=timezone.get_current_timezone_name(),
    )
    return _form_page(request, kind, rule)


@require_http_methods(["GET", "HEAD", "POST"])
def rule(request: HttpRequest, rule_id: int) -> HttpResponse:
    """Show a rule, to those who may edit it as a form; a POST changes it."""
    found = access.get_rule_or_404(request.user, rule_id)
    kind = KINDS.get(found.kind)
    if kind is None:
        raise Http404("This version does not know the kind of this rule.")
    if request.method == "POST":
        _require_permission(request)
    return _form_page(request, kind, found)


def _form_page(request: HttpRequest, kind: Kind, shown: AlertRule) -> HttpResponse:
    form = RuleForm(kind, request.POST or None, instance=shown)
    if request.method == "POST" and form.is_valid():
        if (revision := form.cleaned_data["revision"]) is not None:
            shown.revision = revision
        try:
            recipients = {name: form.cleaned_data[name] for name in rules.RECIPIENTS}
            rules.save(request.user, Actor.of_request(request), shown, recipients)
        except rules.RuleChanged:
            form.add_error(None, _CHANGED)
        else:
            messages.success(request, f"{shown.name} is saved. It counts from now on.")
            if not any(recipients.values()):
                messages.warning(request, "It has no recipients: its alerts are listed here only.")
            return redirect("alert-rules")
    context = {
        "section": "alerts",
        "rule": shown,
        "kind": kind,
        "form": form,
        "sentence": kind.sentence(shown.parameters),
        "may_edit": access.may_edit_rules(request.user),
        "alerts": Alert.objects.filter(rule=shown)[:10] if shown.pk else [],
        **tabs(request, "rules"),
    }
    status = 422 if form.errors else 200
    return render(request, "alerts/rule.html", context, status=status)


@require_POST
def preview_rule(request: HttpRequest) -> HttpResponse:
    """Say how often the rule that a form describes would have fired in the last days."""
    _require_permission(request)
    kind = KINDS.get(request.POST.get("kind", ""))
    if kind is None:
        raise Http404("There is no such kind of rules.")
    asked = AlertRule(kind=kind.name, parameters=kind.defaults())
    form = RuleForm(kind, request.POST, instance=asked)
    form.full_clean()
    context: dict[str, Any] = {"kind": kind}
    wrong = [field.label for field in form.parameter_fields if field.errors]
    if wrong:
        context["problem"] = f"Correct this first: {', '.join(map(str, wrong))}."
    else:
        now = timezone.now()
        try:
            found = rules.would_have_fired(asked, now)
        except OperationalError:
            context["problem"] = "It takes too long to find out. Choose fewer flows."
        else:
            context |= {"times": len(found), "moments": [start for start, _ in found[-_NAMED:]]}
            context["sentence"] = kind.sentence(asked.parameters)
    return render(request, "alerts/would_have_fired.html", context)


@require_POST
def delete_rule(request: HttpRequest, rule_id: int) -> HttpResponse:
    """Delete a rule."""
    _require_permission(request)
    found = access.get_rule_or_404(request.user, rule_id)
    rules.delete(request.user, Actor.of_request(request), found)
    messages.success(request, f"{found.name} is deleted.")
    return redirect("alert-rules")


def _require_permission(request: HttpRequest) -> None:
    if not access.may_edit_rules(request.user):
        raise PermissionDenied(
            f"You lack the permission to edit alert rules. {administrators.ask()}"
        )
