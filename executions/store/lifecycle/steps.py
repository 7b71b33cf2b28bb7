"""The parts of a checkpoint that write the new steps, with the large values that they changed.

Of many steps they drop those in the middle, and keep what later steps build on: the numbers of
visits, and the last change of each variable by each block.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from executions.engine.interpreter import Interpreter
from executions.engine.state import Progress, StepRecord
from executions.retention.trimming import trimmed_steps
from executions.store import rows
from executions.store.lifecycle.checkpoint_statement import CheckpointStatement

STEPS = """
    steps AS (
        INSERT INTO executions_step
            (execution_id, number, level, block, at, duration, port, changes, exception)
        SELECT %(id)s, s.number, s.level, s.block, to_timestamp(s.at), s.duration, s.port,
            s.changes, s.exception
        FROM updated, json_to_recordset(%(steps)s::json)
            AS s(number bigint, level smallint, block text, at double precision,
                 duration bigint, port text, changes json, exception text)
    )"""
STORED_VALUES = """
    stored AS (
        INSERT INTO executions_changedvalue AS known
            (execution_id, key, value, size, first_step, last_step)
        SELECT %(id)s, v.key, v.value::json, v.size, v.first_step, v.last_step
        FROM updated, json_to_recordset(%(stored)s::json)
            AS v(key text, value text, size bigint, first_step bigint, last_step bigint)
        ON CONFLICT (execution_id, key) DO UPDATE
        SET last_step = greatest(known.last_step, excluded.last_step)
    )"""
TRIMMED_STEPS = """
    trimmed_steps AS (
        DELETE FROM executions_step s USING updated
        WHERE s.execution_id = %(id)s AND s.number >= %(trim_from)s AND s.number < %(trim_to)s
        RETURNING s.block, s.port, s.number,
            CASE WHEN s.block <> ALL(%(known)s::text[]) THEN s.changes END AS changes
    )"""
TRIMMED_VISITS = """
    trimmed_visits AS (
        INSERT INTO executions_trimmedvisits AS known (execution_id, block, port, visits, last)
        SELECT %(id)s, block, port, sum(visits), max(last) FROM (
            SELECT block, port, count(*) AS visits, max(number) AS last
            FROM trimmed_steps GROUP BY block, port
            UNION ALL
            SELECT u ->> 0, u ->> 1, (u ->> 2)::bigint, (u ->> 3)::bigint
            FROM updated, json_array_elements(%(trimmed_visits)s::json) AS u
        ) AS all_trimmed
        GROUP BY block, port
        ON CONFLICT (execution_id, block, port) DO UPDATE
        SET visits = known.visits + excluded.visits, last = excluded.last
    )"""
TRIMMED_CHANGES = """
    trimmed_changes AS (
        INSERT INTO executions_trimmedchange (execution_id, block, name, number, change)
        SELECT DISTINCT ON (block, name) %(id)s, block, name, number, change FROM (
            SELECT d.block, c.key AS name, d.number, c.value AS change
            FROM trimmed_steps d, json_each(d.changes) AS c
            UNION ALL
            SELECT u ->> 0, u ->> 1, (u ->> 2)::bigint, u -> 3
            FROM updated, json_array_elements(%(changed)s::json) AS u
        ) AS all_trimmed
        ORDER BY block, name, number DESC
        ON CONFLICT (execution_id, block, name) DO UPDATE
        SET number = excluded.number, change = excluded.change
    )"""


def add(
    statement: CheckpointStatement, before: int, interpreter: Interpreter, progress: Progress
) -> None:
    """Write the new steps of an execution that had `before`, and trim and count those of which it
    has too many now. A step that would be trimmed at once is not written."""
    done = progress.steps
    if not done:
        return
    trimmed_before, trimmed = trimmed_steps(before), trimmed_steps(interpreter.step_count)
    kept = [step for step in done if step.number not in trimmed] if trimmed else done
    statement.add(STEPS, steps=rows.dumps(rows.step_rows(kept)))
    if len(trimmed) > len(trimmed_before):
        trimmed_now = [step for step in done if step.number in trimmed]
        visits = Counter((step.block, step.port) for step in trimmed_now)
        last = {(step.block, step.port): step.number for step in trimmed_now}
        changes = _last_changes(trimmed_now)
        statement.add(
            TRIMMED_STEPS,
            trim_from=trimmed_before.stop,
            trim_to=trimmed.stop,
            known=_outdated(interpreter, changes),
        )
        trimmed_visits = [[*visit, number, last[visit]] for visit, number in visits.items()]
        statement.add(TRIMMED_VISITS, trimmed_visits=rows.dumps(trimmed_visits))
        changed = [[*key, *change] for key, change in changes.items()]
        statement.add(TRIMMED_CHANGES, changed=rows.dumps(changed))


#: (block, variable as written) → the number of the step and what it keeps of the change.
_Changes = dict[tuple[str, str], tuple[int, dict[str, Any]]]


def _last_changes(steps: Iterable[StepRecord]) -> _Changes:
    return {
        (step.block, name): (step.number, change)
        for step in steps
        if step.changes
        for name, change in step.changes.items()
    }


def _outdated(interpreter: Interpreter, changes: _Changes) -> list[str]:
    """Return the blocks of which these changes outdate every change by a trimmed step."""
    found: dict[str, set[str]] = {}
    for block, name in changes:
        found.setdefault(block, set()).add(name)
    instructions = interpreter.program.instructions
    return [
        block
        for block, names in found.items()
        if names >= {writer.written for writer in instructions[block].writers}
    ]


def stored_values(step_count: int, progress: Progress) -> list[dict[str, Any]]:
    """Return the large values that the new steps refer to, in the form that STORED_VALUES takes."""
    if not progress.stored:
        return []
    trimmed = trimmed_steps(step_count)
    trimmed_now = [step for step in progress.steps if step.number in trimmed]
    referred = [
        (step.number, change)
        for step in progress.steps
        if step.number not in trimmed
        for change in (step.changes or {}).values()
    ]
    found: dict[str, dict[str, Any]] = {}
    for number, change in [*_last_changes(trimmed_now).values(), *referred]:
        if key := change.get("stored"):
            first = {"key": key, "value": progress.stored[key], "size": change["size"]}
            value = found.setdefault(key, first | {"first_step": number, "last_step": number})
            value["first_step"] = min(number, value["first_step"])
            value["last_step"] = max(number, value["last_step"])
    return list(found.values())
