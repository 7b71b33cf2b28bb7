"""Claims: which worker may advance an execution.

A claim is a lease with an owner and an expiry; only its owner can write a checkpoint. A Queued
execution has an expiry too: after it, its message counts as lost and recovery sends another.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection

from executions import encryption
from executions.engine import sizes
from executions.engine.debugging import Stepper
from executions.engine.state import Frame, Snapshot
from executions.events import COLUMNS, IDS, ExecutionChanged
from executions.limits import INLINE_CHANGE_CHARACTERS, LEASE_SECONDS
from executions.states import STATUS_PARAMS
from executions.store import debug_plan
from executions.store.lifecycle import secret_storage
from executions.store.rows import frame_of
from executions.store.statements import fetch
from flows import values

RETURNING = ", ".join(f"{name}::text" if name in IDS else name for name in COLUMNS)

#: What a claim needs besides the columns of an event.
_MORE = """
        version_id, state::text, steps_wanted, inputs::text, debug::text, debug_hits::text,
        run_until::text, passed_step, stored_size, secrets::text, start_context::text"""
_TOKENS_AND_VALUES = """
        (SELECT json_agg(json_build_array(workspace, block, state) ORDER BY level)::text
            FROM executions_token WHERE execution_id = %(id)s) AS tokens,
        (SELECT json_agg(json_build_array(level, name, coalesce(secret, value)))::text
            FROM executions_value WHERE execution_id = %(id)s) AS variables"""
# One statement reads everything. Its parts see the execution's rows as they were when it began,
# while the UPDATE takes the execution as it is: `seen` says whether it has moved on in between.
# A claim does not wait for the disk: a crash of the database can only lose it with nothing done,
# since whatever follows (an effect, an end) does wait, and takes the claim along.
_CLAIM = f"""
    WITH claimed AS (
        UPDATE executions_execution
        SET status = %(running)s, request = '', reason = '', place = '', due_at = NULL,
            awaits = NULL, error_type = '', error_message = '', lease_owner = %(owner)s,
            first_claimed_at = coalesce(first_claimed_at, now()),
            lease_expires_at = now() + make_interval(secs => %(lease)s),
            updated_at = now(), revision = revision + 1
        WHERE id = %(id)s AND status = %(queued)s {{guard}}
        RETURNING {RETURNING}, {_MORE}
    )
    SELECT set_config('synchronous_commit', 'off', true),
        (SELECT revision FROM executions_execution WHERE id = %(id)s) AS seen,
        {_TOKENS_AND_VALUES},
        claimed.*
    FROM claimed
"""
_CLAIM_ANY = _CLAIM.format(guard="")
#: The list of flows with a limit of their own, read once, is almost always empty.
_CLAIM_UNLIMITED = _CLAIM.format(
    guard="""AND flow_name <> ALL (
            ARRAY(SELECT name COLLATE "C" FROM flows_flow WHERE worker_limit > 0)
        )"""
)
_LOAD = f"SELECT {_TOKENS_AND_VALUES}"
_READ = f"SELECT {RETURNING}, {_MORE} FROM executions_execution WHERE id = %(id)s"
_LOCK_WITHOUT_WORKER = f"""
    {_READ}
        AND (status = ANY(%(statuses)s) OR (unhandled AND %(or_unhandled)s))
        AND lease_owner = ''
    FOR UPDATE
"""
_LOCK_CLAIMED = """
    SELECT 1 FROM executions_execution WHERE id = %(id)s AND lease_owner = %(owner)s FOR UPDATE
"""
_RENEW = """
    UPDATE executions_execution SET lease_expires_at = now() + make_interval(secs => %(lease)s)
    WHERE id = %(id)s AND lease_owner = %(owner)s
