"""Answers requests with values that the database cannot take as bad requests, not server errors,
and shows a page where somebody opens an address that only takes forms.

PostgreSQL stores no NUL, and the admin puts whatever its address says into a query.
"""

import logging
from http import HTTPStatus

from django.core.exceptions import BadRequest, FieldError, ValidationError
from django.db import DataError, NotSupportedError, ProgrammingError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin
from django.views.defaults import bad_request

logger = logging.getLogger(__name__)

#: What Django and PostgreSQL raise where a lookup, a value or an id does not fit its column.
_UNFIT = (
    DataError, FieldError, IndexError, NotSupportedError, OverflowError, ProgrammingError,
    RecursionError, TypeError, ValidationError, ValueError,
)  # fmt: skip


class BadRequestMiddleware(MiddlewareMixin):
    """Answers 400 instead of 500 to a NUL in path, query or form, and in the admin to values in the
    address that do not fit their column. Other pages ignore such values.

    Says to a browser that opens the address of a form what it is: after the answer to a form has
    been reloaded, or after a sign-in that the form has asked for. Django's answer is empty.
    """

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        is_page = request.method == "GET" and "text/html" in request.headers.get("Accept", "")
        if response.status_code != HTTPStatus.METHOD_NOT_ALLOWED or response.content or not is_page:
            return response
        page = render(request, "405.html", status=HTTPStatus.METHOD_NOT_ALLOWED)
        page["Allow"] = response["Allow"]
        return page

    def process_exception(self, request: HttpRequest, problem: Exception) -> HttpResponse | None:
        if isinstance(problem, DataError | ValueError) and "NUL (0x00)" in str(problem):
            return bad_request(
                request, BadRequest("Remove the NUL character from the address or the form.")
            )
        match = request.resolver_match
        in_admin = match is not None and match.app_name == "admin"
        asks = request.method == "GET" and (request.GET or (match and match.kwargs))
        if in_admin and asks and isinstance(problem, _UNFIT):
            # The log keeps the reason: it may be a defect of the product after all.
            logger.warning("The admin cannot handle %s", request.path, exc_info=problem)
            return bad_request(
                request, BadRequest("The address contains a value that cannot be looked up.")
            )
        return None
