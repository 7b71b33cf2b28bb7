"""Requests that start something once, however often they are sent: `Idempotency-Key`."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from executions.api.problems import Problem, invalid
from executions.models import IdempotentStart

HEADER = "Idempotency-Key"
#: After that long, the same key starts anew.
REMEMBERED_FOR = timedelta(hours=24)
LONGEST_KEY = 255


def run_once(request: HttpRequest, start: Callable[[], list[UUID]]) -> tuple[list[UUID], bool]:
    """Return the ids of what `start` starts, or of what it started when the request came before,
    and whether it did.

    A second request with the same key waits for the first one's transaction, even in the same
    moment. A start that was refused is not remembered.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return start(), False
    if not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        detail = f"Write 1 to {LONGEST_KEY} printable ASCII characters."
        raise invalid(detail, HEADER, "header", HEADER)
    fingerprint, user_id = _fingerprint(request), request.user.pk or 0
    now = timezone.now()
    with transaction.atomic():
        mine = IdempotentStart.objects.filter(user_id=user_id, key=key)
        mine.filter(at__lt=now - REMEMBERED_FOR).delete()
        row = IdempotentStart(user_id=user_id, key=key, fingerprint=fingerprint, at=now)
        IdempotentStart.objects.bulk_create([row], ignore_conflicts=True)
        sent = mine.get()
        if sent.fingerprint != fingerprint:
            raise Problem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                f"This {HEADER} was sent with another request. Use a new one for this request.",
            )
        if sent.executions is not None:
            return sent.executions, True
        started = start()
        mine.update(executions=started)
    return started, False


def delete_expired() -> None:
    """Delete keys that are remembered long enough."""
    IdempotentStart.objects.filter(at__lt=timezone.now() - REMEMBERED_FOR).delete()


def _fingerprint(request: HttpRequest) -> str:
    asked = (request.method, request.path, request.body)
    return hashlib.sha256(repr(asked).encode()).hexdigest()