"""


@dataclass(slots=True)
class ClaimedExecution:
    """A claimed execution as the runner needs it. `written` has, for each level, the frame and the
    names of the variables that its rows hold; `debug` is the debug plan as it was read, `stepper`
    what halts the execution."""

    id: UUID
    owner: str
    event: ExecutionChanged
    version_id: int
    state: Mapping[str, Any]
    steps_wanted: int | None
    inputs: Mapping[str, Any]
    #: The bytes of large changed values that its steps have stored.
    stored_bytes: int
    #: The request and the span that have started it (`executions.log_context`).
    start_context: Mapping[str, Any] = field(default_factory=dict)
    #: Whether its limits were checked, so that others may wait for its worker because of them.
    limit_checked: bool = False
    #: Its secrets (`executions.store.lifecycle.secret_storage`).
    secrets: dict[str, Any] | None = None
    #: How many workers have died with it since its last progress, and whether the alarm ended the
    #: last of them. One until it has passed the blocks at which the first may have died.
    deaths: int = 0
    killed_by_alarm: bool = False
    #: What went wrong when its last turn failed outside of its blocks: the exception in its JSON
    #: form, and the traceback.
    failed_turn: Mapping[str, Any] | None = None
    frames: list[Frame] = field(default_factory=list)
    written: list[tuple[Frame, set[str]]] = field(default_factory=list)
    debug: str | None = None
    breaks_on_exception: bool = False
    stepper: Stepper | None = None

    @property
    def secret_texts(self) -> Iterable[str]:
        """The texts that it keeps secret."""
        return secret_storage.texts(self.secrets)

    def snapshot(self, context: Mapping[str, Any] | None = None) -> Snapshot:
        """Return what an interpreter goes on from; `context` is the built-in variable."""
        return Snapshot(
            frames=self.frames,
            step_count=self.event.step_count,
            since=self.state.get("since", 0.0),
            context=context or {},
            secret_texts=self.secret_texts,
            stored_bytes=self.stored_bytes,
        )


def claim(
    execution_id: UUID, owner: str, *, limit_checked: bool = False
) -> ClaimedExecution | None:
    """Claim a Queued execution with its tokens and variables; None when it is not Queued.

    If the flow has its own limit, pass `limit_checked` after checking for room
    (`executions.claiming`); otherwise the claim fails.
    """
    statement = _CLAIM_ANY if limit_checked else _CLAIM_UNLIMITED
    params = {"id": execution_id, "owner": owner, "lease": LEASE_SECONDS, **STATUS_PARAMS}
    row = fetch(statement, params)
    if row is None:
        return None
    _, seen, tokens, variables, *rest = row
    claimed = _claimed(execution_id, owner, rest)
    claimed.limit_checked = limit_checked
    if seen == claimed.event.revision - 1:
        _set_frames(claimed, tokens, variables)
    else:
        _load(claimed)
    return claimed


def lock_without_worker(
    execution_id: UUID, statuses: frozenset[str], *, or_unhandled: bool = False
) -> ClaimedExecution | None:
    """Lock an execution that no worker holds, with its tokens and variables, until the transaction
    ends: for commands that change them. None when it is in none of these statuses, unless it Ended
    because nothing handled an exception and that counts too."""
    with connection.cursor() as cursor:
        cursor.execute(
            _LOCK_WITHOUT_WORKER,
            {"id": execution_id, "statuses": sorted(statuses), "or_unhandled": or_unhandled},
        )
        row = cursor.fetchone()
    return None if row is None else _load(_claimed(execution_id, "", row))


def read(execution_id: UUID) -> ClaimedExecution:
    """Return an execution with its tokens and variables as they are now, to look at only."""
    with connection.cursor() as cursor:
        cursor.execute(_READ, {"id": execution_id})
        row = cursor.fetchone()
    return _load(_claimed(execution_id, "", row))


def _claimed(execution_id: UUID, owner: str, row: Sequence[Any]) -> ClaimedExecution:
    """Return an execution without its tokens and variables."""
    *columns, version_id, state, steps_wanted, inputs, debug, hits = row[:-5]
    until, passed, stored_bytes, secrets_text, start_context = row[-5:]
    secrets = secret_storage.unsealed(json.loads(secrets_text)) if secrets_text else None
    plan = debug_plan.load(debug, hits) if debug else debug_plan.NO_PLAN
    kept = json.loads(state)
    # The keys are as older versions stored them.
    deaths, killed_by_alarm = kept.pop("deaths", 0), kept.pop("was_late", False)
    failed_turn = kept.pop("broke", None)
    return ClaimedExecution(
        id=execution_id,
        owner=owner,
        event=ExecutionChanged(*columns),
        version_id=version_id,
        state=kept.get("was", kept),
        steps_wanted=steps_wanted,
        inputs=values.decode(secret_storage.real_form(secrets, "inputs", json.loads(inputs))),
        stored_bytes=stored_bytes,
        secrets=secrets,
        deaths=deaths,
        killed_by_alarm=killed_by_alarm,
        failed_turn=failed_turn,
        start_context=json.loads(start_context) if start_context else {},
        debug=debug,
        breaks_on_exception=plan.break_on_exception,
        stepper=debug_plan.stepper_of(plan, until, passed) if debug or until else None,
    )


def _load(claimed: ClaimedExecution) -> ClaimedExecution:
    """Return it with the tokens and variables that its rows hold now."""
    row = fetch(_LOAD, {"id": claimed.id})
    assert row is not None
    _set_frames(claimed, *row)
    return claimed


def lock_claimed(claimed: ClaimedExecution) -> bool:
    """Lock the execution's row for this transaction; return False when the claim was lost."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_CLAIMED, {"id": claimed.id, "owner": claimed.owner})
        return cursor.fetchone() is not None


def renew(claimed: ClaimedExecution) -> None:
    """Renew the lease, while it is still held."""
    with connection.cursor() as cursor:
        cursor.execute(_RENEW, {"id": claimed.id, "owner": claimed.owner, "lease": LEASE_SECONDS})


def _set_frames(claimed: ClaimedExecution, tokens: str | None, variables: str | None) -> None:
    """Take over its tokens and variables; there are none when it has not begun."""
    scopes: dict[int, dict[str, Any]] = {}
    for level, name, value in json.loads(variables or "[]"):
        scopes.setdefault(level, {})[name] = values.decode(encryption.unseal(value))
    claimed.frames = [
        frame_of(workspace, block, state, scopes.get(level))
        for level, (workspace, block, state) in enumerate(json.loads(tokens or "[]"))
    ]
    claimed.written = [(frame, set(frame.variables)) for frame in claimed.frames]
    if len(variables or "") > INLINE_CHANGE_CHARACTERS:
        for frame in claimed.frames:
            for name in frame.variables:
                sizes.measure_initial(frame, name)
