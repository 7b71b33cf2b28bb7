"""Secrets that a page shows once. What makes one redirects to the page, which shows it then: to
reload the page, or to go back to it, makes no other secret."""

from typing import Any

from django.db.models import Model
from django.http import HttpRequest

_KEY = "shows_secret_of"


def show_next(request: HttpRequest, row: Model) -> None:
    """Let the next page of a row show its secret. The session holds only the name of the row."""
    request.session[_KEY] = _name(row)


def take(request: HttpRequest, row: Any) -> str:
    """Return the secret that the page of a row shows now; empty if it shows none."""
    if request.method != "GET" or request.session.get(_KEY) != _name(row):
        return ""
    del request.session[_KEY]
    return str(row.secret)


def _name(row: Model) -> str:
    return f"{row._meta.label_lower} {row.pk}"
