"""What is seen only while it lasts, written down in each round, so that a rule can say how often it
would have fired."""

from datetime import datetime, timedelta

from executions.alerts.kind import HISTORY, Round
from executions.alerts.registry import KINDS
from executions.models import Observation

_KEPT = HISTORY + timedelta(days=1)


def observe(evaluation: Round) -> None:
    """Write down what has begun and what is over. Called by one process at a time."""
    for kind in KINDS.values():
        if kind.observe is not None:
            now_seen = {key: (flow, since) for key, flow, since in kind.observe(evaluation)}
            _write(kind.name, now_seen, evaluation.now)


def _write(kind: str, now_seen: dict[str, tuple[int | None, datetime]], now: datetime) -> None:
    is_open = Observation.objects.filter(kind=kind, until=None)
    known = dict(is_open.values_list("key", "since"))
    over = [key for key, since in known.items() if now_seen.get(key, (None, None))[1] != since]
    if over:
        is_open.filter(key__in=over).update(until=now)
    Observation.objects.bulk_create(
        Observation(kind=kind, key=key, flow_id=flow, since=since)
        for key, (flow, since) in now_seen.items()
        if known.get(key) != since
    )


def delete_old(now: datetime) -> None:
    """Delete what nobody asks for any more."""
    Observation.objects.filter(until__lt=now - _KEPT).delete()
