"""The page that Prometheus reads."""

import hmac
from ipaddress import ip_address, ip_network

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client.exposition import choose_encoder

from cortexweb.metrics.registry import registry
from executions import api_tokens
from executions.commands.actor import address_of


@login_not_required
@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer who gives the token, or an API token with the scope, or comes from one of the
    addresses. Without a token in the settings, nobody else learns that there is such a page."""
    if not (_is_known(request) or _has_token(request)):
        if not settings.METRICS_TOKEN:
            raise Http404
        refusal = HttpResponse("Send the token: Authorization: Bearer …\n", "text/plain", 401)
        refusal["WWW-Authenticate"] = 'Bearer realm="metrics"'
        return refusal
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(registry), content_type)


def _has_token(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return False
    expected, given = settings.METRICS_TOKEN.encode(), token.strip().encode()
    if expected and hmac.compare_digest(given, expected):
        return True
    return _has_scope(request, token.strip())


def _has_scope(request: HttpRequest, raw: str) -> bool:
    """Return whether an API token opens the page: its user may see every execution."""
    user = api_tokens.authenticate(raw, address_of(request))
    if user is None or not user.has_perm("executions.view_execution"):
        return False
    return "metrics" in (api_tokens.scopes_of(user) or ())


def _is_known(request: HttpRequest) -> bool:
    address = address_of(request)
    return address is not None and any(
        ip_address(address) in ip_network(network) for network in settings.METRICS_ADDRESSES
    )
