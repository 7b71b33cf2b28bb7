"""The API: every router that is found, with one way to sign in, one limit and one kind of error."""

import logging
from collections.abc import Callable
from functools import cache, wraps
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import DataError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, URLResolver, path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, Throttled, ValidationError
from ninja.openapi.schema import OpenAPISchema

from cortexweb.api.authentication import Basic, Bearer, Session
from cortexweb.api.document import complete
from cortexweb.api.json_body import JsonBody
from cortexweb.api.rate_limit import RateLimit
from cortexweb.api.validation import message
from executions.api import routers
from executions.api.problems import Problem
from flows.discovery import modules

logger = logging.getLogger(__name__)

#: What a client without credentials may offer (RFC 9110).
CHALLENGE = 'Bearer realm="CortexWeb", Basic realm="CortexWeb", charset="UTF-8"'
DESCRIPTION = "Start flows, follow and control executions. Errors are RFC 9457 problem details."


class Api(NinjaAPI):
    """django-ninja's API, whose document is complete and whose operations have short names."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        return complete(super().get_openapi_schema(**options))

    def get_openapi_operation_id(self, operation: Any) -> str:
        name: str = operation.view_func.__name__
        return name

    def create_response(self, *args: Any, **options: Any) -> HttpResponse:
        response = super().create_response(*args, **options)
        response["Cache-Control"] = "no-store"
        return response


API = Api(
    title="CortexWeb",
    version="1",
    description=DESCRIPTION,
    urls_namespace="api",
    openapi_url=None,
    docs_url=None,
    auth=[Bearer(), Basic(), Session()],
    throttle=[RateLimit()],
    parser=JsonBody(),
)


for _module in modules(routers):
    API.add_router(_module.PATH, _module.ROUTER)


@API.exception_handler(Problem)
def _problem(request: HttpRequest, problem: Problem) -> HttpResponse:
    return problem.response()


@API.exception_handler(AuthenticationError)
def _unknown(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    detail = "Sign in: send a token (Authorization: Bearer …), or a name and password (Basic)."
    headers = {"WWW-Authenticate": CHALLENGE}
    return Problem(HTTPStatus.UNAUTHORIZED, detail, headers=headers).response()


@API.exception_handler(Throttled)
def _throttled(request: HttpRequest, error: Throttled) -> HttpResponse:
    detail = "You ask more often than you may. Wait, then try again."
    return Problem(HTTPStatus.TOO_MANY_REQUESTS, detail).response()


@API.exception_handler(HttpError)
def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    # django-ninja puts one around what the reader of the body raises.
    inner = error.__cause__
    return (
        inner if isinstance(inner, Problem) else Problem(error.status_code, str(error))
    ).response()


@API.exception_handler(Http404)
def _not_found(request: HttpRequest, error: Http404) -> HttpResponse:
    detail = str(error) or "There is nothing at this address."
    return Problem(HTTPStatus.NOT_FOUND, detail).response()


@API.exception_handler(PermissionDenied)
def _denied(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
    return Problem(HTTPStatus.FORBIDDEN, str(error) or "You may not do this.").response()


@API.exception_handler(RequestDataTooBig)
def _too_large(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    detail = f"The body may have up to {settings.DATA_UPLOAD_MAX_MEMORY_SIZE:,} bytes."
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail).response()


@API.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    messages = [message(one) for one in error.errors]
    told = "; ".join(f"{one.location}: {one.summary}" for one in messages[:3])
    return Problem(HTTPStatus.BAD_REQUEST, told, messages=messages).response()


@API.exception_handler(Exception)
def _failed(request: HttpRequest, error: Exception) -> HttpResponse:
    if isinstance(error, DataError | ValueError) and "NUL (0x00)" in str(error):
        return Problem(HTTPStatus.BAD_REQUEST, "Leave out the NUL character.").response()
    logger.exception("The operation at %s failed", request.path, exc_info=error)
    detail = "Something went wrong here. It was logged; try again later."
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail).response()


@cache
def document() -> OpenAPISchema:
    """Return the OpenAPI document."""
    return API.get_openapi_schema(path_prefix="/api/")


@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    """Show the OpenAPI document. It says nothing about what is stored here."""
    return JsonResponse(document(), json_dumps_params={"indent": 2})


@csrf_exempt
def unknown(request: HttpRequest, address: str) -> HttpResponse:
    """Answer an address that no operation has."""
    detail = f"There is no operation at {request.path}. /api/openapi.json lists them."
    return Problem(HTTPStatus.NOT_FOUND, detail).response()


def _with_problems(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Wrap a view so that a method that it does not take is answered as other problems are."""

    @wraps(view)
    def answering(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        if response.status_code != HTTPStatus.METHOD_NOT_ALLOWED:
            return response
        allowed = response["Allow"]
        detail = f"This address takes {allowed}, not {request.method}."
        return Problem(response.status_code, detail, headers={"Allow": allowed}).response()

    return answering


def urls() -> list[URLPattern | URLResolver]:
    """Return every address below /api/. They ask who it is themselves, instead of leading to the
    page to sign in."""
    patterns, *_ = API.urls
    for pattern in patterns:
        pattern.callback = _with_problems(pattern.callback)  # type: ignore[arg-type]
    found = [
        path("openapi.json", openapi, name="openapi"),
        *patterns,
        path("<path:address>", unknown),
    ]
    for pattern in found:
        pattern.callback.login_required = False  # type: ignore[union-attr]
    return found
