"""The ends of executions that concern chains, written down in the transactions that end them."""

import time
from collections.abc import Sequence
from typing import Any

from django.db import connection

from executions.events import ExecutionChanged
from executions.limits import CHAINS_REMEMBERED_SECONDS
from executions.models import Chain, ChainStart
from executions.states import Status

_NAMES = """
    SELECT DISTINCT flow.name FROM executions_chain chain
    JOIN flows_flow flow ON flow.id = chain.flow_id WHERE chain.is_on
"""
#: The length counts how the executions that have ended were started.
_RECORD = """
    INSERT INTO executions_chainstart (chain_id, source_id, at, outcome, why, length)
    SELECT chain.id, ended.id, now(), %(waiting)s, '', coalesce(before.length, 0) + 1
    FROM unnest(%(ids)s::uuid[], %(names)s::text[], %(outcomes)s::text[])
        AS ended(id, flow_name, outcome)
    JOIN flows_flow flow ON flow.name = ended.flow_name
    JOIN executions_chain chain ON chain.flow_id = flow.id AND chain.is_on
        AND chain.when IN (ended.outcome, %(any)s)
    LEFT JOIN executions_chainstart before ON before.started_id = ended.id
    ON CONFLICT (chain_id, source_id) DO NOTHING
    RETURNING 1
"""
_known: tuple[float, frozenset[str]] = (0.0, frozenset())


def forget() -> None:
    """Forget which flows have chains, so that this process looks again."""
    global _known
    _known = (0.0, frozenset())


def concerns(flow_name: str) -> bool:
    """Return whether the ends of a flow's executions concern a chain, as it was a moment ago."""
    global _known
    until, names = _known
    if time.monotonic() >= until:
        with connection.cursor() as cursor:
            cursor.execute(_NAMES)
            names = frozenset(name for (name,) in cursor.fetchall())
        _known = (time.monotonic() + CHAINS_REMEMBERED_SECONDS, names)
    return flow_name in names


def record(events: Sequence[ExecutionChanged]) -> bool:
    """Write down which chains ends concern; return whether there are any.

    Must run in the transaction that ended the executions.
    """
    ended = [one for one in events if Status(one.status).is_terminal and concerns(one.flow_name)]
    if not ended:
        return False
    params: dict[str, Any] = {
        "ids": [one.id for one in ended],
        "names": [one.flow_name for one in ended],
        "outcomes": [_outcome(one) for one in ended],
        "any": Chain.When.ANY.value,
        "waiting": ChainStart.Outcome.WAITING.value,
    }
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, params)
        return cursor.fetchone() is not None


def _outcome(event: ExecutionChanged) -> str:
    """Return the ends that an end counts as; one that was stopped is neither well nor failed."""
    if event.status == Status.ERROR or event.unhandled:
        return Chain.When.FAILED.value
    return Chain.When.ENDED.value if event.status == Status.ENDED else ""
