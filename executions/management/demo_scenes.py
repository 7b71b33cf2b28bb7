"""What the demo begins with: an execution of each kind that somebody should have seen, within its
first minute. Everything is done by the real commands, in the names of people who cannot sign in."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.contrib.auth.models import Permission, User

from executions.commands import flow_arrangement
from executions.commands.actor import Actor
from executions.commands.lifecycle.start import start
from executions.commands.request import CommandRequest
from executions.commands.run import run_command
from executions.failures.commands import run as failure_commands
from executions.models import Execution, FailureGroup, Schedule
from executions.schedules import changes
from executions.states import RESUMABLE, TERMINAL, Status
from flows import queries
from flows.models import Flow, Folder, Label

logger = logging.getLogger(__name__)

#: Who starts what the demo starts, beside the demo itself.
PEOPLE = ("ada.demo", "grace.demo")
#: What they may do; whoever keeps them from it is told so by the commands.
_MAY = ("start_flow", "debug_execution", "handle_failure", "change_flow")
#: Where the example flows are: the folder and the labels of each.
_PLACES = {
    "check-order": ("commerce", "production", "customer-facing"),
    "check-orders": ("commerce", "production"),
    "access-log-report": ("operations", "production", "needs love"),
    "check-urls": ("operations", "production"),
    "nightly-tour": ("facilities", "pilot"),
    "approve-invoice": ("commerce", "pilot"),
    "xml-to-json": ("commerce", "pilot"),
    "reconcile-invoices": ("commerce", "pilot"),
}
_COLORS = {
    "production": "indigo",
    "customer-facing": "teal",
    "needs love": "amber",
    "pilot": "pink",
}
#: Orders that check-order refuses.
OF_NOBODY = {
    "Number": "A-1017",
    "Customer": "",
    "Lines": [{"Article": "Lamp", "Quantity": 2, "Price": 39.5}],
}
WITHOUT_LINES = {"Number": "A-1018", "Customer": "Harbour Office", "Lines": []}
#: The block of nightly-tour that has the breakpoint.
GATE = "visit/unlock"
#: Seconds for which an execution is waited for until the next command is given to it.
PATIENCE = 30.0


def account(name: str) -> User:
    """The account of one of the people: nobody can sign in with it."""
    user, is_new = User.objects.get_or_create(username=name)
    if is_new:
        user.set_unusable_password()
        user.save()
        user.user_permissions.set(Permission.objects.filter(codename__in=_MAY))
    return user


def actor_of(user: User | None) -> Actor:
    """Who gives the demo's commands; the demo itself for None."""
    return Actor(user.pk if user else None, user.username if user else "demo", "demo")


#: The schedules of the demo: flow, name, expression, and more.
SCHEDULES: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("check-orders", "Check the orders", "*/2 * * * *", {}),
    ("access-log-report", "Report of the hour", "5 * * * *", {"overlap": "queue"}),
    ("nightly-tour", "Tour of the night", "0 2 * * 1-5", {"misfire": "skip"}),
)


def schedule() -> None:
    """Schedule some of the flows, once."""
    ada = account(PEOPLE[0])
    for flow_name, name, cron, columns in SCHEDULES:
        flow = Flow.objects.filter(name=flow_name).first()
        if flow is None or Schedule.objects.filter(flow=flow, name=name).exists():
            continue
        ada.user_permissions.add(*Permission.objects.filter(codename="change_schedule"))
        made = Schedule(flow=flow, name=name, cron=cron, **columns)
        changes.save(User.objects.get(pk=ada.pk), actor_of(ada), made)


def run() -> Iterator[Execution]:
    """Start what the demo begins with, a piece at a time; gives each execution as it is started.

    Nothing where something of it is still under way: the demo was ended and has begun again.
    """
    ada, grace = map(account, PEOPLE)
    live = Execution.objects.filter(initiator__in=[ada, grace], ended_at=None)
    if live.exists():
        return
    yield _start("check-order", ada, {"Order": OF_NOBODY})
    yield _start("check-order", grace, {"Order": WITHOUT_LINES}, break_on_exception=True)
    # A site without rooms: its loop throws, and the flow handles no exception.
    yield _start("nightly-tour", grace, {"Sites": ["Lighthouse"], "Rooms": 0})
    # Whoever may control the execution finds this under For you.
    yield _start("approve-invoice", grace, {})
    to_stop = _start("nightly-tour", ada, {"Sites": ["Mill", "Depot"]})
    yield to_stop
    to_break = _start("nightly-tour", grace, {"Sites": ["Harbour", "Depot"]}, paused=True)
    yield to_break
    if _comes_to(to_break, lambda status: status in RESUMABLE):
        _command("breakpoint", grace, to_break, {"block": GATE, "action": "set"})
        _command("continue", grace, to_break)
    if _comes_to(to_stop, lambda status: status is Status.RUNNING):
        time.sleep(2)  # so that it has come to somewhere
        _command("stop", ada, to_stop)
    if _comes_to(to_stop, lambda status: status in TERMINAL):
        _command("retry", ada, to_stop)
    for execution in Execution.objects.filter(initiator=grace, debugged_by=grace):
        if _comes_to(execution, lambda status: status in RESUMABLE):
            # Whoever looks at it may go on with it.
            _command("release", grace, execution)


def arrange_flows() -> None:
    """Give the example flows folders and labels, where nobody has arranged anything yet."""
    if Folder.objects.exists() or Label.objects.exists():
        return
    ada = account(PEOPLE[0])
    labels = {
        name: Label.objects.create(name=name, color=color).pk for name, color in _COLORS.items()
    }
    for flow in Flow.objects.filter(name__in=_PLACES):
        place, *names = _PLACES[flow.name]
        folder, _ = Folder.objects.get_or_create(name=place, parent=None)
        flow_arrangement.move(ada, actor_of(ada), flow, folder)
        flow_arrangement.label(ada, actor_of(ada), flow, [labels[name] for name in names], ())


def look_after_failures() -> None:
    """Do what people do about failures: one gets an owner; one counts as repaired, and regresses
    when the next order of nobody comes in."""
    ada, grace = map(account, PEOPLE)
    for block, name, person in (("no-lines", "take", ada), ("no-customer", "resolve", grace)):
        group = FailureGroup.objects.filter(flow__name="check-order", block=block).first()
        if group is not None:
            result = failure_commands.run(name, group, person, actor_of(person))
            if not result.done:
                logger.info("%s of %s: %s", name, group, result.detail)


def _start(flow: str, user: User, inputs: Mapping[str, Any], **how: bool) -> Execution:
    version = queries.latest_published(flow)
    if version is None:
        raise LookupError(f"There is no published flow {flow}. Import flows/examples.")
    return start(version, inputs, actor_of(user), Execution.Trigger.DEMO, **how)


def _command(
    name: str, user: User, execution: Execution, fields: Mapping[str, str] | None = None
) -> None:
    execution.refresh_from_db()
    result = run_command(name, CommandRequest(execution, user, actor_of(user), fields or {}))
    if not result.done:
        logger.warning("%s of %s: %s", name, execution, result.detail)


def _comes_to(execution: Execution, wanted: Callable[[Status], bool]) -> bool:
    """Wait until it is in a status; whether it is in time."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        execution.refresh_from_db()
        if wanted(Status(execution.status)):
            return True
        time.sleep(0.2)
    return False
