"""Forms that do something once, however often they are sent.

A form holds a key of its own (`form`). The key and what was asked for are written down in the
transaction that does it, so that a second sending, also one at the same moment, waits for the first
and gets its answer. Without a key nothing is held back.
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

#: After that long, the same form sent again is meant.
REMEMBERED_FOR = timedelta(hours=1)


def new_key() -> str:
    """The key of a form that is being rendered."""
    return uuid4().hex


def once(request: HttpRequest, do: Callable[[], Any]) -> Any:
    """What `do` returns (as JSON holds it), or what it returned when this form was sent before."""
    key = request.POST.get("form", "")
    if not key:
        return do()
    form = _hash(request, key)
    user_id = request.user.pk or 0
    now = timezone.now()
    with transaction.atomic():
        mine = SentForm.objects.filter(user_id=user_id, form=form)
        mine.filter(at__lt=now - REMEMBERED_FOR).delete()
        # Waits for another request that is sending it.
        SentForm.objects.bulk_create(
            [SentForm(user_id=user_id, form=form, at=now)], ignore_conflicts=True
        )
        sent = mine.get()
        if sent.answer is None:
            sent.answer = do()
            sent.save(update_fields=["answer"])
    return sent.answer


def delete_expired() -> None:
    """Delete what need not be remembered any longer."""
    SentForm.objects.filter(at__lt=timezone.now() - REMEMBERED_FOR).delete()


def _hash(request: HttpRequest, key: str) -> str:
    asked = [(name, request.POST.getlist(name)) for name in sorted(request.POST)]
    asked = [pair for pair in asked if pair[0] != "csrfmiddlewaretoken"]
    return hashlib.sha256(repr((key, request.get_full_path(), asked)).encode()).hexdigest()
