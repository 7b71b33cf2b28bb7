"""Tokens, variables and records of the engine as rows, and back."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from executions import encryption
from executions.engine.secrets import Secrets
from executions.engine.state import Frame, LogRecord, StepRecord, ThrownException
from flows import values
from flows.values import storable

#: How many characters of a traceback are kept: its end says where the code failed.
TRACEBACK = 20_000


def dumps(value: Any) -> str:
    """Return compact JSON text for a json parameter."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def token_row(level: int, frame: Frame, *, has_secrets: bool) -> dict[str, Any]:
    """Return a token's row. With secrets, what it keeps of values is encrypted."""
    state: dict[str, Any] = {}
    if frame.block_states:
        state["kept"] = frame.block_states
    if frame.handler_used:
        state["handler_used"] = True
    if frame.exception is not None:
        state["exception"] = values.encode(frame.exception)
        state["thrown_at"] = frame.thrown_at
    if has_secrets and state:
        state = encryption.seal(state)
    if frame.deadline is not None:
        state["deadline"] = frame.deadline
        state["timeout"] = frame.timeout
    if frame.semaphore:
        state["semaphore"] = frame.semaphore
    return {"level": level, "workspace": frame.workspace, "block": frame.block, "state": state}


def value_row(level: int, frame: Frame, name: str, secrets: Secrets | None) -> dict[str, Any]:
    """Return a variable's row: what is shown of it, and what it holds where that differs."""
    value = frame.variables[name]
    form = values.encode(value)
    row = {"level": level, "name": name, "value": form}
    if secrets is not None:
        shown = values.encode(secrets.redact_variable(frame.workspace, name, value))
        if shown != form:
            row |= {"value": shown, "secret": encryption.seal(form)}
    return row


def frame_of(
    workspace: str, block: str, state: dict[str, Any], variables: dict[str, Any] | None = None
) -> Frame:
    """Return the token of a row, with its variables. Raises KeyMissing."""
    if encryption.is_sealed(state):
        state = {**state, **encryption.unseal(state)}
    return Frame(
        workspace=workspace,
        block=block,
        variables=variables or {},
        block_states=state.get("kept", {}),
        handler_used=state.get("handler_used", False),
        exception=values.decode(state.get("exception")),
        thrown_at=state.get("thrown_at", 0),
        deadline=state.get("deadline"),
        timeout=state.get("timeout", 0.0),
        semaphore=state.get("semaphore", ""),
    )


def step_rows(steps: Sequence[StepRecord]) -> list[dict[str, Any]]:
    """Return the rows of steps."""
    return [
        {
            "number": step.number,
            "level": step.level,
            "block": step.block,
            "at": step.at,
            "duration": step.duration,
            "port": step.port,
            "changes": step.changes,
            "exception": storable(step.exception.rpartition(".")[2])[:200],
        }
        for step in steps
    ]


def thrown_row(thrown: ThrownException, handled: dict[int, str]) -> dict[str, Any]:
    """Return an exception's row; the block that handled it is taken out of `handled`."""
    return {
        "step": thrown.step,
        "at": thrown.at,
        "block": thrown.block,
        "type": storable(thrown.exception.type)[:200],
        "message": storable(thrown.exception.message),
        "data": values.encode(thrown.exception),
        "handled_by": handled.pop(thrown.step, ""),
        "traceback": storable(thrown.traceback)[-TRACEBACK:],
    }


def log_row(logged: LogRecord) -> dict[str, Any]:
    """Return the row of a logged line."""
    line = logged.line
    return {
        "step": logged.step,
        "at": logged.at,
        "block": logged.block,
        "severity": line.severity,
        "event_type": storable(line.event_type)[:200],
        "details": values.encode(line.details),
        "event_started_at": _moment(line.started_at),
        "event_ended_at": _moment(line.ended_at),
    }


def _moment(at: datetime | None) -> str | None:
    """Return a moment as a column takes it: one outside the calendar could not be read back."""
    return None if at is None else values.in_utc(at).isoformat()
