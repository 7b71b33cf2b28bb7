"""The API tokens of a user in a template: `{% api_tokens owner %}`."""

from typing import Any

from django import template
from django.urls import reverse
from django.utils import timezone

from executions import machine_accounts
from executions.models import ApiToken
from executions.views.api_tokens import OFFERED, SOON, TokenForm, for_list
from flows import access as flows_access
from flows.queries import folder_paths

register = template.Library()


def _page_of(owner: Any, user: Any) -> str:
    """Return the address of the page that lists the tokens of a user."""
    return reverse("account") if owner == user else reverse("machine-account", args=[owner.pk])


@register.inclusion_tag("account/tokens.html", takes_context=True)
def api_tokens(context: Any, owner: Any) -> dict[str, Any]:
    """List the tokens of a user, with the form of a new one, and the one that was just made."""
    request = context["request"]
    section = context.get("token_section") or {}
    form = section.get("form")
    flows = flows_access.visible(request.user).order_by("name")
    return {
        "request": request,
        "csrf_token": context.get("csrf_token"),
        "owner": owner,
        "back_to": _page_of(owner, request.user),
        "tokens": for_list(ApiToken.objects.filter(user=owner)),
        "soon": timezone.now() + SOON,
        "made": section.get("made"),
        "raw": section.get("raw"),
        "form": form or TokenForm(asker=request.user),
        "is_open": form is not None,
        "flow_names": flows.values_list("name", flat=True)[:OFFERED],
        "folder_names": sorted(way[-1] for way in folder_paths().values())[:OFFERED],
        "may_manage": machine_accounts.may_manage(request.user),
    }
