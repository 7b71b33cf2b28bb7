"""How many executions of a flow are at each block, by status.

Taken by one query at most every `AGE` seconds for all who look at a flow and may see the same, and
capped, so that a flow with very many executions costs no more.
"""

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection

from executions.states import Status
from executions.store.state_params import STATE_PARAMS

#: Seconds for which counts are good.
AGE = 1.0
#: Live executions of a flow that are counted; beyond that, the page says that there are more.
LIVE_CAP = 20_000
#: Of so many of its newest executions those that failed are counted, and for so long.
ERRORS_OF, ERROR_HOURS = 5_000, 24
#: Flows that are remembered.
_REMEMBERED = 200

#: (version number, block, status) → executions.
Positions = Mapping[tuple[int, str, str], int]


@dataclass(frozen=True, slots=True)
class BlockCounts:
    """Live executions by status, and under `Error` those that failed in the last hours, also by an
    exception that nothing handled."""

    positions: Positions
    #: Whether there are more live ones than were counted.
    capped: bool


#: Executions of everybody, or of one initiator (`ExecutionSet.whose`).
_MINE = "(%(initiator)s::int IS NULL OR initiator_id = %(initiator)s)"
_COUNT = f"""
    WITH live AS (
        SELECT version_number, block, status FROM executions_execution
        WHERE flow_name = %(flow)s AND status = ANY(%(live)s) AND {_MINE}
        LIMIT %(live_cap)s + 1
    ), newest AS (
        SELECT version_number, block, CASE WHEN unhandled THEN %(error)s ELSE status END AS status
        FROM executions_execution
        WHERE flow_name = %(flow)s AND {_MINE}
            AND started_at > now() - make_interval(hours => %(error_hours)s)
        ORDER BY started_at DESC, id DESC LIMIT %(errors_of)s
    )
    SELECT version_number, block, status, count(*) FROM (
        SELECT * FROM live UNION ALL SELECT * FROM newest WHERE status = %(error)s
    ) AS counted
    GROUP BY version_number, block, status
"""

_taken: OrderedDict[tuple[int | None, str], tuple[float, BlockCounts]] = OrderedDict()
_lock = threading.Lock()


def count_by_block(flow_name: str, initiator_id: int | None) -> BlockCounts:
    """Count the executions of a flow at each block: those of one initiator, or all for None."""
    key = (initiator_id, flow_name)
    # Whoever comes while they are being taken waits for them instead of taking them again.
    with _lock:
        known = _taken.get(key)
        if known and time.monotonic() - known[0] < AGE:
            return known[1]
        counted = _count(flow_name, initiator_id)
        _taken[key] = (time.monotonic(), counted)
        _taken.move_to_end(key)
        if len(_taken) > _REMEMBERED:
            _taken.popitem(last=False)
        return counted


def clear_cache() -> None:
    """Forget all counts, so that the next reader counts anew."""
    with _lock:
        _taken.clear()


def _count(flow_name: str, initiator_id: int | None) -> BlockCounts:
    params = {
        "flow": flow_name,
        "initiator": initiator_id,
        "live_cap": LIVE_CAP,
        "errors_of": ERRORS_OF,
        "error_hours": ERROR_HOURS,
    }
    found: Counter[tuple[int, str, str]] = Counter()
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {**STATE_PARAMS, **params})
        for version, block, status, number in cursor.fetchall():
            found[version, block, status] = number
    live = sum(n for (_, _, status), n in found.items() if status != Status.ERROR)
    return BlockCounts(found, live > LIVE_CAP)
