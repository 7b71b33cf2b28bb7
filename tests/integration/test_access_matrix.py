"""Who may do what: nobody, somebody without a role, each role, each role on another flow, and who
administers the site; for every address, command, socket, API operation and admin action.

What there is comes from the URLconf, the registries, the routes and the OpenAPI document. What is
new there fails here until somebody has said who may do it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, get_args
from urllib.parse import quote, urlencode

import pytest
from asgiref.sync import async_to_sync
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import transaction
from django.http import Http404
from django.test import Client, RequestFactory
from django.urls import reverse

from cortexweb.api.application import document
from executions import access
from executions.api_tokens import SCOPES, Wanted, issue
from executions.commands.actor import Actor
from executions.commands.registry import COMMANDS
from executions.commands.request import CommandRequest
from executions.commands.run import run_command
from executions.failures import access as failures_access
from executions.failures.commands import run as failure_commands
from executions.failures.commands.registry import COMMANDS as FAILURE_COMMANDS
from executions.live import browser_messages
from executions.live.browser_messages import Ping, Show
from executions.live.changes import CommittedChanges, Visibility
from executions.live.routing import websocket_urlpatterns
from executions.models import ApiToken, Execution, MachineAccount
from flows.models import Flow, Grant
from flows.roles import Role
from tests.executions_in_tests import event_of
from tests.integration import test_every_page as pages
from tests.schedules_in_tests import make_schedule

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]
world = pages.world

#: The least that it takes: everybody, whoever has signed in, a role on the flow that it is about,
#: administering the whole site. `OWN` is for whom it belongs to alone; `NEVER` for no such request.
PUBLIC, SIGNED_IN, SITE, OWN, NEVER = "public", "signed in", "site", "own", "-"
#: A role on any flow; the role Author on any.
SOMEWHERE, AUTHOR_SOMEWHERE = "somewhere", "author somewhere"
SEE, START, OPERATE, DEBUG, AUTHOR, ADMINISTER = (role.name.lower() for role in Role)
#: Who asks, from the least rights to the most. `elsewhere` administers another flow.
ASKING = ("nobody", "without", "elsewhere", *(role.name.lower() for role in Role), "site")
LEAST = {PUBLIC: "nobody", SIGNED_IN: "without", SOMEWHERE: "elsewhere"}


def may(who: str, rule: str) -> bool:
    """Whether a rule lets somebody in."""
    if rule in (OWN, NEVER):
        return False
    if rule == AUTHOR_SOMEWHERE:
        return who == "elsewhere" or may(who, AUTHOR)
    return ASKING.index(who) >= ASKING.index(LEAST.get(rule, rule))


@dataclass
class Asking:
    """Everybody who asks, in a world of one of everything that belongs to somebody else."""

    users: dict[str, Any]
    clients: dict[str, Client]
    flow: Flow
    execution: Execution

    def answers(self, rule: str) -> Iterator[tuple[str, Client]]:
        """Yield who is asked about: everybody where it depends on a role."""
        for who, client in self.clients.items():
            if rule in ASKING or who in ("nobody", "without", "elsewhere", "site"):
                yield who, client


@pytest.fixture
def asking(world: User) -> Asking:
    flow = Flow.objects.get(name=pages.HOSTILE)
    other = Flow.objects.create(name="elsewhere")
    users: dict[str, Any] = {}
    for who in ASKING[1:]:
        users[who] = user = User.objects.create_user(who, is_staff=True)
        if who == "without":
            continue
        role = Role.ADMINISTER if who in ("elsewhere", "site") else Role[who.upper()]
        on = {"site": None, "elsewhere": other}.get(who, flow)
        Grant.objects.create(user=user, role=role, flow=on)
    clients = {"nobody": Client(raise_request_exception=False)}
    for who, user in users.items():
        clients[who] = Client(raise_request_exception=False)
        clients[who].force_login(user)
    return Asking(users, clients, flow, Execution.objects.get(pk=pages.EXECUTION))


@contextmanager
def undone() -> Iterator[None]:
    """Run a block, and then undo what it has done to the database."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


# Addresses --------------------------------------------------------------------------------------

