"""Claims: which worker may advance an execution.

A claim is a lease with an owner and an expiry; only its owner can write a checkpoint. A Queued
execution has an expiry too: after it, its message counts as lost and recovery sends another.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection

from executions.engine.debugging import Watch
from executions.engine.state import Frame
from executions.limits import LEASE
from executions.live.events import COLUMNS, ExecutionChanged
from executions.models import Token, Value
from executions.store import plans
from executions.store.rows import frame_of
from flows import values

RETURNING = ", ".join(
    f"{name}::text" if name in ("id", "parent_id", "root_id") else name for name in COLUMNS
)

#: What a claim needs beside the columns of an event.
_MORE = (
    "version_id, state::text, steps_wanted, inputs::text, debug::text, debug_hits::text, "
    "run_until::text, passed_step"
)

_CLAIM = f"""
    UPDATE executions_execution
    SET status = 'Running', request = '', reason = '', place = '', due_at = NULL, awaits = NULL,
        lease_owner = %(owner)s, lease_expires_at = now() + make_interval(secs => %(lease)s),
        updated_at = now(), revision = revision + 1
    WHERE id = %(id)s AND status = 'Queued'
    RETURNING {RETURNING}, {_MORE}
"""


@dataclass(slots=True)
class Claimed:
    """A claimed execution as the runner needs it. `written` are, for each level, the frame and
    the names of the variables that its rows hold; `debug` is the plan of debugging as it was read,
    `watch` what halts the execution."""

    id: UUID
    owner: str
    event: ExecutionChanged
    version_id: int
    state: Mapping[str, Any]
    steps_wanted: int | None
    inputs: Mapping[str, Any]
    frames: list[Frame] = field(default_factory=list)
    written: list[tuple[Frame, set[str]]] = field(default_factory=list)
    debug: str | None = None
    breaks_on_exception: bool = False
    watch: Watch | None = None


def claim(execution_id: UUID, owner: str) -> Claimed | None:
    """Claim a Queued execution with its tokens and variables; None when it is not Queued."""

    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"id": execution_id, "owner": owner, "lease": LEASE})
        row = cursor.fetchone()
    if row is None:
        return None
    return _claimed(execution_id, owner, row)


def lock_parked(execution_id: UUID, statuses: frozenset[str]) -> Claimed | None:
    """Lock an execution that is in one of these statuses and that no worker holds, with its tokens
    and variables, until the transaction ends: for commands that change them."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {RETURNING}, {_MORE} FROM executions_execution "
            "WHERE id = %s AND status = ANY(%s) AND lease_owner = '' FOR UPDATE",
            [execution_id, sorted(statuses)],
        )
        row = cursor.fetchone()
    return None if row is None else _claimed(execution_id, "", row)


def read(execution_id: UUID) -> Claimed:
    """An execution with its tokens and variables as they are now, to look at only."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {RETURNING}, {_MORE} FROM executions_execution WHERE id = %s", [execution_id]
        )
        return _claimed(execution_id, "", cursor.fetchone())


def _claimed(execution_id: UUID, owner: str, row: tuple[Any, ...]) -> Claimed:
    *columns, version_id, state, steps_wanted, inputs, debug, hits, until, passed = row
    plan = plans.load(debug, hits) if debug else plans.NO_PLAN
    claimed = Claimed(
        id=execution_id,
        owner=owner,
        event=ExecutionChanged(*columns),
        version_id=version_id,
        state=json.loads(state),
        steps_wanted=steps_wanted,
        inputs=values.decode(json.loads(inputs)),
        debug=debug,
        breaks_on_exception=plan.break_on_exception,
        watch=plans.watch_of(plan, until, passed) if debug or until else None,
    )
    _load(claimed)
    return claimed


def hold(claimed: Claimed) -> bool:
    """Lock the execution's row for this transaction; False when the claim was lost."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM executions_execution WHERE id = %s AND lease_owner = %s FOR UPDATE",
            [claimed.id, claimed.owner],
        )
        return cursor.fetchone() is not None


def _load(claimed: Claimed) -> None:
    """The tokens and variables that its rows hold; none when it has not begun."""
    tokens = Token.objects.filter(execution_id=claimed.id).order_by("level")
    claimed.frames = [frame_of(*row) for row in tokens.values_list("workspace", "block", "state")]
    if not claimed.frames:
        return
    held = Value.objects.filter(execution_id=claimed.id).values_list("level", "name", "value")
    for level, name, value in held:
        if level < len(claimed.frames):
            claimed.frames[level].variables[name] = values.decode(value)
    claimed.written = [(frame, set(frame.variables)) for frame in claimed.frames]
