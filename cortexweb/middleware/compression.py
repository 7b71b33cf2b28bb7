"""Compressed pages."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class CompressionMiddleware(GZipMiddleware):
    """Compresses what is sent whole, with a random length against guessing secrets by the size
    (BREACH), as Django does. A stream is sent as it comes: compressing it would keep rows of an
    export back until there are enough of them."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        return response if response.streaming else super().process_response(request, response)
