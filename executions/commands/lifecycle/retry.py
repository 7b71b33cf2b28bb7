"""Retry: start a new execution at the block at which a Stopped or failed one ended.

It gets the variables of the old one, which it remembers as its origin. With the field `from=start`
it starts at Start Flow, with the same inputs; with `version=newest` in the newest version. Further
fields: `paused`; `unretried`, which leaves out what is retried already, or debugged. An
execution that left the flow through its exception handler begins again at the block that threw.
If that was in a nested workspace, its scope was deleted on the way out (semantics 40), so the
workspace begins again.
"""

import time

from executions import access, appearance, audit
from executions.access import User
from executions.commands import secret_access
from executions.commands.command import Bulk, Command, DebugLeaseRule
from executions.commands.permissions import no_secrets
from executions.commands.request import Changes, CommandRefused, CommandRequest
from executions.dispatch import enqueue
from executions.engine import moving
from executions.engine.interpreter import Interpreter
from executions.engine.state import Frame, Snapshot
from executions.events import ExecutionChanged
from executions.models import ExceptionRecord, Execution
from executions.states import RETRIED, RetryState, Status
from executions.store.lifecycle import claims, retries, secret_storage
from executions.store.lifecycle.checkpoints import rewrite
from executions.store.lifecycle.claims import ClaimedExecution
from executions.store.lifecycle.interventions import Cause
from executions.store.lifecycle.starts import NotStarted, StartRequest, events, insert
from flows import administrators, queries, values
from flows.graph import FlowGraph
from flows.models import FlowVersion


def execute(request: CommandRequest) -> Changes | None:
    if not access.may_start(request.user, request.execution.flow_name):
        raise CommandRefused("You may not start flows.")
    if request.is_checked("paused") and not access.has_debug_permission(
        request.user, request.execution.flow_name
    ):
        asked = administrators.ask_about(request.user, request.execution.flow_name)
        needs = "Starting a retry paused requires the permission to debug."
        raise CommandRefused(f"{needs} {asked}")
    failed = claims.lock_without_worker(request.execution.pk, COMMAND.applies_to, or_unhandled=True)
    if failed is None:
        return None
    if request.is_checked("unretried") and (why := left_out(request.user, failed.event)):
        raise CommandRefused(why)
    version = _version(request, failed)
    graph = queries.compiled(version.pk)
    frames = [] if request.text("from") == "start" else _frames(failed, old_graph(failed))
    if version.pk != failed.version_id:
        _fit(request, failed, graph, frames)
    try:
        fresh = insert(
            StartRequest(
                version,
                failed.inputs,
                initiator_id=request.actor.user_id,
                initiator_name=request.actor.name,
                trigger=Execution.Trigger.RETRY,
                paused=request.is_checked("paused"),
                origin_id=failed.id,
                extensions=values.decode(failed.state.get("extensions")),
                secret_texts=failed.secret_texts,
                giver_id=secret_storage.giver(failed.secrets),
            )
        )
    except NotStarted as refused:
        raise CommandRefused(str(refused)) from None
    if frames:
        inserted = claims.lock_without_worker(fresh.pk, frozenset({"Queued"}))
        assert inserted is not None, "nobody else knows of it yet"
        cause = Cause("retry", request.actor.name)
        snapshot = Snapshot(frames, secret_texts=failed.secret_texts)
        interpreter = Interpreter(graph, time.time, snapshot)
        rewrite(inserted, interpreter, {}, cause)
    enqueue(fresh)
    where = graph.blocks[frames[-1].block if frames else graph.top.start].title
    audit.record(
        request.actor, "start", execution=fresh, detail=f"retry of {failed.id} at '{where}'"
    )
    begun = retries.begin(fresh.pk)
    detail = f"as {fresh.pk} at '{where}'"
    return Changes([*events([fresh.pk]), *begun], detail, started=fresh.pk)


def left_out(user: User, event: ExecutionChanged) -> str:
    """Why a retry of many leaves out an execution; "" when it does not."""
    if event.retry_state in RETRIED:
        return appearance.RETRY_STATES[RetryState(event.retry_state)][1]
    if event.debugged_by_id is not None and event.debugged_by_id != user.pk:
        return f"{event.debugged_by_name} is debugging it."
    return ""


def old_graph(failed: ClaimedExecution) -> FlowGraph:
    return queries.compiled(failed.version_id)


def _version(request: CommandRequest, failed: ClaimedExecution) -> FlowVersion:
    """The version that it ran, or the newest one."""
    if request.text("version") == "newest":
        newest = queries.latest_published(failed.event.flow_name)
        if newest is not None:
            return newest
    return FlowVersion.objects.select_related("flow").get(pk=failed.version_id)


def _fit(
    request: CommandRequest, failed: ClaimedExecution, graph: FlowGraph, frames: list[Frame]
) -> None:
    """Fit the tokens to another version. Raises CommandRefused where something would be lost, or
    could reveal secrets of others."""
    key = request.execution.pk
    if not access.has_debug_secrets_permission(
        request.user
    ) and secret_access.holds_secrets_of_others(key, request.user):
        raise CommandRefused(no_secrets(request.user))
    found = moving.preview_version(old_graph(failed), graph, frames)
    if found.impossible or found.lost:
        told = [*found.impossible, *(["It would lose variables or a loop."] if found.lost else [])]
        raise CommandRefused(f"It cannot go on in the newest version. {' '.join(told)}")
    try:
        moving.move_to_version(old_graph(failed), graph, frames)
    except moving.CannotMove as refused:
        raise CommandRefused(str(refused)) from None


def _frames(failed: ClaimedExecution, graph: FlowGraph) -> list[Frame]:
    """Where the new one begins; none where the failed one had not begun. Semaphores were the failed
    one's, and its times are over: the new one gets those of the blocks that it visits."""
    frames = failed.frames
    moving.retry_from(frames)
    if not any(frame.workspace == graph.flow_handler for frame in frames[1:]):
        return frames
    thrown = (
        ExceptionRecord.objects.filter(execution_id=failed.id, handled_by=graph.flow_handler)
        .order_by("-step")
        .values_list("block", flat=True)
        .first()
    )
    if thrown is None:
        return frames
    frames[0].block = thrown.partition("/")[0]
    return frames[:1]


COMMAND = Command(
    name="retry",
    summary="Start a new execution at the block at which this one stopped or failed.",
    details=(
        "It gets the variables of the old one, which stays as it is, and remembers its origin. "
        "With the field `from=start` it starts at Start Flow, with the same inputs, and with "
        "`version=newest` in the newest version, where its block has to be there. With "
        "`unretried` it is refused for what has been retried, or somebody else debugs. "
        "With the field `paused` it starts paused, which requires the permission to debug."
    ),
    past="retried",
    icon="retry",
    applies_to=frozenset({Status.STOPPED, Status.ERROR}),
    applies_to_unhandled=True,
    execute=execute,
    lease=DebugLeaseRule.IGNORES,
    toolbar=70,
    priority=5,
    warning="Each becomes a new execution.",
    bulk=Bulk.MATCHING,
)
