"""The ASGI application: pages over HTTP, live updates over WebSocket."""

import gc
import os
from typing import Any

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from cortexweb import traces
from cortexweb.web import handler
from cortexweb.web.charset import Utf8OnlyRequests
from cortexweb.web.origin_check import SameOrigin
from cortexweb.web.request_ids import RequestIds
from cortexweb.web.request_limits import RequestLimits
from cortexweb.web.security_headers import SecurityHeaders

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cortexweb.settings")
django_application: Any = handler.application()

# They import models, which exist only now.
from cortexweb.accounts.requirement import CompleteSignIn  # noqa: E402
from cortexweb.mcp import endpoint as mcp  # noqa: E402
from executions.live.routing import websocket_urlpatterns  # noqa: E402

if mcp.is_on():
    django_application = mcp.McpEndpoint(django_application)
application: Any = ProtocolTypeRouter(
    {
        "http": Utf8OnlyRequests(
            RequestLimits(django_application, settings.MAX_REQUEST_BYTES, settings.REQUEST_SECONDS)
        ),
        "websocket": SameOrigin(
            AuthMiddlewareStack(CompleteSignIn(URLRouter(websocket_urlpatterns)))
        ),
    }
)
if traces.is_configured():
    traces.begin("cortexweb-web")
    application = traces.RequestSpans(application)
application = SecurityHeaders(RequestIds(application))
if settings.TRUSTED_PROXIES:
    application = ProxyHeadersMiddleware(application, settings.TRUSTED_PROXIES)

# What is loaded by now stays. A collector that doesn't look through it again, and looks seldom
# (cortexweb/__init__.py), doesn't hold up the frames of all browsers while it does.
gc.collect()
gc.freeze()
