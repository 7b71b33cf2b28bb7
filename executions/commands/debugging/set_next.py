"""Set next block: put the token of a paused execution above another block, in any workspace; it
need not be connected. Field: `block`.

The original stays within the workspace and takes one execution at a time (semantics 89). What the
execution waited for is given up: a child that it started runs on by itself.
"""

from uuid import UUID

from executions.commands.debugging.holding import interpreter_of
from executions.commands.request import Done, Order, Refused
from executions.completion import given_up
from executions.engine import moving
from executions.engine.moving import CannotMove, Foreseen
from executions.states import APPLIES, Status, refusal
from executions.store.debug.interventions import Cause
from executions.store.lifecycle import claims
from executions.store.lifecycle.checkpoints import rewrite
from flows import queries, values
from flows.values import ExceptionValue


def execute(order: Order) -> Done | None:
    target = order.text("block")
    held = claims.lock_parked(order.execution.pk, APPLIES["set-next"])
    if held is None:
        return None
    if not target:
        raise Refused("Say which block.")
    interpreter = interpreter_of(held, queries.compiled(held.version_id))
    before = interpreter.graph.blocks[interpreter.frames[-1].block].title
    try:
        left = moving.place(interpreter, target, _pending(held))
    except CannotMove as refused:
        raise Refused(str(refused)) from None
    cause = Cause("set-next", order.actor.name)
    left_port = {"error_type": "", "error_message": ""}
    event = rewrite(held, interpreter, {}, cause, status="Paused", place="block", **left_port)
    changed = [event, *given_up(held.id, left)]
    return Done(changed, f"'{before}' → '{interpreter.graph.blocks[target].title}'")


def foresee(execution_id: UUID, target: str) -> Foreseen:
    """What setting the next block would come to now. Raises Refused."""
    held = claims.read(execution_id)
    why = refusal("set-next", Status(held.event.status))
    if why:
        raise Refused(why)
    interpreter = interpreter_of(held, queries.compiled(held.version_id))
    try:
        return moving.foresee(interpreter, target, _pending(held))
    except CannotMove as refused:
        raise Refused(str(refused)) from None


def _pending(held: claims.Claimed) -> ExceptionValue | None:
    """The exception on whose port the token stands."""
    waits = held.state.get("waits") or {}
    if waits.get("for") != "exception":
        return None
    pending: ExceptionValue = values.decode(waits["exception"])
    return pending