#: An address, and who may GET and POST it.
ADDRESSES = """
account signed_in -
account_login public public
account_reauthenticate signed_in signed_in
alert site -
alert-channel site site
alert-channels site -
alert-rule site site
alert-rules site -
alerts signed_in -
api-documentation signed_in -
audit signed_in -
audit-export signed_in -
bulk signed_in signed_in
bulk-control - own
bulk-job own -
bulk-jobs signed_in -
bulk-results own -
chain see administer
chains signed_in -
change-password own own
columns - signed_in
deliveries site -
delivery site -
end-other-sessions - signed_in
end-session - signed_in
execution see -
execution-block own -
execution-change own -
execution-child-counts see -
execution-children see -
execution-command - signed_in
execution-completions signed_in -
function-completions signed_in -
execution-exception see -
execution-groups signed_in -
execution-live see -
execution-times see -
execution-value own -
executions signed_in -
executions-compare signed_in -
export signed_in signed_in
failure see -
failure-command - see
failure-live see -
failure-people see -
failure-retry see see
failures signed_in -
failures-live signed_in -
flow see -
flow-arrange see administer
flow-import author_somewhere author_somewhere
flow-live see -
flow-peek see -
flow-rights administer administer
flow-star - see
flow-start see start
flows signed_in -
flows-live signed_in -
folder-rights site site
forgot-password own own
healthz public public
help signed_in signed_in
help-blocks signed_in signed_in
help-guide signed_in signed_in
hook own own
login public public
logs signed_in -
logs-new signed_in -
machine-account own own
machine-accounts own own
metrics public -
new-alert-channel site site
new-alert-rule site site
new-chain own own
new-token - signed_in
new-webhook administer administer
notification signed_in -
notifications signed_in -
overview somewhere -
overview-live somewhere -
overview-wall somewhere -
overview-wall-live somewhere -
preferences signed_in signed_in
preview-alert-rule - -
question see operate
question-live see -
storage signed_in site
storage-collection see administer
signals signed_in -
signal site -
delete-signal - site
storage-item see administer
delete-storage-collection - administer
delete-storage-item - administer
questions signed_in -
rail-number signed_in -
questions-live signed_in -
take-question - operate
give-back-question - operate
assign-question - operate
read-notifications - signed_in
readyz public public
remove-token - own
replay-request - administer
revoke-token - own
rotate-secret - site
run-again signed_in signed_in
save-notifications - signed_in
saved-view own own
saved-views signed_in signed_in
send-test - signed_in
set-next signed_in signed_in
set-up-second-factor own own
sign-in-again signed_in signed_in
share own own
shared-execution own own
revoke-share-link own own
site-rights site site
test-alert-channel - site
tokens own -
try-delivery - site
try-webhook - own
variable-edit own own
watches signed_in signed_in
webhook see administer
webhook-request see -
webhook-requests see -
webhook-secret - administer
webhooks signed_in -
worker site -
worker-live site -
workers site -
zones signed_in -
delete-alert-channel - site
delete-alert-rule - site
delete-chain - administer
schedules signed_in -
schedules-live signed_in -
new-schedule administer administer
preview-schedule - signed_in
pause-schedules - site
schedule see administer
switch-schedule - administer
run-schedule - start
delete-schedule - administer
delete-webhook - administer
"""
#: Those of packages, which say who may sign in how.
OTHERS = ("mfa_", "openid_connect_", "password_reset_confirm", "logout")
#: Values of parts that every page is asked for elsewhere.
VALUES = {
    "execution-command": {"command": "pause"},
    "bulk": {"command": "pause"},
    "help-guide": {"guide": "permissions"},
}
#: What is sent, where an address takes more.
QUERIES = dict.fromkeys(
    ("new-webhook", "new-chain", "new-schedule"), f"?{urlencode({'flow': pages.HOSTILE})}"
)


def rules(table: str) -> dict[str, list[str]]:
    lines = [line.split() for line in table.strip().splitlines()]
    return {name: [rule.replace("_", " ") for rule in rest] for name, *rest in lines}


def address_of(name: str, parts: frozenset[str], more: dict[str, Any]) -> str:
    values = {part: pages.PARTS.get(part, (1, 0))[0] for part in parts} | more
    values |= VALUES.get(name, {})
    values = {part: value for part, value in values.items() if part in parts or part == "guide"}
    found = (
        reverse(name, args=[values["guide"]])
        if "guide" in parts
        else reverse(name, kwargs={part: values[part] for part in parts})
    )
    return found + QUERIES.get(name, "")


