"""Doing the effect of a block, and telling what it came to."""

import traceback

from executions.effects import clients
from executions.engine.state import Perform, Performed, Threw
from flows.blocks.base import Block
from flows.blocks.errors import BlockException, unexpected


def performed(block: Block, asked: Perform) -> Performed | Threw:
    """Do it. A defect is thrown with its traceback, which the runner logs."""
    try:
        return Performed(block.perform(asked.given, clients(asked.until)))
    except BlockException as thrown:
        return Threw(thrown.value)
    except Exception as problem:
        return Threw(unexpected(problem), traceback.format_exc())
