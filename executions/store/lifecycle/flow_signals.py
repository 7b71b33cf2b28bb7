"""Signals: sent once, taken once, by whoever has waited longest.

The first signal in the line of a name and key goes to the first execution in the line of those that
wait for it, the second to the second. One that leaves the line without having taken its signal, as
when it is stopped, leaves it to the next.
"""

from datetime import datetime

from django.db.models import QuerySet
from django.db.models.functions import Now

from executions.models import Signal, Waiter
from executions.store.lifecycle import shared_values, waiters
from executions.store.lifecycle.shared_values import Giver, TakenValue
from executions.store.lifecycle.waiters import Subject
from flows.blocks.shared_data import SendSignal


def subject(name: str, key: str) -> Subject:
    """Return a signal as something that is waited for."""
    return Subject("", name, key)


def send(request: SendSignal, giver: Giver) -> Signal:
    """Put a signal into its line, and make ready whoever it is for; `completion.wake_ready` wakes
    them."""
    waited_for = subject(request.name, request.key)
    waited_for.lock()
    columns, _ = shared_values.to_store(request.payload, giver)
    sent = Signal.objects.create(name=request.name, key=request.key, at=Now(), **columns)
    make_ready(waited_for)
    waited_for.announce()
    return sent


def delete(signal: Signal) -> bool:
    """Delete a signal unless somebody has taken it; return whether it was there. An execution for
    which it was waits on."""
    waited_for = subject(signal.name, signal.key)
    waited_for.lock()
    deleted, _ = Signal.objects.filter(pk=signal.pk).delete()
    if deleted:
        waiters.make_unready(waited_for, _line(waited_for).count())
        waited_for.announce()
    return bool(deleted)


def make_ready(waited_for: Subject) -> None:
    """Make ready as many of those that wait as there are signals; the caller holds the lock."""
    waiters.make_ready(waited_for, _line(waited_for).count())


def take(waiter: Waiter, until: datetime | None) -> TakenValue | None:
    """Take the signal that is for somebody who waits, if it was sent by then; None without one. The
    caller holds the lock."""
    waited_for = waiters.subject_of(waiter)
    before = waiters.live_waiters(waited_for).filter(pk__lt=waiter.pk).count()
    found = list(_line(waited_for)[before : before + 1])
    if not found or (until is not None and found[0].at > until):
        return None
    payload = shared_values.of_row(found[0])
    found[0].delete()
    waiter.delete()
    waited_for.announce()
    return payload


def _line(waited_for: Subject) -> QuerySet[Signal]:
    return Signal.objects.filter(name=waited_for.name, key=waited_for.key).order_by("id")