def is_let_in(answer: Any) -> bool:
    to_sign_in = answer.status_code == 302 and answer["Location"].startswith("/login/")
    return answer.status_code not in (401, 403, 404, 405) and not to_sign_in


def test_every_address_says_who_may(asking: Asking) -> None:
    robot = User.objects.create_user("robot")
    MachineAccount.objects.create(user=robot)
    token = ApiToken.objects.create(user=robot, name="t", start="t", digest="d", scopes=["see"])
    schedule = make_schedule(asking.flow, None, id=2)
    more = {"user_id": robot.pk, "token_id": token.pk, "schedule_id": schedule.pk}
    known, wrong = rules(ADDRESSES), []
    for name, parts in pages.ADDRESSES:
        if name.startswith(OTHERS):
            continue
        if name not in known:
            wrong.append(f"{name}: say in ADDRESSES who may")
            continue
        address = address_of(name, parts, more)
        for method, rule in zip(("get", "post"), known[name], strict=True):
            for who, client in asking.answers(rule):
                with undone():
                    answer = getattr(client, method)(address)
                if answer.status_code >= 500 and name not in ("readyz", "healthz"):
                    wrong.append(f"{method} {name} by {who}: {answer.status_code}")
                elif is_let_in(answer) != may(who, rule):
                    wrong.append(f"{method} {name} by {who}: {answer.status_code}, not {rule}")
    assert not wrong, "\n".join(wrong)
    assert known.keys() <= {name for name, _ in pages.ADDRESSES}


# Commands ---------------------------------------------------------------------------------------

EXECUTION_COMMANDS = """
continue operate
pause operate
stop operate
force-stop operate
retry operate
run-again operate
delete administer
detach operate
hand-over operate
keep-control operate
release operate
"""
FAILURE = """
assign operate
comment see
give-back operate
mute operate
reopen operate
resolve operate
take operate
unmute operate
unwatch see
watch see
"""
#: How refusals begin that say that somebody may not.
_MAY_NOT = ("You may", "Starting a retry paused requires", "It holds, or may hold, secrets")


def is_allowed(result: Any) -> bool:
    return result.done or not result.detail.startswith(_MAY_NOT)


def test_every_command_says_who_may(asking: Asking) -> None:
    known, wrong = rules(EXECUTION_COMMANDS), []
    for name, command in COMMANDS.items():
        if name not in known and not command.debugs:
            wrong.append(f"{name}: say in EXECUTION_COMMANDS who may")
            continue
        rule = DEBUG if command.debugs else known[name][0]
        for who, user in asking.users.items():
            # An execution in a state that the command applies to.
            status = sorted(command.applies_to)[0]
            execution = Execution.objects.get(pk=asking.execution.pk)
            try:
                access.get_or_404(user, execution.pk)
                with undone():
                    execution.status = status
                    actor = Actor(user.pk, who, "page")
                    done = is_allowed(run_command(name, CommandRequest(execution, user, actor)))
            except Http404:
                done = False
            if done != may(who, rule):
                wrong.append(f"{name} by {who}: {'done' if done else 'refused'}, not {rule}")
    assert not wrong, "\n".join(wrong)
    assert known.keys() <= COMMANDS.keys()


def test_every_command_on_failures_says_who_may(asking: Asking) -> None:
    known, wrong = rules(FAILURE), []
    assert known.keys() == FAILURE_COMMANDS.keys(), "say in FAILURE who may"
    for name, (rule,) in known.items():
        for who, user in asking.users.items():
            try:
                group = failures_access.get_or_404(user, pages.GROUP)
                with undone():
                    done = is_allowed(
                        failure_commands.run(name, group, user, Actor(user.pk, who, "page"))
                    )
            except Http404:
                done = False
            if done != may(who, rule):
                wrong.append(f"{name} by {who}: {'done' if done else 'refused'}, not {rule}")
    assert not wrong, "\n".join(wrong)


# Sockets ----------------------------------------------------------------------------------------

