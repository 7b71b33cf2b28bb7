"""Breakpoint: set, remove, enable or disable a breakpoint of an execution (semantics 88).

The execution may be running. Fields: `block`; `action`, one of ACTIONS; to set one, a `condition`
(an expression) and `hits` (pause from that hit on). With `keep`, the user's own breakpoints of the
flow change too; executions that they start in debug mode get those.
"""

from executions.commands.command import Command, DebugLeaseRule
from executions.commands.request import Changes, CommandRefused, CommandRequest
from executions.engine import secrets
from executions.engine.debugging import Breakpoint
from executions.engine.program import CONTEXT, scope_of
from executions.states import LIVE, Status
from executions.store.debug import breakpoints
from executions.store.kept_breakpoints import keep_for_flow
from flows import expressions, queries
from flows.expressions import ExpressionError
from flows.graph import NO_SUCH_BLOCK, BlockNode, FlowGraph

ACTIONS = ("set", "remove", "enable", "disable", "toggle")
#: Breakpoints that one execution may have.
LIMIT = 200


def execute(request: CommandRequest) -> Changes | None:
    key, action = request.text("block"), request.text("action") or "toggle"
    if action not in ACTIONS:
        raise CommandRefused(f"Choose an action: {', '.join(ACTIONS)}.")
    plan = breakpoints.lock_plan(request.execution.pk)
    if plan is None:
        return None
    graph = queries.compiled(breakpoints.version_of(request.execution.pk))
    node = graph.blocks.get(key)
    if node is None:
        raise CommandRefused(NO_SUCH_BLOCK if key else "Choose a block.")
    existing = plan.breakpoints.get(key)
    if action == "toggle":
        action = "remove" if existing else "set"
    if action == "set":
        if existing is None and len(plan.breakpoints) >= LIMIT:
            raise CommandRefused(f"An execution has at most {LIMIT} breakpoints.")
        plan.breakpoints[key] = _read_breakpoint(request, graph, node)
        plan.counted.pop(key, None)
    elif existing is None:
        raise CommandRefused(f"There is no breakpoint at '{node.title}'.")
    elif action == "remove":
        del plan.breakpoints[key]
        plan.counted.pop(key, None)
    else:
        plan.breakpoints[key] = Breakpoint(existing.condition, existing.hits, action == "enable")
    if request.is_checked("keep") and request.user.pk:
        keep_for_flow(request.user.pk, graph.name, key, plan.breakpoints.get(key))
    changed = breakpoints.write_plan(request.execution.pk, plan)
    return Changes([changed], _describe(action, node, plan.breakpoints.get(key)))


def _read_breakpoint(request: CommandRequest, graph: FlowGraph, node: BlockNode) -> Breakpoint:
    condition = request.text("condition").removeprefix("=").strip()
    if len(condition) > 1000:
        raise CommandRefused("A condition has at most 1,000 characters.")
    if condition:
        try:
            names = expressions.compile(condition).names
        except ExpressionError as error:
            raise CommandRefused(f"The condition is not a valid expression: {error}") from None
        visible = scope_of(graph, node.workspace)
        unknown = sorted(n for n in names if n.casefold() not in {*visible, CONTEXT})
        if unknown:
            raise CommandRefused(f"There is no variable {', '.join(unknown)} at '{node.title}'.")
        if secret := secrets.read_by(graph, node.workspace, names):
            raise CommandRefused(
                f"A condition must not read {', '.join(secret)}, which is secret: the places where "
                "the execution pauses would reveal it."
            )
    hits = request.text("hits") or "1"
    if not (hits.isascii() and hits.isdigit() and 0 < len(hits) < 10 and int(hits)):
        raise CommandRefused("Enter a whole number of hits, 1 or more.")
    return Breakpoint(condition, int(hits))


def _describe(action: str, node: BlockNode, breakpoint: Breakpoint | None) -> str:
    text = f"{action} at '{node.title}'"
    if breakpoint and action == "set":
        text += f", when {breakpoint.condition}" if breakpoint.condition else ""
        text += f", from hit {breakpoint.hits} on" if breakpoint.hits > 1 else ""
    return text


COMMAND = Command(
    name="breakpoint",
    summary="Set, remove, enable or disable a breakpoint above a block.",
    details=(
        "The fields are `block`, `action`, and for a new one `condition` and `hits`. With `keep`, "
        "executions of the flow that you start in debug mode get it too."
    ),
    past="changed",
    icon="bug",
    applies_to=LIVE - {Status.STOPPING},
    execute=execute,
    debugs=True,
    lease=DebugLeaseRule.TAKES,
)
