"""Statuses, and what else a row says of where an execution stands, as parameters of SQL statements.

`status = %(Queued)s` names one status; `status = ANY(%(stoppable)s)` names those from which a
transition may start. No statement writes a status down by itself, so `executions.states` stays the
one place that knows them. Django's cursor puts parameters into the text that it sends, so the
database still matches `status = %(Queued)s` with an index `WHERE status = 'Queued'`.
"""

from collections.abc import Mapping
from typing import Any

from executions.models import Execution, SemaphoreTicket
from executions.states import (
    HELD,
    LIVE,
    PAUSABLE,
    STOPPABLE,
    TERMINAL,
    WORKING,
    Place,
    Reason,
    Request,
    Status,
)

STATUS_PARAMS: Mapping[str, Any] = {
    **{status.value: status.value for status in Status},
    "live": sorted(LIVE),
    "terminal": sorted(TERMINAL),
    "pausable": sorted(PAUSABLE),
    "stoppable": sorted(STOPPABLE),
    "held": sorted(HELD),
    "working": sorted(WORKING),
    **{f"reason_{reason.name.lower()}": reason.value for reason in Reason},
    **{f"place_{place.name.lower()}": place.value for place in Place},
    **{f"request_{request.name.lower()}": request.value for request in Request},
    **{f"stage_{stage.name.lower()}": stage.value for stage in SemaphoreTicket.Stage},
    "trigger_task": Execution.Trigger.TASK.value,
}
