"""The wait states, found in the files of `kinds`."""

from collections.abc import Mapping
from typing import Any

from executions.wait_states import kinds
from executions.wait_states.wait_state import WaitState
from flows.blocks.requests import BlockRequest
from flows.discovery import declarations

WAIT_STATES: tuple[WaitState[Any], ...] = tuple(declarations(kinds, "WAIT_STATE"))
#: What queues executions again whose wait is over.
WAKES = tuple(dict.fromkeys(wake for one in WAIT_STATES for wake in one.wakes))
_BY_NAME = {one.name: one for one in WAIT_STATES}
_BY_REQUEST = {one.request: one for one in WAIT_STATES}


def of_request(request: BlockRequest) -> WaitState[Any]:
    """Return the wait state to which a block's request may lead."""
    return next(_BY_REQUEST[base] for base in type(request).__mro__ if base in _BY_REQUEST)


def of_waits(waits: Mapping[str, Any]) -> WaitState[Any]:
    """Return the wait state that `Execution.state` tells of."""
    return _BY_NAME[waits["for"]]
