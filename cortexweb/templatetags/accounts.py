"""The parts of the account page about signing in, and options for scripts of passkeys."""

import json
from typing import Any

from allauth.mfa.models import Authenticator
from django import template
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest

from cortexweb.accounts import history, sessions

register = template.Library()


@register.filter
def as_json(value: Any) -> str:
    """Return a value as JSON, for an attribute that a script reads."""
    return json.dumps(value, cls=DjangoJSONEncoder, default=dict)


@register.inclusion_tag("account/security.html")
def security(request: HttpRequest) -> dict[str, Any]:
    """Show how the user signs in, and what they can change about it."""
    user: Any = request.user
    found: dict[str, list[Any]] = {}
    if settings.SECOND_FACTOR != "off":
        for one in Authenticator.objects.filter(user_id=user.pk).order_by("pk"):
            found.setdefault(one.type, []).append(one)
    codes = found.get(Authenticator.Type.RECOVERY_CODES)
    provider = settings.OIDC_NAME if settings.OIDC_ISSUER else ""
    return {
        "has_password": user.has_usable_password(),
        "provider": provider,
        "second_factors": settings.SECOND_FACTOR,
        "app": next(iter(found.get(Authenticator.Type.TOTP, [])), None),
        "passkeys": found.get(Authenticator.Type.WEBAUTHN, []),
        "unused_codes": len(codes[0].wrap().get_unused_codes()) if codes else None,
    }


@register.inclusion_tag("account/sessions.html", takes_context=True)
def open_sessions(context: Any, request: HttpRequest) -> dict[str, Any]:
    """List where the user is signed in."""
    found = sessions.of_user(request.user.pk, request.session.session_key)
    return {"sessions": found, "csrf_token": context.get("csrf_token")}


@register.inclusion_tag("account/lately.html")
def lately(request: HttpRequest) -> dict[str, Any]:
    """List what has happened to the user's account lately."""
    return {"entries": history.latest_events(request.user), "name": request.user.get_username()}
