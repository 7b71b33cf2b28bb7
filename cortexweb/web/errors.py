"""The page of a request that is refused before a view sees it."""

from http import HTTPStatus

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.views import defaults

_TOO_LARGE: dict[type[Exception], str] = {
    RequestDataTooBig: f"A form may have up to {settings.DATA_UPLOAD_MAX_MEMORY_SIZE:,} bytes.",
    TooManyFieldsSent: (
        f"A form or an address may have up to {settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:,} fields."
    ),
    TooManyFilesSent: f"A form may have up to {settings.DATA_UPLOAD_MAX_NUMBER_FILES:,} files.",
}


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 413 with the limit to a request that is too large, and 400 to any other."""
    told = _TOO_LARGE.get(type(exception))
    if told is None:
        return defaults.bad_request(request, exception)
    return HttpResponse(
        f"{told}\n", content_type="text/plain", status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    )
