"""Doing the effect of a block, and telling what it came to."""

import logging
import traceback
from uuid import UUID

from executions.effects import world
from executions.engine.secrets import Secrets
from executions.engine.state import Perform, Performed, Threw
from flows.blocks.base import Block
from flows.blocks.errors import BlockException, unexpected

logger = logging.getLogger(__name__)


def performed(
    block: Block, asked: Perform, execution_id: UUID, secrets: Secrets | None
) -> Performed | Threw:
    """Do it. A defect is logged, without what the execution keeps to itself, and thrown."""
    try:
        return Performed(block.perform(asked.given, world(asked.until)))
    except BlockException as thrown:
        return Threw(thrown.value)
    except Exception as problem:
        told = traceback.format_exc()
        told = told if secrets is None else secrets.text(told)
        logger.error("%s failed in %s\n%s", block.type, execution_id, told.rstrip())
        return Threw(unexpected(problem))
