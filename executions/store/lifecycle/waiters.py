"""Who waits for a collection, a key of it, or a signal.

What is waited for has a lock of its own, also while it does not exist yet. Whoever changes it, or
waits for it, takes that lock for the rest of the transaction, after the rows of executions and
before semaphores, and then waits for the row of no execution.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from executions.models import Waiter
from executions.publishing import announce_subject
from executions.states import LIVE

#: The two kinds of locks: for others to go in beside, and for nobody.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%(text)s, %(space)s))"
_LOCK_SHARED = "SELECT pg_advisory_xact_lock_shared(hashtextextended(%(text)s, %(space)s))"
#: Keeps these locks apart from others of the database.
_SPACE = 0x5745_4244


@dataclass(frozen=True, slots=True)
class Subject:
    """What is waited for: a signal, with an empty scope; a key of a collection; or, with None as
    its key, the collection itself."""

    scope: str
    name: str
    key: str | None

    def waiters(self) -> QuerySet[Waiter]:
        """Return who waits for it, the longest first."""
        key = Q(key__isnull=True) if self.key is None else Q(key=self.key)
        return Waiter.objects.filter(key, name=self.name, scope=self.scope).order_by("id")

    def lock(self) -> None:
        """Lock it: a key beside other keys of its collection, a collection with all its keys."""
        whole = f"{self.scope}\n{self.name}"
        if self.key is None:
            _lock(_LOCK, whole)
            return
        if self.scope:
            _lock(_LOCK_SHARED, whole)
        _lock(_LOCK, f"{whole}\n{self.key}")

    def announce(self) -> None:
        """Tell the pages that show it that it has changed, or who waits for it."""
        announce_subject("storage" if self.scope else "signal", self.scope, self.name)


def _lock(statement: str, text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"text": text, "space": _SPACE})


def wait(execution_id: UUID, subject: Subject, condition: str = "", value: Any = None) -> Waiter:
    """Have an execution wait."""
    subject.announce()
    return Waiter.objects.create(
        execution_id=execution_id,
        scope=subject.scope,
        name=subject.name,
        key=subject.key,
        condition=condition,
        value=value,
        at=Now(),
    )


def subject_of(waiter: Waiter) -> Subject:
    """Return what somebody waits for."""
    return Subject(waiter.scope, waiter.name, waiter.key)


def make_ready(signal: Subject, count: int) -> None:
    """Have those wake who have waited longest for a signal: as many as there are signals."""
    oldest = live_waiters(signal).values_list("pk", flat=True)[:count]
    Waiter.objects.filter(pk__in=list(oldest), ready_at=None).update(ready_at=Now())


def make_unready(signal: Subject, count: int) -> None:
    """Have those wait on for whom there is no signal: all but as many as there are signals."""
    others = list(live_waiters(signal).values_list("pk", flat=True)[count:])
    Waiter.objects.filter(pk__in=others).exclude(ready_at=None).update(ready_at=None)


def live_waiters(subject: Subject) -> QuerySet[Waiter]:
    """Return who waits for it and may still take it."""
    return subject.waiters().filter(execution__status__in=sorted(LIVE))


def leave(executions: Sequence[UUID]) -> list[Subject]:
    """Have executions wait no longer, and return for which signals they did: others may have become
    the first in their lines."""
    found = list(Waiter.objects.filter(execution_id__in=executions))
    if not found:
        return []
    left = {subject_of(waiter) for waiter in found}
    for subject in left:
        subject.announce()
    signals = sorted((subject for subject in left if not subject.scope), key=str)
    for subject in signals:
        subject.lock()
    Waiter.objects.filter(pk__in=[waiter.pk for waiter in found]).delete()
    return signals
