"""A worker, and the executions that its processes hold."""

from datetime import datetime
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from executions import workers
from executions.models import Execution
from executions.states import LIVE
from executions.workers import Worker, lease_owner

#: Executions that the page lists; the grid has all.
LISTED = 100
_SHOWN = ("pk", "flow_name", "version_number", "status", "place", "reason", "unhandled")


def worker_figures(name: str) -> dict[str, Any]:
    """Return what the page of a worker shows; `worker` is None where nobody knows it any more."""
    worker = workers.find(name)
    if worker is None:
        return {"name": name, "worker": None}
    held = Execution.objects.filter(held_by(worker)).order_by("started_at", "pk")
    found = list(
        held.only(*_SHOWN, "block", "block_description", "block_type", "started_at")[: LISTED + 1]
    )
    zone = timezone.get_current_timezone()
    return {
        "name": name,
        "worker": worker,
        "seen_at": datetime.fromtimestamp(worker.seen_at, zone),
        "started_at": datetime.fromtimestamp(worker.started_at, zone),
        "executions": found[:LISTED],
        "has_more": len(found) > LISTED,
        "grid": grid_address(worker),
    }


def held_by(worker: Worker) -> Q:
    """Return the condition of the executions that a worker's processes hold."""
    held = Q(pk__in=[])
    for process in worker.processes:
        held |= Q(lease_owner__startswith=f"{lease_owner(worker.machine, process)}:")
    return held & Q(status__in=sorted(LIVE))


def grid_address(worker: Worker) -> str:
    """Return the address of the grid of the executions that a worker holds."""
    owners = [f"{lease_owner(worker.machine, process)}:*" for process in worker.processes]
    return f"{reverse('executions')}?{urlencode([('worker', owner) for owner in owners])}"
