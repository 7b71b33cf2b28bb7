"""Move version: move a paused execution to a newer published version of its flow (semantics 90).

Every block that its tokens stand on has to exist there. Fields: `version`, the number (without it,
the newest); `accept`, to go on when something cannot be carried over. `preview` and the refusal say
what that is.
"""

from dataclasses import dataclass, field

from executions import access
from executions.commands import secret_access
from executions.commands.command import Command, DebugLeaseRule
from executions.commands.debugging.interpreter import interpreter_of
from executions.commands.permissions import ask_for_secrets
from executions.commands.request import Changes, CommandRefused, CommandRequest
from executions.engine import moving, secrets
from executions.engine.program import compile_program
from executions.models import Execution
from executions.states import RESUMABLE
from executions.store import debug_plan
from executions.store.lifecycle import claims
from executions.store.lifecycle.checkpoints import rewrite
from executions.store.lifecycle.claims import ClaimedExecution
from executions.store.lifecycle.interventions import Cause
from flows import queries
from flows.models import FlowVersion


@dataclass(frozen=True, slots=True)
class Preview:
    """What a move would do. `lost` says in sentences what cannot be carried over."""

    number: int
    impossible: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


def preview(execution: Execution, version: FlowVersion) -> Preview:
    """Preview a move of the execution to the version."""
    claimed = claims.read(execution.pk)
    return _preview(claimed, version)


def _preview(claimed: ClaimedExecution, version: FlowVersion) -> Preview:
    old, new = queries.compiled(claimed.version_id), queries.compiled(version.pk)
    known = secrets.secrets_of(compile_program(old).secrets, claimed.secret_texts, claimed.frames)
    found = moving.preview_version(old, new, claimed.frames, known)
    for key in debug_plan.load(claimed.debug, None).breakpoints:
        if key not in new.blocks:
            found.lost.append(f"The block '{old.blocks[key].title}', with a breakpoint, is gone.")
    return Preview(version.number, found.impossible, found.lost)


def execute(request: CommandRequest) -> Changes | None:
    claimed = claims.lock_without_worker(request.execution.pk, COMMAND.applies_to)
    if claimed is None:
        return None
    version = _version(request, claimed)
    if not access.has_debug_secrets_permission(request.user) and secret_access.may_gain_secrets(
        [version.pk]
    ):
        asked = ask_for_secrets(request.user)
        raise CommandRefused(f"v{version.number} may hold secrets. {asked}")
    found = _preview(claimed, version)
    if found.impossible:
        raise CommandRefused(f"It cannot move to v{version.number}. " + " ".join(found.impossible))
    if found.lost and not request.is_checked("accept"):
        raise CommandRefused(
            f"Moving to v{version.number} would lose something. Accept that to go on. "
            + " ".join(found.lost)
        )
    old, new = queries.compiled(claimed.version_id), queries.compiled(version.pk)
    number = claimed.event.version_number
    try:
        moving.move_to_version(old, new, claimed.frames)
    except moving.CannotMove as refused:
        raise CommandRefused(str(refused)) from None
    plan = debug_plan.load(claimed.debug, None)
    plan.breakpoints = {key: b for key, b in plan.breakpoints.items() if key in new.blocks}
    interpreter = interpreter_of(claimed, new)
    interpreter.redact_again()
    event = rewrite(
        claimed,
        interpreter,
        claimed.state,
        Cause("move-version", request.actor.name),
        version_id=version.pk,
        version_number=version.number,
        debug=debug_plan.dumps(plan),
    )
    detail = f"v{number} → v{version.number}"
    return Changes([event], f"{detail}, without: {' '.join(found.lost)}" if found.lost else detail)


def _version(request: CommandRequest, claimed: ClaimedExecution) -> FlowVersion:
    number = request.text("version")
    versions = FlowVersion.objects.filter(
        flow__name=claimed.event.flow_name, published_at__isnull=False
    )
    if number:
        if not (number.isascii() and number.isdigit() and len(number) < 10):
            raise CommandRefused("Enter the number of a version.")
        versions = versions.filter(number=int(number))
    version = versions.order_by("-number").first()
    if version is None:
        raise CommandRefused("This version does not exist, or it is not published.")
    if version.number <= claimed.event.version_number:
        raise CommandRefused(
            f"There is no published version that is newer than v{claimed.event.version_number}."
        )
    return version


COMMAND = Command(
    name="move-version",
    summary="Move the execution to the newest version of its flow, with its tokens and variables.",
    details=(
        "Every block that a token stands on has to exist in the newer version. What "
        "cannot be carried over is listed, and has to be accepted with the field `accept`; "
        "`version` names another version than the newest."
    ),
    past="moved",
    icon="up",
    applies_to=RESUMABLE,
    execute=execute,
    debugs=True,
    diverts=True,
    lease=DebugLeaseRule.RESPECTS,
    menu=40,
)
