"""Performing the effect of a block."""

import traceback

from executions.effects import clients
from executions.effects.sessions import Sessions
from executions.engine.state import Perform, Performed, Threw
from flows.blocks.base import Block
from flows.blocks.errors import BlockException, unexpected


def perform_effect(block: Block, asked: Perform, sessions: Sessions) -> Performed | Threw:
    """Perform a block's effect; return the event for its result. A defect comes with its traceback,
    which the runner logs. `sessions` are those that the execution has open."""
    try:
        return Performed(block.perform(asked.inputs, clients(asked.until, sessions)))
    except BlockException as thrown:
        return Threw(thrown.value)
    except Exception as problem:
        return Threw(unexpected(problem), traceback.format_exc())
