"""Secrets: the value of a secret variable is never shown, whatever people do (docs/secrets.md)."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from executions import runner
from executions.commands.request import CommandRequest
from executions.commands.run import run_command
from executions.engine.secrets import LONGEST, MOST, SHORTEST
from executions.forms import PREFIX, StartForm
from executions.models import AuditEntry, Execution, Value
from executions.states import Status
from flows import queries
from flows.models import FlowVersion
from flows.values import MASK
from tests.driving import ACTOR, begin, drive, fresh
from tests.flows_in_tests import publish
from tests.secrets_in_tests import BLANK, OTHER, SECRET, secret_flow, where


@pytest.fixture
def flow(db: None, tmp_path: Path) -> FlowVersion:
    return secret_flow(tmp_path)


# Editing --------------------------------------------------------------------------------------


def test_a_secret_is_edited_without_being_told(
    flow: FlowVersion, admin_client: Client, admin_user: User
) -> None:
    execution = begin(flow, paused=True, Token=SECRET)
    drive_once(execution)
    form = admin_client.get(f"/executions/{execution.pk}/variable/?var=0:Token").content.decode()
    assert 'type="password"' in form
    assert SECRET not in form
    # Neither is it put back, nor does anybody learn whether it is what was there.
    seen = admin_client.post(
        f"/executions/{execution.pk}/variable/", {"var": "0:Token", "value": SECRET}
    ).content.decode()
    assert SECRET not in seen
    assert "its value already" not in seen
    fields = {"level": "0", "name": "Token", "value": OTHER}
    assert run_command(
        "set-variable", CommandRequest(fresh(execution), admin_user, ACTOR, fields)
    ).done
    assert AuditEntry.objects.filter(command="set-variable").get().detail == (
        f"Token: {MASK} → {MASK}"
    )
    assert where(SECRET, OTHER) == []
    held = Value.objects.get(execution=execution, name="token")
    assert held.secret == OTHER
    run_command("continue", CommandRequest(fresh(execution), admin_user, ACTOR))
    drive(execution.pk)
    assert where(SECRET, OTHER) == []


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"name": "Token", "path": "x", "value": "y"}, "its whole value"),
        ({"name": "Token", "value": f'"{OTHER}'}, "Enter a value of type Text"),
        (
            {"name": "Token", "value": f'{{"$datetime": "{OTHER}"}}', "retype": "1"},
            "Enter a value of type Text",
        ),
        ({"name": "Copy", "value": f'"{MASK} and more"'}, "stands for a secret"),
    ],
)
def test_what_is_refused_repeats_nothing(
    flow: FlowVersion, admin_user: User, fields: dict[str, str], told: str
) -> None:
    execution = begin(flow, paused=True, Token=SECRET)
    drive_once(execution)
    result = run_command(
        "set-variable",
        CommandRequest(fresh(execution), admin_user, ACTOR, {"level": "0", **fields}),
    )
    assert not result.done
    assert told in result.detail
    assert where(SECRET, OTHER) == []


def test_dots_are_written_where_there_are_no_secrets(
    db: None, tmp_path: Path, admin_user: User
) -> None:
    execution = begin(publish(tmp_path, "dots", BLANK, "{Text: {type: Text}}"), paused=True)
    drive_once(execution)
    fields = {"level": "0", "name": "Text", "value": MASK}
    assert run_command(
        "set-variable", CommandRequest(fresh(execution), admin_user, ACTOR, fields)
    ).done


def test_a_breakpoint_does_not_ask_what_a_secret_holds(flow: FlowVersion, admin_user: User) -> None:
    execution = begin(flow, paused=True, Token=SECRET)
    fields = {"block": "log", "action": "set", "condition": "token.startsWith('z')"}
    result = run_command("breakpoint", CommandRequest(execution, admin_user, ACTOR, fields))
    assert "must not read Token" in result.detail
    fields["condition"] = "Deep != null"
    assert run_command("breakpoint", CommandRequest(execution, admin_user, ACTOR, fields)).done


@pytest.mark.parametrize(
    ("condition", "pauses"),
    [(f"Copy == '{SECRET}'", False), (f"Copy.startsWith('{SECRET[0]}')", False),
     (f"Copy == '{MASK}'", True), (f"Deep.Inner[0].endsWith('{SECRET[-1]}')", False)],
)  # fmt: skip
def test_a_condition_sees_what_people_see(
    flow: FlowVersion, admin_user: User, condition: str, pauses: bool
) -> None:
    execution = begin(flow, paused=True, Token=SECRET)
    drive_once(execution)
    fields = {"block": "log", "action": "set", "condition": condition}
    assert run_command("breakpoint", CommandRequest(execution, admin_user, ACTOR, fields)).done
    run_command("continue", CommandRequest(fresh(execution), admin_user, ACTOR))
    runner.run(execution.pk)
    stands = fresh(execution).block
    assert (stands == "log") is pauses, stands


def test_the_handbook_knows_the_limits() -> None:
    page = (settings.BASE_DIR / "docs" / "secrets.md").read_text()
    assert f"a text of at least {SHORTEST} characters" in page
    assert f"the newest {MOST})" in page
    assert f"Texts shorter than {SHORTEST} or longer than {LONGEST:,} characters" in page
    assert MASK in page


def drive_once(execution: Execution) -> None:
    """Let a worker take it up, and pause it."""
    runner.run(execution.pk)
    assert fresh(execution).status == Status.PAUSED


# Pages ----------------------------------------------------------------------------------------


def test_the_start_form_takes_a_secret_and_never_gives_it_back(
    flow: FlowVersion, admin_client: Client
) -> None:
    page = admin_client.get("/flows/secret-flow/").content.decode()
    assert re.search(
        r'<input type="password" name="input-Token"[^>]*autocomplete="new-password"', page
    )
    assert 'id="id_input-Token_secret"' in page
    assert 'aria-describedby="id_input-Token_secret ' in page
    assert "its value is never shown" in page
    assert ">secret</span>" in page
    refused = admin_client.post(
        "/flows/secret-child/start/", {PREFIX + "Key": SECRET, PREFIX + "Fails": "{"}
    )
    assert refused.status_code == 422
    told = refused.content.decode()
    assert SECRET not in told
    assert "Type it again: a secret is never put back into a page." in told
    started = admin_client.post("/flows/secret-flow/start/", {PREFIX + "Token": SECRET})
    assert started.status_code == 302
    assert where(SECRET) == []


def test_what_is_wrong_with_a_secret_does_not_repeat_it(db: None, tmp_path: Path) -> None:
    version = publish(tmp_path, "moments", BLANK, "{Key: {input: true, secret: true}}")
    form = StartForm(queries.compiled(version.pk),
                     {PREFIX + "Key": f'{{"$datetime": "{SECRET}"}}'})  # fmt: skip
    assert not form.is_valid()
    assert SECRET not in str(form.errors)
    assert "cannot be read" in str(form.errors)


@pytest.mark.parametrize("asked", [f"={SECRET}", "!=x", f'!="{SECRET}"', ">0", "=null", f"={MASK}"])
def test_nobody_learns_by_filtering(flow: FlowVersion, admin_client: Client, asked: str) -> None:
    execution = drive(begin(flow, Token=SECRET).pk)
    page = admin_client.get("/", {"q": f"var.token{asked}"}, follow=True).content.decode()
    assert str(execution.pk) not in page
    assert "is secret. Secret variables are never compared" in page
    page = admin_client.get("/", {"q": f"var.copy={SECRET}"}, follow=True).content.decode()
    assert str(execution.pk) not in page
    page = admin_client.get("/", {"q": f"-var.token{asked}"}, follow=True).content.decode()
    assert str(execution.pk) in page, "whatever is asked"


MOVED = """
a: {type: Start Flow, bottom: s}
s: {type: Set Variable, properties: {Value: 1, Variable: ($)X}, bottom: e}
e: {type: End Flow}
"""


def test_a_secret_does_not_move_to_where_all_may_read_it(tmp_path: Path, admin_user: User) -> None:
    first = publish(tmp_path, "f", MOVED, "{N: {input: true, secret: true, output: true}, X: {}}")
    execution = begin(first, N=4711, paused=True)
    runner.run(execution.pk)
    publish(tmp_path, "f", MOVED, "{N: {input: true, output: true}, X: {}}")
    result = run_command(
        "move-version", CommandRequest(fresh(execution), admin_user, ACTOR, {"accept": "1"})
    )
    assert not result.done
    assert (
        "The variable N is secret in this version, and everybody could read it there."
        in result.detail
    )
    assert fresh(execution).version_number == 1


def test_what_a_newer_version_keeps_to_itself_is_masked_when_an_execution_moves_there(
    tmp_path: Path, admin_user: User
) -> None:
    first = publish(tmp_path, "f", MOVED, "{N: {input: true, output: true}, X: {}}")
    execution = begin(first, N=4711, paused=True)
    runner.run(execution.pk)
    assert run_command(
        "set-next", CommandRequest(fresh(execution), admin_user, ACTOR, {"block": "s"})
    ).done
    publish(tmp_path, "f", MOVED, "{N: {input: true, secret: true, output: true}, X: {}}")
    assert run_command("move-version", CommandRequest(fresh(execution), admin_user, ACTOR, {})).done
    held = Value.objects.get(execution=execution, name="n")
    assert (held.value, held.secret) == ({"$secret": True}, 4711)


def test_names_of_secrets_are_told_to_who_may_see_their_flows(
    tmp_path: Path, client: Client, admin_client: Client
) -> None:
    publish(tmp_path, "f", MOVED, "{PayrollPin: {secret: true}, X: {}}")
    client.force_login(User.objects.create_user("nobody"))
    asked = {"q": "var.payrollpin=1"}
    assert "PayrollPin" in admin_client.get("/", asked, follow=True).content.decode()
    assert "PayrollPin" not in client.get("/", asked, follow=True).content.decode()
