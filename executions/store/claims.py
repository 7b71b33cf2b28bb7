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

from executions.engine.state import Frame
from executions.limits import LEASE
from executions.live.events import COLUMNS, ExecutionChanged
from executions.models import Token, Value
from executions.store.rows import frame_of
from flows import values

RETURNING = ", ".join(
    f"{name}::text" if name in ("id", "parent_id", "root_id") else name for name in COLUMNS
)

_CLAIM = f"""
    UPDATE executions_execution
    SET status = 'Running', request = '', reason = '', place = '', due_at = NULL, awaits = NULL,
        lease_owner = %(owner)s, lease_expires_at = now() + make_interval(secs => %(lease)s),
        updated_at = now(), revision = revision + 1
    WHERE id = %(id)s AND status = 'Queued'
    RETURNING {RETURNING}, version_id, state::text, steps_wanted, inputs::text
"""


@dataclass(slots=True)
class Claimed:
    """A claimed execution as the runner needs it. `written` are, for each level, the frame and
    the names of the variables that its rows hold."""

    id: UUID
    owner: str
    event: ExecutionChanged
    version_id: int
    state: Mapping[str, Any]
    steps_wanted: int | None
    inputs: Mapping[str, Any]
    frames: list[Frame] = field(default_factory=list)
    written: list[tuple[Frame, set[str]]] = field(default_factory=list)


def claim(execution_id: UUID, owner: str) -> Claimed | None:
    """Claim a Queued execution with its tokens and variables; None when it is not Queued."""

    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"id": execution_id, "owner": owner, "lease": LEASE})
        row = cursor.fetchone()
    if row is None:
        return None
    *columns, version_id, state, steps_wanted, inputs = row
    claimed = Claimed(
        id=execution_id,
        owner=owner,
        event=ExecutionChanged(*columns),
        version_id=version_id,
        state=json.loads(state),
        steps_wanted=steps_wanted,
        inputs=values.decode(json.loads(inputs)),
    )
    _load(claimed)
    return claimed


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
