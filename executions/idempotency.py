"""Makes forms idempotent: a form does something once, however often it is sent.

A form holds a key of its own (`form`). The key and the other fields are stored in the transaction
that does it, so that a second request, even at the same moment, waits for the first and gets its
answer. A form without a key is not checked.
"""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from executions.models import SentForm

#: After that long, the same form does it again.
REMEMBERED_FOR = timedelta(hours=1)


def new_key() -> str:
    """Return a key for a form that is being rendered."""
    return uuid4().hex


def run_once(request: HttpRequest, do: Callable[[], Any]) -> Any:
    """Return what `do` returns (as JSON), or what it returned when this form was sent before."""
    key = request.POST.get("form", "")
    if not key:
        return do()
    form = _hash(request, key)
    user_id = request.user.pk or 0
    now = timezone.now()
    with transaction.atomic():
        mine = SentForm.objects.filter(user_id=user_id, form=form)
        mine.filter(at__lt=now - REMEMBERED_FOR).delete()
        # Waits for another request with the same form.
        SentForm.objects.bulk_create(
            [SentForm(user_id=user_id, form=form, at=now)], ignore_conflicts=True
        )
        sent = mine.get()
        if sent.answer is None:
            sent.answer = do()
            sent.save(update_fields=["answer"])
    return sent.answer


def delete_expired() -> None:
    """Delete forms that are remembered long enough."""
    SentForm.objects.filter(at__lt=timezone.now() - REMEMBERED_FOR).delete()


def _hash(request: HttpRequest, key: str) -> str:
    asked = [(name, request.POST.getlist(name)) for name in sorted(request.POST)]
    asked = [pair for pair in asked if pair[0] != "csrfmiddlewaretoken"]
    return hashlib.sha256(repr((key, request.get_full_path(), asked)).encode()).hexdigest()