#: A consumer, who may connect, and to whom it tells that an execution of the flow has changed.
SOCKETS = """
GridConsumer signed_in see
ExecutionConsumer see see
FlowsConsumer signed_in see
FailuresConsumer signed_in -
FailureConsumer see see
FlowConsumer see see
LogConsumer signed_in -
WallConsumer somewhere -
OverviewConsumer somewhere -
WorkerConsumer site -
NotificationsConsumer signed_in -
SchedulesConsumer somewhere -
StorageConsumer signed_in -
StorageCollectionConsumer see -
SignalsConsumer signed_in -
WebhookConsumer see -
"""


@pytest.mark.django_db(transaction=True)
def test_every_socket_says_who_may_connect_and_what_it_tells(asking: Asking) -> None:
    known, wrong = rules(SOCKETS), []
    consumers = {
        route.callback.consumer_class.__name__: route.callback.consumer_class
        for route in websocket_urlpatterns
    }
    consumers.pop("NotFoundConsumer")
    assert known.keys() == consumers.keys(), "say in SOCKETS who may"
    parts = {
        "execution_id": asking.execution.pk,
        "group_id": pages.GROUP,
        "name": asking.flow.name,
        "selected": 0,
        "zone": "UTC",
        "collection_id": pages.COLLECTION,
        "webhook_id": 1,
    }
    event = event_of(asking.execution)
    for name, (rule, told) in known.items():
        for who, user in asking.users.items():
            consumer = consumers[name]()
            consumer.scope = {"url_route": {"kwargs": parts}, "query_string": b"", "user": user}
            try:
                viewer = async_to_sync(consumer.viewer)(Visibility.of(user))
            except Http404:
                viewer = None
            if (viewer is not None) != may(who, rule):
                wrong.append(f"{name} by {who}: {'connected' if viewer else 'closed'}, not {rule}")
            is_told = viewer is not None and viewer.offer(CommittedChanges({event.id: event}))
            if is_told != may(who, told):
                wrong.append(f"{name} tells {who}: {is_told}, not {told}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.django_db(transaction=True)
def test_no_message_of_a_browser_shows_more(asking: Asking) -> None:
    kinds = get_args(browser_messages.read.__annotations__["return"]) or (Ping, Show)
    assert set(kinds) == {Ping, Show}, "say here what a new message may do"
    event = event_of(asking.execution)
    for who, user in asking.users.items():
        consumer: Any = next(
            route.callback.consumer_class()
            for route in websocket_urlpatterns
            if route.callback.consumer_class.__name__ == "GridConsumer"
        )
        consumer.scope = {"url_route": {"kwargs": {}}, "query_string": b"", "user": user}
        viewer = async_to_sync(consumer.viewer)(Visibility.of(user))
        for query in ("", f"?flow={asking.flow.pk}", "?is=failed"):
            consumer.show(viewer, Show(query=query, rows=[(event.id, 0)]))
            is_told = viewer.offer(CommittedChanges({event.id: event}))
            assert is_told == may(who, SEE), (who, query)


# The API ----------------------------------------------------------------------------------------

#: An operation of the document, and who may; for commands on executions and failures, see there.
OPERATIONS = """
cancel_job own
change_alert_channel site
change_alert_rule site
compare_versions author
delete_alert_channel site
delete_alert_rule site
events_of_execution see
execution_events signed_in
export_flow author
get_alert site
get_alert_rule site
get_delivery site
get_execution see
get_failure see
get_flow see
get_job own
get_me signed_in
get_moment see
get_overview somewhere
get_variable own
give_role site
import_flow author_somewhere
list_activity see
list_alerts signed_in
list_alert_channels site
list_alert_rules site
audit_of_execution see
list_audit signed_in
list_tokens signed_in
list_chains signed_in
make_chain administer
get_chain see
change_chain administer
delete_chain administer
list_questions signed_in
get_question see
answer_question operate
list_collections signed_in
create_collection administer
get_collection see
delete_collection administer
list_keys see
get_value see
put_value administer
delete_key administer
list_schedules signed_in
export_schedules signed_in
make_schedule administer
get_schedule see
list_runs see
change_schedule administer
delete_schedule administer
enable_schedule administer
disable_schedule administer
run_schedule start
pause_schedules site
resume_schedules site
list_webhooks signed_in
make_webhook administer
get_webhook see
change_webhook administer
delete_webhook administer
rotate_webhook_secret administer
make_token signed_in
revoke_token own
list_deliveries site
list_differences see
list_exceptions see
list_executions signed_in
list_failures signed_in
list_family see
list_flows signed_in
list_job_results own
list_jobs signed_in
list_logs see
list_rights site
list_steps see
list_variables see
list_versions see
make_alert_channel site
make_alert_rule site
publish_flow author
resume_job own
retry_delivery site
retry_failure start
rotate_alert_channel_secret site
search_logs signed_in
send_signal site
list_signals signed_in
list_waiting signed_in
delete_signal site
start_execution start
start_executions start
start_flow start
suspend_job own
test_alert_channel site
"""
#: Those that look at what is sent, or at a draft, before they ask who may: what they refuse then is
#: 400 or 409.
LOOKS_FIRST = (
    "make_alert_rule", "change_alert_rule", "make_alert_channel", "change_alert_channel",
    "import_flow", "publish_flow",
    "make_chain", "change_chain", "make_webhook", "change_webhook",
    "make_schedule", "change_schedule",
)  # fmt: skip
#: What is sent, where the least that an operation takes depends on who may.
BODIES: dict[str, Any] = {
    "give_role": {"holder": "without", "role": "see"},
    "start_executions": {"executions": [{}]},
    "import_flow": {"document": ""},
    "send_signal": {"name": "go"},
    "create_collection": {"name": "new", "flow": pages.HOSTILE},
    "put_value": {"value": 1},
}


def rule_of(operation: str, known: dict[str, list[str]]) -> str:
    """Return who may; "" where nobody has said so."""
    if operation in known:
        return known[operation][0]
    name, _, kind = operation.rpartition("_")
    name = name.replace("_", "-")
    if kind == "failure" and name in FAILURE_COMMANDS:
        return rules(FAILURE)[name][0]
    if kind == "execution" and name in COMMANDS:
        return DEBUG if COMMANDS[name].debugs else rules(EXECUTION_COMMANDS)[name][0]
    # Many executions: each is refused by itself.
    is_bulk = (kind == "executions" and name in COMMANDS) or operation.startswith("preview_")
    return SIGNED_IN if is_bulk else ""


def operations(asking: Asking) -> Iterator[tuple[str, str, str]]:
    """Yield the name, the method and an address of each operation."""
    parts = {
        "execution_id": asking.execution.pk, "group_id": pages.GROUP, "job_id": pages.JOB,
        "delivery_id": pages.DELIVERY, "name": quote(asking.flow.name),
        "flow_name": quote(asking.flow.name), "tenant": "default", "system": "default",
        "chain_id": 1, "webhook_id": 1, "schedule_id": make_schedule(asking.flow, None, id=2).pk,
        "question_id": pages.QUESTION,
        "collection_id": pages.COLLECTION, "key": quote(pages.HOSTILE), "signal_id": 1,
        "alert_id": 1, "token_id": 1, "rule_id": 1, "channel_id": 1, "path": "no",
    }  # fmt: skip
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield operation["operationId"], method, path.format_map(parts)


def asked(client: Client, name: str, method: str, address: str) -> Any:
    """Ask for an operation, and undo what it has done."""
    body = {"data": BODIES.get(name, {}), "content_type": "application/json"}
    with undone():
        return getattr(client, method)(address, **({} if method == "get" else body))


def test_every_operation_says_who_may(asking: Asking) -> None:
    known, wrong, found = rules(OPERATIONS), [], set()
    for name, method, address in operations(asking):
        found.add(name)
        rule = rule_of(name, known)
        if not rule:
            wrong.append(f"{name}, {method} {address}: say in OPERATIONS who may")
            continue
        for who, client in asking.answers(rule):
            answer = asked(client, name, method, address)
            if answer.status_code >= 500:
                wrong.append(f"{name} by {who}: {answer.status_code}")
            elif name in LOOKS_FIRST and answer.status_code in (400, 409):
                continue
            elif is_let_in(answer) != may(who, rule):
                wrong.append(f"{name} by {who}: {answer.status_code}, not {rule}")
    assert not wrong, "\n".join(wrong)
    assert known.keys() <= found


def test_a_token_of_an_administrator_does_no_more_than_it_is_for(asking: Asking) -> None:
    """One that only sees, and one that may do everything on another flow."""
    actor, user = Actor(None, "tester", "command line"), asking.users["site"]
    elsewhere = Flow.objects.get(name="elsewhere")
    wanted = {
        "see": Wanted("see", ["see"]),
        "elsewhere": Wanted("elsewhere", SCOPES, flows=[elsewhere]),
    }
    known, wrong, found = rules(OPERATIONS), [], list(operations(asking))
    for who, one in wanted.items():
        _, raw = issue(actor, user, one)
        bearer = {"Authorization": f"Bearer {raw}"}
        client = Client(raise_request_exception=False, headers=bearer)
        for name, method, address in found:
            rule = rule_of(name, known)
            if rule not in (SEE, START, OPERATE, DEBUG, AUTHOR, ADMINISTER, SITE):
                continue
            answer = asked(client, name, method, address)
            if name in LOOKS_FIRST and answer.status_code in (400, 409, 422):
                continue
            may_look = who == "see" and rule == SITE and method == "get"  # with rights on the site
            if not may_look and is_let_in(answer) != (who == "see" and rule == SEE):
                wrong.append(f"{name} by a token for {who}: {answer.status_code}, not {rule}")
    assert not wrong, "\n".join(wrong)


# The admin --------------------------------------------------------------------------------------

#: What every member of the staff has a list of: the rows are those that they see.
STAFF_LISTS = """
auditentry bulkjob bulkresult exceptionrecord execution failuregroup failurewatch idempotentstart
intervention keptbreakpoint logentry question semaphoreticket sentform sharelink uncountedfailure
watch
"""
#: The lists of those who administer the site.
SITE_LISTS = """
chain chainstart failureactivity grant semaphore signal statisticsevent statisticsseries
storagecollection storageitem waiter webhook webhookmessage webhookrequest
"""
#: The lists of those with Django's permissions on the model alone.
PERMITTED_LISTS = """
alert alertchannel alertrule apitoken authenticator block connection delivery deliveryattempt
favoriteflow flow flowversion folder group label machineaccount note observation preferences
savedview schedule schedulepause schedulerun socialaccount user usersession variable workspace
"""
#: Actions, and who has them; each row is asked for by itself.
ACTIONS = """
delete_selected site
retry signed_in
stop signed_in
delete somewhere_administer
mute somewhere_operate
unmute somewhere_operate
revoke signed_in
"""
#: Who has a role on some flow, at least.
SOMEWHERE_AT_LEAST = {"somewhere administer": ADMINISTER, "somewhere operate": OPERATE}


def has_action(who: str, rule: str) -> bool:
    least = SOMEWHERE_AT_LEAST.get(rule)
    return who == "elsewhere" or may(who, least) if least else may(who, rule)


def test_every_list_and_action_of_the_admin_says_who_may(asking: Asking) -> None:
    wrong = []
    lists = {
        **dict.fromkeys(STAFF_LISTS.split(), SIGNED_IN),
        **dict.fromkeys(SITE_LISTS.split(), SITE),
        **dict.fromkeys(PERMITTED_LISTS.split(), OWN),
    }
    for model, registered in admin.site._registry.items():
        name = str(model._meta.model_name)
        if name not in lists:
            wrong.append(f"{name}: say in one of the lists who may")
            continue
        for who, user in asking.users.items():
            request: Any = RequestFactory().get("/admin/")
            request.user = user
            request.resolver_match = SimpleNamespace(url_name="changelist")
            is_seen = registered.has_view_permission(request)
            if is_seen != may(who, lists[name]):
                wrong.append(f"list of {name} by {who}: {is_seen}, not {lists[name]}")
            writes = (
                registered.has_add_permission(request),
                registered.has_change_permission(request),
                registered.has_delete_permission(request),
            )
            if any(writes) and not (name == "grant" and may(who, SITE)):
                wrong.append(f"{name} by {who}: adds, changes or deletes: {writes}")
            for action in registered.get_actions(request):
                rule = rules(ACTIONS).get(action, [""])[0]
                if not rule or not has_action(who, rule):
                    wrong.append(f"action {action} of {name} by {who}, not {rule}")
    assert not wrong, "\n".join(wrong)
