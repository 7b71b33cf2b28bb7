"""The statuses, reasons, places and requests of executions, as parameters of SQL statements.

`status = %(queued)s` names one status; `status = ANY(%(stoppable)s)` names those from which a
transition may start. No statement writes a status down by itself, so `executions.states` stays the
one place that knows them. Django's cursor puts parameters into the text that it sends, so the
database still matches `status = %(queued)s` with an index `WHERE status = 'Queued'`.
"""

from collections.abc import Mapping
from typing import Any

from executions.models import Execution, SemaphoreTicket
from executions.states import (
    LIVE,
    PAUSABLE,
    RESUMABLE,
    STATUS_PARAMS,
    STOPPABLE,
    TERMINAL,
    WORKING,
    Place,
    Reason,
    Request,
    RetryState,
)

STATE_PARAMS: Mapping[str, Any] = {
    **STATUS_PARAMS,
    "live": sorted(LIVE),
    "terminal": sorted(TERMINAL),
    "pausable": sorted(PAUSABLE),
    "stoppable": sorted(STOPPABLE),
    "resumable": sorted(RESUMABLE),
    "working": sorted(WORKING),
    **{f"reason_{reason.name.lower()}": reason.value for reason in Reason},
    **{f"place_{place.name.lower()}": place.value for place in Place},
    **{f"request_{request.name.lower()}": request.value for request in Request},
    **{f"stage_{stage.name.lower()}": stage.value for stage in SemaphoreTicket.Stage},
    **{f"retry_{state.name.lower()}": state.value for state in RetryState},
    "trigger_task": Execution.Trigger.TASK.value,
    "trigger_retry": Execution.Trigger.RETRY.value,
}
