"""Set next block: put the token of a paused execution above another block, in any workspace; it
need not be connected. Field: `block`.

The original stays within the workspace and takes one execution at a time (semantics 89). What the
execution waited for is given up: a child that it started runs on by itself.
"""

from executions.commands.holding import interpreter_of
from executions.commands.order import Done, Order, Refused
from executions.endings import given_up
from executions.engine.moving import CannotMove, place
from executions.states import APPLIES
from executions.store import claims
from executions.store.checkpoints import rewrite
from flows import queries, values


def execute(order: Order) -> Done | None:
    target = order.text("block")
    held = claims.lock_parked(order.execution.pk, APPLIES["set-next"])
    if held is None:
        return None
    if not target:
        raise Refused("Say which block.")
    interpreter = interpreter_of(held, queries.compiled(held.version_id))
    before = interpreter.graph.blocks[interpreter.frames[-1].block].title
    waits = held.state.get("waits") or {}
    pending = values.decode(waits["exception"]) if waits.get("for") == "exception" else None
    try:
        left = place(interpreter, target, pending)
    except CannotMove as refused:
        raise Refused(str(refused)) from None
    event = rewrite(held, interpreter, {}, status="Paused", place="block")
    changed = [event, *given_up(held.id, left)]
    return Done(changed, f"'{before}' → '{interpreter.graph.blocks[target].title}'")
