"""The parts of a checkpoint's statement that write steps with the large values that they
changed, and drop those in the middle of many."""

from collections import Counter
from typing import Any

from executions.engine.interpreter import Interpreter
from executions.store import rows
from executions.trimming import gap


def parts(before: int, interpreter: Interpreter, params: dict[str, Any]) -> list[str]:
    """The new steps of an execution that had `before`; what it now has too many of goes at the same
    time, and is counted. A step that would go at once is not written."""
    done = interpreter.progress.steps
    if not done:
        return []
    held, lacking = gap(before), gap(interpreter.step_count)
    kept = [step for step in done if step.number not in lacking] if lacking else done
    params["steps"] = rows.dumps(rows.step_rows(kept))
    written = [
        """steps AS (
            INSERT INTO executions_step
                (execution_id, number, level, block, at, duration, port, changes, exception)
            SELECT %(id)s, s.number, s.level, s.block, to_timestamp(s.at), s.duration, s.port,
                s.changes, s.exception
            FROM held, json_to_recordset(%(steps)s::json)
                AS s(number bigint, level smallint, block text, at double precision,
                     duration bigint, port text, changes json, exception text)
        )"""
    ]
    if len(lacking) > len(held):
        unwritten = Counter((s.block, s.port) for s in done if s.number in lacking)
        params |= {
            "trim_from": held.stop,
            "trim_to": lacking.stop,
            "unwritten": rows.dumps([[*visit, number] for visit, number in unwritten.items()]),
        }
        written += _TRIMMED
    return written


def stored(interpreter: Interpreter) -> list[dict[str, Any]]:
    """The large values that the new steps refer to, in the form that STORE takes."""
    texts = interpreter.progress.stored
    found: dict[str, dict[str, Any]] = {}
    lacking = gap(interpreter.step_count)
    for step in interpreter.progress.steps if texts else ():
        if step.number in lacking:
            continue
        for change in (step.changes or {}).values():
            if key := change.get("stored"):
                first = {"key": key, "value": texts[key], "size": change["size"]}
                value = found.setdefault(key, first | {"first_step": step.number})
                value["last_step"] = step.number
    return list(found.values())


STORE = """
    stored AS (
        INSERT INTO executions_changedvalue
            (execution_id, key, value, size, first_step, last_step)
        SELECT %(id)s, v.key, v.value::json, v.size, v.first_step, v.last_step
        FROM held, json_to_recordset(%(stored)s::json)
            AS v(key text, value text, size bigint, first_step bigint, last_step bigint)
        ON CONFLICT (execution_id, key) DO UPDATE SET last_step = excluded.last_step
    )"""


_TRIMMED = (
    """dropped AS (
        DELETE FROM executions_step s USING held
        WHERE s.execution_id = %(id)s AND s.number >= %(trim_from)s AND s.number < %(trim_to)s
        RETURNING s.block, s.port
    )""",
    """trimmed AS (
        INSERT INTO executions_trimmedvisits AS known (execution_id, block, port, visits)
        SELECT %(id)s, block, port, sum(visits) FROM (
            SELECT block, port, count(*) AS visits FROM dropped GROUP BY block, port
            UNION ALL
            SELECT u ->> 0, u ->> 1, (u ->> 2)::bigint
            FROM held, json_array_elements(%(unwritten)s::json) AS u
        ) AS gone
        GROUP BY block, port
        ON CONFLICT (execution_id, block, port) DO UPDATE
        SET visits = known.visits + excluded.visits
    )""",
)
