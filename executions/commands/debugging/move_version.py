"""Edit and continue: move a paused execution to a newer published version of its flow, when every
block that its tokens stand on still exists (semantics 90).

Fields: `version`, its number (the newest without it); `accept` when something cannot be carried
over. `preview` says what that is, before anything is changed; so does the refusal.
"""

from dataclasses import dataclass, field

from executions import access
from executions.commands import secret_access
from executions.commands.command import Command, Lease
from executions.commands.debugging.interpreter import interpreter_of
from executions.commands.permissions import ASK_FOR_SECRETS
from executions.commands.request import Changes, CommandRefused, CommandRequest
from executions.engine import moving, secrets
from executions.engine.program import compile_program
from executions.models import Execution
from executions.states import RESUMABLE
from executions.store.debug import debug_plan
from executions.store.debug.interventions import Cause
from executions.store.lifecycle import claims
from executions.store.lifecycle.checkpoints import rewrite
from executions.store.lifecycle.claims import ClaimedExecution
from flows import queries
from flows.models import FlowVersion


@dataclass(frozen=True, slots=True)
class Preview:
    """What a move comes to; `lost` is what cannot be carried over, in sentences."""

    number: int
    impossible: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


def preview(execution: Execution, version: FlowVersion) -> Preview:
    """What moving the execution to the version would come to; nothing is changed."""
    held = claims.read(execution.pk)
    return _preview(held, version)


def _preview(held: ClaimedExecution, version: FlowVersion) -> Preview:
    old, new = queries.compiled(held.version_id), queries.compiled(version.pk)
    known = secrets.secrets_of(compile_program(old).secrets, held.secret_texts, held.frames)
    found = moving.preview_version(old, new, held.frames, known)
    for key in debug_plan.load(held.debug, None).breakpoints:
        if key not in new.blocks:
            found.lost.append(f"The block '{old.blocks[key].title}', with a breakpoint, is gone.")
    return Preview(version.number, found.impossible, found.lost)


def execute(request: CommandRequest) -> Changes | None:
    held = claims.lock_parked(request.execution.pk, COMMAND.applies_to)
    if held is None:
        return None
    version = _version(request, held)
    if not access.has_debug_secrets_permission(request.user) and secret_access.may_gain_secrets(
        [version.pk]
    ):
        raise CommandRefused(f"v{version.number} may come to hold secrets. {ASK_FOR_SECRETS}")
    found = _preview(held, version)
    if found.impossible:
        raise CommandRefused(f"It cannot move to v{version.number}. " + " ".join(found.impossible))
    if found.lost and not request.is_checked("accept"):
        raise CommandRefused(
            f"Moving to v{version.number} would lose something; accept that first. "
            + " ".join(found.lost)
        )
    old, new = queries.compiled(held.version_id), queries.compiled(version.pk)
    number = held.event.version_number
    try:
        moving.move_to_version(old, new, held.frames)
    except moving.CannotMove as refused:
        raise CommandRefused(str(refused)) from None
    plan = debug_plan.load(held.debug, None)
    plan.breakpoints = {key: b for key, b in plan.breakpoints.items() if key in new.blocks}
    interpreter = interpreter_of(held, new)
    interpreter.redact_again()
    event = rewrite(
        held,
        interpreter,
        held.state,
        Cause("move-version", request.actor.name),
        version_id=version.pk,
        version_number=version.number,
        debug=debug_plan.dumps(plan),
    )
    told = f"v{number} → v{version.number}"
    return Changes([event], f"{told}, without: {' '.join(found.lost)}" if found.lost else told)


def _version(request: CommandRequest, held: ClaimedExecution) -> FlowVersion:
    number = request.text("version")
    versions = FlowVersion.objects.filter(
        flow__name=held.event.flow_name, published_at__isnull=False
    )
    if number:
        if not (number.isascii() and number.isdigit() and len(number) < 10):
            raise CommandRefused("A version is given by its number.")
        versions = versions.filter(number=int(number))
    version = versions.order_by("-number").first()
    if version is None:
        raise CommandRefused("There is no such published version.")
    if version.number <= held.event.version_number:
        raise CommandRefused(
            f"There is no newer published version: it runs v{held.event.version_number}."
        )
    return version


COMMAND = Command(
    name="move-version",
    summary="Move it to the newest version of its flow, with its tokens and variables.",
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
    lease=Lease.RESPECTS,
    menu=40,
)
