"""Who may do what: starting, controlling and debugging are three things, and debugging what holds
secrets of others a fourth."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from executions import runner
from executions.bulk import run as bulk
from executions.commands import permissions
from executions.commands.actor import Actor
from executions.commands.command import DebugLeaseRule
from executions.commands.lifecycle.start import start
from executions.commands.registry import COMMANDS
from executions.models import AuditEntry, BulkJob, Execution
from executions.states import Status
from flows import administrators
from flows.models import FlowVersion, Grant
from flows.roles import Role
from tests.debugging import may_debug
from tests.executions_in_tests import make_execution
from tests.flows_in_tests import LOOP, LOOP_VARIABLES, publish
from tests.integration.test_execution_page import client_of, page
from tests.secrets_in_tests import CHILD, CHILD_VARIABLES, SECRET

pytestmark = pytest.mark.django_db

#: Reads a key from a file, checks where it goes, and sends it there.
SENDS = """
a: {type: Start Flow, bottom: check}
check: {type: If True Exit Right, properties: {Value: '=Url == "https://bank.example"'}, right: read, bottom: e}
read: {type: Read All Text, properties: {File Path: key.txt, Text: ($)Key}, bottom: say}
say: {type: Log Event, properties: {Event Details: =Key, Event Type: =Url}, bottom: e}
e: {type: End Flow}
"""  # noqa: E501
SENDS_VARIABLES = "{Url: {input: true, default: ''}, Key: {type: Text, secret: true}}"
#: Takes a secret from who starts it.
TAKES = """
a: {type: Start Flow, bottom: s}
s: {type: Set Variable, properties: {Value: =Plain, Variable: ($)Other}, bottom: e}
e: {type: End Flow}
"""
TAKES_VARIABLES = """
Token: {type: Text, input: true, secret: true}
Plain: {input: true, default: 1}
Other: {}
"""
RUNS = """
a: {type: Start Flow, bottom: run}
run: {type: Run Flow, properties: {Flow: %s, Inputs: {}, Outputs: ($)Left}, bottom: e}
e: {type: End Flow}
"""
RUNS_VARIABLES = "{Left: {}, Name: {input: true, default: sends}, Url: {default: ''}}"
DIVERSIONS = [
    ("set-variable", {"variable": "0:Url", "value": "https://evil.example"}),
    ("set-next", {"block": "e"}),
    ("move-version", {"accept": "1"}),
]


def give(user: User, *codenames: str) -> User:
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    return User.objects.get(pk=user.pk)


@pytest.fixture
def ada() -> User:
    return give(User.objects.create_user("ada"), "start_flow")


@pytest.fixture
def sends(tmp_path: Path) -> FlowVersion:
    settings.FILES_ROOT.mkdir(exist_ok=True)
    (settings.FILES_ROOT / "key.txt").write_text(SECRET)
    return publish(tmp_path, "sends", SENDS, SENDS_VARIABLES)


def post(user: User, command: str, execution: Execution, **fields: str) -> str:
    """Give a command as the page does, and read what the audit says of it."""
    client_of(user).post(
        f"/executions/commands/{command}/", {"id": str(execution.pk), **fields, "form": ""}
    )
    entry = AuditEntry.objects.filter(execution=execution).order_by("-id").first()
    assert entry is not None
    assert entry.command == command
    return "" if entry.outcome == "done" else entry.detail


def paused(user: User, version: FlowVersion, **inputs: Any) -> Execution:
    """An execution that stands above its first block; started by who may do that."""
    actor = Actor(user.pk, user.get_username(), "page")
    execution = start(version, inputs, actor, Execution.Trigger.PAGE, paused=True)
    runner.run(execution.pk)
    execution.refresh_from_db()
    assert execution.status == Status.PAUSED
    return execution


# Starting, controlling, debugging --------------------------------------------------------------


def test_who_begins_to_debug_needs_the_permission() -> None:
    commands = COMMANDS.values()
    assert all(one.debugs for one in commands if one.lease is DebugLeaseRule.TAKES or one.diverts)
    assert {one.name for one in commands if not one.debugs} == {
        "continue", "pause", "stop", "force-stop", "retry", "run-again", "delete",
        "detach", "release", "hand-over", "keep-control",
    }  # fmt: skip


@pytest.mark.parametrize("command", [one.name for one in COMMANDS.values() if one.debugs])
def test_starting_a_flow_is_not_debugging_it(command: str, loop: FlowVersion, ada: User) -> None:
    status = Status.RUNNING if command == "attach" else Status.PAUSED
    execution = make_execution(ada, "loop", version=loop, status=status)
    for user in (ada, give(ada, "control_execution", "view_execution")):
        refused = post(user, command, execution, block="add", variable="0:Last", value="9")
        assert refused.startswith("You may control this execution, but not debug it.")
        execution.refresh_from_db()
        assert execution.debugged_by_id is None


@pytest.mark.parametrize("command", ["pause", "continue", "stop", "retry"])
def test_what_one_starts_one_controls(command: str, loop: FlowVersion, ada: User) -> None:
    status = next(s for s in Status if s in COMMANDS[command].applies_to)
    execution = make_execution(ada, "loop", version=loop, status=status)
    assert "debug" not in post(ada, command, execution)


def test_debugging_does_not_reach_what_one_does_not_control(loop: FlowVersion, ada: User) -> None:
    grace = give(User.objects.create_user("grace"), "debug_execution", "view_execution")
    execution = make_execution(ada, "loop", version=loop, status=Status.PAUSED)
    assert post(grace, "step", execution) == permissions.NO_CONTROL


@pytest.mark.parametrize("option", ["paused", "debug", "break_on_exception"])
def test_no_flow_is_started_to_be_debugged(option: str, loop: FlowVersion, ada: User) -> None:
    fields = {"version": "1", "input-Last": "5", option: "on"}
    refused = client_of(ada).post("/flows/loop/start/", fields)
    assert refused.status_code == 422
    assert "not debug it" in refused.content.decode()
    assert not Execution.objects.exists()
    assert f'name="{option}"' not in client_of(ada).get("/flows/loop/").content.decode()
    debugger = may_debug(ada)
    assert f'name="{option}"' in client_of(debugger).get("/flows/loop/").content.decode()
    assert client_of(debugger).post("/flows/loop/start/", fields).status_code == 302


def test_no_retry_begins_paused_without_the_permission(loop: FlowVersion, ada: User) -> None:
    execution = make_execution(ada, "loop", version=loop, status=Status.STOPPED)
    assert "Starting a retry paused requires" in post(ada, "retry", execution, paused="1")
    assert post(ada, "retry", execution) == ""


def test_jobs_ask_for_the_permission_too(loop: FlowVersion, ada: User) -> None:
    many = [make_execution(ada, "loop", version=loop, status=Status.PAUSED) for _ in range(25)]
    ids = [str(one.pk) for one in many]
    client_of(ada).post(
        "/executions/commands/set-variable/",
        {"id": ids, "variable": "0:Last", "value": "1", "form": ""},
    )
    client_of(ada).post("/executions/all/step/", {"form": ""})
    jobs = list(BulkJob.objects.all())
    assert len(jobs) == 2
    for job in jobs:
        bulk.run(job.pk, "worker")
        job.refresh_from_db()
        assert (job.done, job.refused) == (0, 25)
    preview = client_of(ada).get("/executions/all/step/").content.decode()
    assert "You may not debug them" in preview
    assert "disabled" in preview


def test_pages_offer_what_one_may_do(loop: FlowVersion, ada: User) -> None:
    execution = make_execution(ada, "loop", version=loop, status=Status.PAUSED, block="l")
    shown = page(ada, execution)
    grid = client_of(ada).get("/").content.decode()
    for word in ('id="do-step"', 'id="breaks"', "Breakpoints, next block"):
        assert word not in shown, word
    assert 'id="do-continue"' in shown
    assert "That takes the permission to debug executions. An administrator can give it." in shown
    User.objects.create_superuser("grace")
    assert "That takes the permission to debug executions. Ask grace for it." in page(
        ada, execution
    )
    assert 'data-command="step"' not in grid
    assert "data-set-next" not in grid
    ada = may_debug(ada)
    shown = page(ada, execution)
    assert 'id="do-step"' in shown
    assert 'id="breaks"' in shown
    assert "data-set-next" in client_of(ada).get("/").content.decode()


def test_nobody_previews_what_they_may_not_do(loop: FlowVersion, ada: User) -> None:
    execution = paused(ada, loop)
    address = f"/executions/set-next/?id={execution.pk}&block=add"
    assert "not debug it" in client_of(ada).get(address).content.decode()
    form = client_of(ada).get(f"/executions/{execution.pk}/variable/?var=0:Last")
    assert "not debug it" in form.content.decode()
    menu = client_of(ada).get(f"/executions/{execution.pk}/block/?block=add").content.decode()
    assert menu.count("not debug it") == 3


# Secrets -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("command", "fields"), DIVERSIONS)
def test_no_debugger_leads_an_execution_to_tell_a_secret_of_others(
    command: str, fields: dict[str, str], sends: FlowVersion, ada: User, tmp_path: Path
) -> None:
    publish(tmp_path, "sends", SENDS, SENDS_VARIABLES.replace("Url", "Address: {}, Url"))
    ada = may_debug(ada)
    execution = paused(ada, sends, Url="https://evil.example")
    assert post(ada, command, execution, **fields) == permissions.no_secrets(ada)
    assert post(ada, "step", execution) == ""  # to look is no harm
    runner.run(execution.pk)
    execution.refresh_from_db()
    trusted = may_debug(ada, "debug_secrets")
    assert post(trusted, command, execution, **fields) != permissions.no_secrets(trusted)


@pytest.mark.parametrize(("command", "fields"), DIVERSIONS[:2])
def test_ones_own_secret_is_ones_own(
    command: str, fields: dict[str, str], ada: User, tmp_path: Path
) -> None:
    version = publish(tmp_path, "takes", TAKES, TAKES_VARIABLES)
    ada = may_debug(ada)
    execution = paused(ada, version, Token=SECRET)
    fields = fields | ({"variable": "0:Plain", "value": "7"} if "variable" in fields else {})
    assert post(ada, command, execution, **fields) == ""
    grace = may_debug(User.objects.create_user("grace"), "control_execution", "view_execution")
    post(ada, "release", execution)
    assert post(grace, command, execution, **fields) == permissions.no_secrets(grace)


def test_a_retry_does_not_make_a_secret_ones_own(ada: User, tmp_path: Path) -> None:
    version = publish(tmp_path, "takes", TAKES, TAKES_VARIABLES)
    execution = paused(ada, version, Token=SECRET)
    post(ada, "stop", execution)
    rights = ("control_execution", "view_execution", "start_flow")
    grace = may_debug(User.objects.create_user("grace"), *rights)
    assert post(grace, "retry", execution, paused="1") == ""
    retry = Execution.objects.get(origin=execution)
    runner.run(retry.pk)
    execution.delete()  # as retention does
    assert post(grace, "set-next", retry, block="e") == permissions.no_secrets(grace)
    assert post(ada, "set-next", retry, block="e") != ""  # it is grace's now


def test_what_somebody_else_types_in_is_theirs(ada: User, tmp_path: Path) -> None:
    version = publish(tmp_path, "takes", TAKES, TAKES_VARIABLES)
    ada = may_debug(ada)
    execution = paused(ada, version, Token=SECRET)
    trusted = may_debug(
        User.objects.create_user("grace"), "debug_secrets", "control_execution", "view_execution"
    )
    typed = {"variable": "0:Token", "value": '"grace-own-key"'}
    assert post(trusted, "set-variable", execution, **typed) == ""
    post(trusted, "release", execution)
    assert post(ada, "set-next", execution, block="e") == permissions.no_secrets(ada)


@pytest.mark.parametrize("name", ["sends", "=Name"])
def test_what_a_flow_runs_counts(name: str, sends: FlowVersion, ada: User, tmp_path: Path) -> None:
    ada = may_debug(ada)
    execution = paused(ada, publish(tmp_path, "runs", RUNS % name, RUNS_VARIABLES))
    typed = {"variable": "0:Url", "value": "https://evil.example"}
    assert post(ada, "set-variable", execution, **typed) == permissions.no_secrets(ada)


def test_a_flow_that_runs_harmless_ones_is_harmless(
    loop: FlowVersion, ada: User, tmp_path: Path
) -> None:
    ada = may_debug(ada)
    for name in ("loop", "=Name"):
        execution = paused(ada, publish(tmp_path, "runs", RUNS % name, RUNS_VARIABLES))
        typed = {"variable": "0:Url", "value": "x"}
        assert post(ada, "set-variable", execution, **typed) == ""


def test_what_stands_above_counts(sends: FlowVersion, loop: FlowVersion, ada: User) -> None:
    """What a child leaves goes to its parent, which would tell its secret to wherever that says."""
    ada = may_debug(ada)
    parent = make_execution(ada, "sends", version=sends, status=Status.RUNNING)
    child = make_execution(ada, "loop", version=loop, status=Status.PAUSED, parent=parent)
    assert post(ada, "set-next", child, block="e") == permissions.no_secrets(ada)


def test_a_secret_of_ones_own_goes_on_to_children(ada: User, tmp_path: Path) -> None:
    ada = may_debug(ada)
    publish(tmp_path, "secret-child", CHILD, CHILD_VARIABLES)
    flow = RUNS.replace("{}, Outputs", "{Key: =Token}, Outputs") % "secret-child"
    version = publish(tmp_path, "runs", flow, TAKES_VARIABLES.replace("Other", "Left"))
    parent = paused(ada, version, Token=SECRET)
    assert post(ada, "step-over", parent) == ""
    for _ in range(3):
        runner.run(parent.pk)
        parent.refresh_from_db()
        if parent.status == Status.PAUSED:
            post(ada, "step", parent)
    child = Execution.objects.get(parent=parent)
    assert child.secrets["given_by"] == ada.pk


def test_what_was_started_before_the_permission_is_nobodys_own(ada: User, tmp_path: Path) -> None:
    ada = may_debug(ada)
    execution = paused(ada, publish(tmp_path, "takes", TAKES, TAKES_VARIABLES), Token=SECRET)
    Execution.objects.update(secrets={"texts": [SECRET]})
    assert post(ada, "set-next", execution, block="e") == permissions.no_secrets(ada)


def test_nothing_moves_to_where_secrets_are(loop: FlowVersion, ada: User, tmp_path: Path) -> None:
    ada = may_debug(ada)
    execution = paused(ada, loop)
    publish(tmp_path, "loop", LOOP, LOOP_VARIABLES.rstrip() + "\nKey: {type: Text, secret: true}\n")
    refused = post(ada, "move-version", execution, accept="1")
    assert refused.startswith("v2 may hold secrets.")
    assert post(may_debug(ada, "debug_secrets"), "move-version", execution, accept="1") == ""


# Upgrades, and what people are told -------------------------------------------------------------


def test_who_controlled_everything_still_debugs_after_the_upgrade(ada: User) -> None:
    group = Group.objects.create(name="operators")
    grace = give(User.objects.create_user("grace"), "control_execution")
    group.permissions.add(Permission.objects.get(codename="control_execution"))
    linus = User.objects.create_user("linus")
    linus.groups.add(group)
    migration = import_module("executions.migrations.0020_debugging_takes_a_permission")
    migration.keep_debugging(apps, None)
    for user, debugs in ((ada, False), (grace, True), (linus, True)):
        user = User.objects.get(pk=user.pk)
        assert user.has_perm("executions.debug_execution") is debugs
        assert not user.has_perm("executions.debug_secrets")


def test_many_refusals_of_a_flow_look_once_for_whom_to_ask(
    loop: FlowVersion, ada: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    grace = User.objects.create_user("grace")
    Grant.objects.create(user=grace, flow=loop.flow, role=Role.ADMINISTER)
    User.objects.create_superuser("root")
    assert administrators.ask_about(ada, "loop") == "Ask grace for it."
    assert administrators.ask_about(ada) == "Ask root for it."
    with django_assert_num_queries(0):
        assert administrators.ask_about(ada, "loop") == "Ask grace for it."


@pytest.mark.parametrize(
    ("codenames", "told"),
    [
        ([], "You don't have permission to see any executions."),
        (["start_flow"], "You haven't started anything yet."),
        (["view_execution"], "What others start appears here immediately."),
        (["view_execution", "start_flow"], "Nothing has run yet."),
    ],
)
def test_an_empty_grid_says_whom_to_ask(codenames: list[str], told: str) -> None:
    user = give(User.objects.create_user("grace"), *codenames)
    shown = client_of(user).get("/").content.decode()
    assert told in shown
    asks = "sk an administrator" in shown or "An administrator can give it." in shown
    assert asks is (len(codenames) < 2)


def test_every_permission_is_documented() -> None:
    text = (settings.BASE_DIR / "docs" / "permissions.md").read_text()
    for model in apps.get_models():
        for codename, _ in model._meta.permissions:
            assert f"`{model._meta.app_label}.{codename}`" in text, codename
    assert Client().get("/").status_code == 302
