"""PostgreSQL stores no NUL: a request that brings one where a query needs a text is a bad one."""

from django.core.exceptions import BadRequest
from django.db import DataError
from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin
from django.views.defaults import bad_request


class NulMiddleware(MiddlewareMixin):
    """Answers 400 instead of 500, wherever in path, query or form the NUL was. Pages of our own
    overlook it; the admin asks the database."""

    def process_exception(self, request: HttpRequest, problem: Exception) -> HttpResponse | None:
        if isinstance(problem, DataError | ValueError) and "NUL (0x00)" in str(problem):
            return bad_request(request, BadRequest("A text with a NUL cannot be looked up."))
        return None
