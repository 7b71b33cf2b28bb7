"""Counts the attempt of a form before what it holds is checked."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from cortexweb.accounts.login_attempts import PasswordAttempt, password_slot

#: Seconds until people should try again who signed in at the same time as too many others.
LATER = 5


@contextmanager
def counted_attempt(
    attempt: PasswordAttempt, request: HttpRequest, wrong: str = "wrong name or password"
) -> Iterator[None]:
    """Raises ValidationError where it is not looked at, and where it is wrong."""
    if seconds := attempt.begin():
        minutes = max(1, round(seconds / 60))
        raise _refused(
            request,
            429,
            seconds,
            f"Too many attempts. Try again in {minutes} minute{'s'[: minutes > 1]}.",
        )
    with password_slot() as taken:
        if not taken:
            raise _refused(
                request, 503, LATER, "Many people are signing in. Try again in a moment."
            )
        try:
            yield
        except ValidationError:
            attempt.failed(wrong)
            raise
    attempt.forget()


def _refused(request: HttpRequest, status: int, seconds: int, text: str) -> ValidationError:
    request.META["cortexweb.refused"] = (status, seconds)
    return ValidationError(text, code="refused")


def with_refusal_status(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Wrap a view so that its response has status 429 or 503 when a password was not checked."""

    @wraps(view)
    def telling(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        if "cortexweb.refused" in request.META:
            response.status_code, seconds = request.META["cortexweb.refused"]
            response["Retry-After"] = str(seconds)
        return response

    return telling
