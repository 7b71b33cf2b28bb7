"""Failures: what one has in common with others, which block an exception comes from, and how many
descendants of an execution failed.

A failed child is noted in the statement that ends it (`checkpoints.release`). Its ancestors learn
of it right after: whoever notes one also adds what is noted to the numbers, one process at a time.
The others don't wait for it, and nobody keeps an ancestor's row locked while an execution ends.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Self
from uuid import UUID

from django.db import connection, transaction

from executions.engine.interpreter import Interpreter
from executions.events import ExecutionChanged
from executions.limits import RECOVERY_BATCH
from executions.models import ExceptionRecord
from executions.store.lifecycle.claims import RETURNING, ClaimedExecution
from executions.store.lifecycle.transitions import CHANGE
from flows import values
from flows.blocks.exceptions.throw import RethrowException
from flows.failure_fingerprints import fingerprint, template
from flows.values import ExceptionValue

#: How many throws of one exception are searched for the block that threw it first.
_LOOKED_AT = 100
#: The number of the advisory lock that is held while failures are added to their ancestors.
_COUNTING = 0x0FA1_1ED0
#: The part of a statement that writes the group of a failure, from `updated`, the execution's row.
#: Only the first failure of a group writes: the others see the group, and wait for nobody. Of two
#: first ones at once, the second waits for the first.
GROUP = """
    failure_group AS (
        INSERT INTO executions_failuregroup
            (id, flow_id, block, block_type, block_description, type, template, changed_at,
             first_seen_at, first_version, last_seen_at, last_version)
        SELECT %(failure)s, flow_id, block, block_type, block_description,
            %(failure_type)s, %(failure_template)s, ended_at, ended_at, number, ended_at, number
        FROM updated JOIN flows_flowversion version ON version.id = version_id
        WHERE NOT EXISTS (SELECT 1 FROM executions_failuregroup WHERE id = %(failure)s)
        ON CONFLICT (id) DO NOTHING
    )"""
_GROUP_OF = f"""
    WITH updated AS (
        SELECT version_id, block, block_type, block_description, ended_at
        FROM executions_execution WHERE id = %(id)s
    ), {GROUP}
    SELECT 1
"""
_COUNT = f"""
    WITH RECURSIVE taken AS (
        DELETE FROM executions_uncountedfailure WHERE execution_id IN (
            SELECT execution_id FROM executions_uncountedfailure LIMIT %(batch)s
        ) RETURNING execution_id
    ), above AS (
        SELECT child.parent_id AS id FROM taken
        JOIN executions_execution child ON child.id = taken.execution_id
        WHERE child.parent_id IS NOT NULL
        UNION ALL
        SELECT parent.parent_id FROM above
        JOIN executions_execution parent ON parent.id = above.id
        WHERE parent.parent_id IS NOT NULL
    ), counted AS (
        SELECT id, count(*) AS failed FROM above GROUP BY id
    ), locked AS (
        -- In the order in which an end and a stop lock a family.
        SELECT execution.id AS locked_id, counted.failed FROM executions_execution execution
        JOIN counted ON counted.id = execution.id
        ORDER BY execution.depth DESC, execution.id DESC
        FOR NO KEY UPDATE OF execution
    )
    UPDATE executions_execution SET
        failed_descendants = failed_descendants + locked.failed, {CHANGE}
    FROM locked WHERE id = locked.locked_id
    RETURNING {RETURNING}
"""


@dataclass(frozen=True, slots=True)
class Failure:
    """What an exception has in common with the same failure elsewhere: the block that threw it, its
    type, and its message without what varies."""

    flow: str
    block: str
    type: str
    template: str

    @classmethod
    def of(cls, flow: str, block: str, thrown: ExceptionValue) -> Self:
        """Return the failure that an exception is, with its secrets masked."""
        kind, message = values.storable(thrown.type)[:200], values.storable(thrown.message)
        return cls(flow, block, kind, template(message))

    @property
    def fingerprint(self) -> UUID:
        """The id of its group."""
        return fingerprint(self.flow, self.block, self.type, self.template)

    @property
    def group_params(self) -> dict[str, Any]:
        """The parameters of `GROUP`."""
        return {
            "failure": self.fingerprint,
            "failure_type": self.type,
            "failure_template": self.template,
        }


def add_group(execution_id: UUID, failure: Failure) -> None:
    """Write the group of a failure, if this is its first, in the transaction in which the
    execution failed."""
    with connection.cursor() as cursor:
        cursor.execute(_GROUP_OF, {"id": execution_id, **failure.group_params})


def count() -> list[ExecutionChanged]:
    """Add a batch of the failures that are noted to the numbers of their ancestors. When somebody
    else is doing that, what is left is done by them, or by recovery.

    Must run in a transaction of its own.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_COUNTING])
        if not cursor.fetchone()[0]:
            return []
        cursor.execute(_COUNT, {"batch": RECOVERY_BATCH})
        return [ExecutionChanged(*row) for row in cursor.fetchall()]


def origin(
    claimed: ClaimedExecution, interpreter: Interpreter, thrown: ExceptionValue
) -> str | None:
    """Return the block that threw an exception which ends an execution: the first one, where others
    only threw it again. None where the exception is not recorded, as when a flow's handler could
    not be entered."""
    secrets = interpreter.secrets
    shown = thrown if secrets is None else secrets.redact_exception(thrown)
    recent = reversed(interpreter.progress.thrown)
    blocks = (one.block for one in recent if one.exception in (thrown, shown))
    # Those that were written down before are read only if they are needed.
    for block in chain(blocks, _earlier(claimed, shown)):
        node = interpreter.graph.blocks.get(block)
        if node is not None and not isinstance(node.block, RethrowException):
            return block
    return None


def _earlier(claimed: ClaimedExecution, thrown: ExceptionValue) -> Iterator[str]:
    """Yield the blocks that threw such an exception before the last checkpoint, newest first."""
    if thrown.short_type not in claimed.event.exception_types.split("\n"):
        return
    same = {"type": values.storable(thrown.type)[:200], "message": values.storable(thrown.message)}
    records = ExceptionRecord.objects.filter(execution_id=claimed.id, **same)
    yield from records.order_by("-step", "-id").values_list("block", flat=True)[:_LOOKED_AT]
