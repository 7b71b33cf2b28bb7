"""The parts of a checkpoint's statement that write steps with the large values that they
changed, and drop those in the middle of many, keeping what later steps build on: the numbers of
visits, and the last change of each variable by each block."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from executions.engine.interpreter import Interpreter
from executions.engine.state import StepDone
from executions.retention.trimming import trimmed_steps
from executions.store import rows


def parts(before: int, interpreter: Interpreter, params: dict[str, Any]) -> list[str]:
    """The new steps of an execution that had `before`; what it now has too many of goes at the same
    time, and is counted. A step that would go at once is not written."""
    done = interpreter.progress.steps
    if not done:
        return []
    held, lacking = trimmed_steps(before), trimmed_steps(interpreter.step_count)
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
        gone = [step for step in done if step.number in lacking]
        visits = Counter((step.block, step.port) for step in gone)
        last = {(step.block, step.port): step.number for step in gone}
        changes = _last_changes(gone)
        params |= {
            "trim_from": held.stop,
            "trim_to": lacking.stop,
            "unwritten": rows.dumps([[*v, number, last[v]] for v, number in visits.items()]),
            "changed": rows.dumps([[*key, *change] for key, change in changes.items()]),
            "known": _known(interpreter, changes),
        }
        written += _TRIMMED
    return written


#: (block, variable as written) → the number of the step and what it keeps of the change.
_Changes = dict[tuple[str, str], tuple[int, dict[str, Any]]]


def _last_changes(steps: Iterable[StepDone]) -> _Changes:
    return {
        (step.block, name): (step.number, change)
        for step in steps
        if step.changes
        for name, change in step.changes.items()
    }


def _known(interpreter: Interpreter, changes: _Changes) -> list[str]:
    """The blocks of which every change by a dropped step is outdated by one of these."""
    found: dict[str, set[str]] = {}
    for block, name in changes:
        found.setdefault(block, set()).add(name)
    instructions = interpreter.program.instructions
    return [
        block
        for block, names in found.items()
        if names >= {written for _, _, _, written, _ in instructions[block].writers}
    ]


def stored(interpreter: Interpreter) -> list[dict[str, Any]]:
    """The large values that the new steps refer to, in the form that STORE takes."""
    progress = interpreter.progress
    if not progress.stored:
        return []
    lacking = trimmed_steps(interpreter.step_count)
    gone = [step for step in progress.steps if step.number in lacking]
    referred = [
        (step.number, change)
        for step in progress.steps
        if step.number not in lacking
        for change in (step.changes or {}).values()
    ]
    found: dict[str, dict[str, Any]] = {}
    for number, change in [*_last_changes(gone).values(), *referred]:
        if key := change.get("stored"):
            first = {"key": key, "value": progress.stored[key], "size": change["size"]}
            value = found.setdefault(key, first | {"first_step": number, "last_step": number})
            value["first_step"] = min(number, value["first_step"])
            value["last_step"] = max(number, value["last_step"])
    return list(found.values())


STORE = """
    stored AS (
        INSERT INTO executions_changedvalue AS known
            (execution_id, key, value, size, first_step, last_step)
        SELECT %(id)s, v.key, v.value::json, v.size, v.first_step, v.last_step
        FROM held, json_to_recordset(%(stored)s::json)
            AS v(key text, value text, size bigint, first_step bigint, last_step bigint)
        ON CONFLICT (execution_id, key) DO UPDATE
        SET last_step = greatest(known.last_step, excluded.last_step)
    )"""


_TRIMMED = (
    """dropped AS (
        DELETE FROM executions_step s USING held
        WHERE s.execution_id = %(id)s AND s.number >= %(trim_from)s AND s.number < %(trim_to)s
        RETURNING s.block, s.port, s.number,
            CASE WHEN s.block <> ALL(%(known)s::text[]) THEN s.changes END AS changes
    )""",
    """trimmed AS (
        INSERT INTO executions_trimmedvisits AS known (execution_id, block, port, visits, last)
        SELECT %(id)s, block, port, sum(visits), max(last) FROM (
            SELECT block, port, count(*) AS visits, max(number) AS last
            FROM dropped GROUP BY block, port
            UNION ALL
            SELECT u ->> 0, u ->> 1, (u ->> 2)::bigint, (u ->> 3)::bigint
            FROM held, json_array_elements(%(unwritten)s::json) AS u
        ) AS gone
        GROUP BY block, port
        ON CONFLICT (execution_id, block, port) DO UPDATE
        SET visits = known.visits + excluded.visits, last = excluded.last
    )""",
    """trimmed_changes AS (
        INSERT INTO executions_trimmedchange (execution_id, block, name, number, change)
        SELECT DISTINCT ON (block, name) %(id)s, block, name, number, change FROM (
            SELECT d.block, c.key AS name, d.number, c.value AS change
            FROM dropped d, json_each(d.changes) AS c
            UNION ALL
            SELECT u ->> 0, u ->> 1, (u ->> 2)::bigint, u -> 3
            FROM held, json_array_elements(%(changed)s::json) AS u
        ) AS gone
        ORDER BY block, name, number DESC
        ON CONFLICT (execution_id, block, name) DO UPDATE
        SET number = excluded.number, change = excluded.change
    )""",
)
