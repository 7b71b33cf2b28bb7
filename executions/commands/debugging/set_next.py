"""Set next: put the token of a paused execution above another block.

The block may be in any workspace, and need not be connected. Field: `block`.

The original stays within the workspace and takes one execution at a time (semantics 89). What the
execution waited for is given up: a child that it started runs on by itself.
"""

from uuid import UUID

from executions.commands.command import Command, DebugLeaseRule
from executions.commands.debugging.interpreter import interpreter_of
from executions.commands.request import Changes, CommandRefused, CommandRequest
from executions.completion import leave_shared_data, release_semaphores
from executions.engine import moving
from executions.engine.moving import CannotMove, MovePreview
from executions.states import RESUMABLE, Status
from executions.store.lifecycle import claims, questions
from executions.store.lifecycle.checkpoints import rewrite
from executions.store.lifecycle.interventions import Cause
from flows import queries, values
from flows.values import ExceptionValue


def execute(request: CommandRequest) -> Changes | None:
    target = request.text("block")
    claimed = claims.lock_without_worker(request.execution.pk, COMMAND.applies_to)
    if claimed is None:
        return None
    if not target:
        raise CommandRefused("Choose a block.")
    interpreter = interpreter_of(claimed, queries.compiled(claimed.version_id))
    before = interpreter.graph.blocks[interpreter.frames[-1].block].title
    try:
        left = moving.move_token(interpreter, target, _pending(claimed))
    except CannotMove as refused:
        raise CommandRefused(str(refused)) from None
    cause = Cause("set-next", request.actor.name)
    left_port = {"error_type": "", "error_message": ""}
    questions.withdraw([claimed.id])
    event = rewrite(claimed, interpreter, {}, cause, status="Paused", place="block", **left_port)
    changed = [event, *leave_shared_data(claimed.id), *release_semaphores(claimed.id, left)]
    return Changes(changed, f"'{before}' → '{interpreter.graph.blocks[target].title}'")


def preview(execution_id: UUID, target: str) -> MovePreview:
    """Preview what setting the next block would do. Raises CommandRefused."""
    claimed = claims.read(execution_id)
    why = COMMAND.refusal(Status(claimed.event.status))
    if why:
        raise CommandRefused(why)
    interpreter = interpreter_of(claimed, queries.compiled(claimed.version_id))
    try:
        return moving.preview_move(interpreter, target, _pending(claimed))
    except CannotMove as refused:
        raise CommandRefused(str(refused)) from None


def _pending(claimed: claims.ClaimedExecution) -> ExceptionValue | None:
    """The exception on whose port the token stands."""
    waits = claimed.state.get("waits") or {}
    if waits.get("for") != "exception":
        return None
    pending: ExceptionValue = values.decode(waits["exception"])
    return pending


COMMAND = Command(
    name="set-next",
    summary="Make another block the next one, in any workspace. It need not be connected.",
    details=(
        "The field `block` names it. The token leaves and enters scopes on the way. What the "
        "execution waited for is given up."
    ),
    past="moved",
    icon="setnext",
    applies_to=RESUMABLE,
    execute=execute,
    debugs=True,
    diverts=True,
    lease=DebugLeaseRule.TAKES,
    pause_note=" by",
)
