"""Running an execution again, with inputs of its own, in the version of then or now."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from executions.commands.lifecycle.start import start
from executions.commands.request import CommandRequest
from executions.commands.run import CommandResult, run_command
from executions.models import Execution
from executions.states import Status
from flows import values
from tests.driving import ACTOR, begin, drive, fresh, outputs
from tests.flows_in_tests import publish
from tests.integration.test_failures import DIVIDE, DIVIDE_VARIABLES

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]

SECRET_VARIABLES = """
Key: {input: true, type: Text, secret: true}
Region: {input: true, type: Text, default: EU}
"""
ENDS = "a: {type: Start Flow, bottom: e}\ne: {type: End Flow}"
PAGE = "/executions/run-again/"


@pytest.fixture
def divide(tmp_path: Path) -> Any:
    return publish(tmp_path, "divide", DIVIDE, DIVIDE_VARIABLES)


def again(execution: Execution, user: User, **fields: str) -> CommandResult:
    return run_command("run-again", CommandRequest(execution, user, ACTOR, fields))


def started(result: CommandResult) -> Execution:
    assert result.done, result.detail
    return Execution.objects.get(pk=result.started)


def test_with_edited_inputs_and_expressions_over_the_old(divide: Any, admin_user: User) -> None:
    fine = drive(begin(divide, A=12, B=3).pk)
    same = started(again(fine, admin_user))
    assert (same.origin_id, same.trigger, values.decode(same.inputs)) == (
        fine.pk,
        "again",
        {"A": 12, "B": 3},
    )
    other = started(again(fine, admin_user, **{"input-A": "=A * 2 + B", "input-B": "9"}))
    assert outputs(drive(other.pk)) == {"Result": 3}
    assert fresh(fine).retry_state == ""


def test_it_supersedes_only_when_it_counts(divide: Any, admin_user: User) -> None:
    failed = drive(begin(divide).pk)
    drive(started(again(failed, admin_user, **{"input-B": "1"})).pk)
    assert fresh(failed).retry_state == ""
    drive(started(again(failed, admin_user, **{"input-B": "1", "counts": "on"})).pk)
    assert fresh(failed).retry_state == "ended"


def test_in_the_newest_version(tmp_path: Path, divide: Any, admin_user: User) -> None:
    failed = drive(begin(divide, A=4, B=0).pk)
    mended = DIVIDE.replace("=A / B", "=A / (B + 1)")
    publish(tmp_path, "divide", mended, DIVIDE_VARIABLES)
    old, new = again(failed, admin_user), again(failed, admin_user, version="newest")
    assert (started(old).version_number, started(new).version_number) == (1, 2)
    assert drive(started(new).pk).unhandled is False


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("=C", "A: C was no input of it, or is secret."),
        ("=A +", "A: "),
        ("=A / 0", "A: "),
        ("='x' * 100000000", "A: "),
        ("{", "A: "),
    ],
)
def test_nonsense_is_refused(divide: Any, admin_user: User, text: str, why: str) -> None:
    execution = drive(begin(divide).pk)
    result = again(execution, admin_user, **{"input-A": text})
    assert not result.done
    assert result.detail.startswith(why)
    assert Execution.objects.count() == 1


def test_only_what_has_ended_and_only_by_who_may(divide: Any, admin_user: User) -> None:
    queued = begin(divide)
    assert "this one is Queued" in again(queued, admin_user).detail
    ended = drive(queued.pk)
    eve = User.objects.create_user("eve")
    assert not again(ended, eve).done
    Execution.objects.filter(pk=ended.pk).update(initiator=eve)
    assert again(fresh(ended), eve).detail == "You may not start flows."
    assert Execution.objects.count() == 1


def test_secrets_stay_and_are_never_shown_nor_read(
    tmp_path: Path, admin_user: User, client: Client
) -> None:
    version = publish(tmp_path, "secretive", ENDS, SECRET_VARIABLES)
    inputs = {"Key": "hunter2-hunter2"}
    first = drive(start(version, inputs, ACTOR, Execution.Trigger.PAGE).pk)
    client.force_login(admin_user)
    posted = {"id": str(first.pk), "preview": "on", "input-Region": "=Key", "input-Key": "other"}
    page = client.post(PAGE, posted).content.decode()
    assert "hunter2" not in page
    assert "Key was no input of it, or is secret." in page
    assert ">other<" not in page
    second = started(again(first, admin_user, **{"input-Region": "US"}))
    assert second.secrets is not None
    assert "hunter2" not in str(second.inputs)
    assert "hunter2-hunter2" in str(second.secrets)
    # Somebody else may run it as it was, but not with inputs that could reveal the secret.
    ada = User.objects.create_user("ada")
    for name in ("view_execution", "control_execution", "start_flow"):
        ada.user_permissions.add(Permission.objects.get(codename=name))
    assert "secrets that you did not provide" in again(first, ada, **{"input-Region": "US"}).detail
    assert again(first, ada).done


def test_the_page_previews_ten_and_the_form_runs_them(
    divide: Any, admin_client: Client, admin_user: User
) -> None:
    many = [drive(begin(divide, A=number, B=1).pk) for number in range(12)]
    html = admin_client.get(PAGE, {"id": str(many[3].pk)}).content.decode()
    assert ">3</textarea>" in html
    posted = {"id": [f"{one.pk}:Ended" for one in many], "input-A": "=A + 100", "form": "once"}
    html = admin_client.post(PAGE, {**posted, "preview": "on"}).content.decode()
    assert "What would start, for the first\n              10" in html or "first 10" in html
    shown = [int(after) for after in re.findall(r'→\s*<span class="mono">(\d+)<', html)]
    assert sorted(shown) == list(range(100, 110))
    assert Execution.objects.count() == 12
    admin_client.post("/executions/commands/run-again/", posted)
    found = Execution.objects.filter(trigger="again")
    assert {values.decode(one.inputs)["A"] for one in found} == set(range(100, 112))
    page = admin_client.get(many[0].get_absolute_url()).content.decode()
    assert f"{PAGE}?id={many[0].pk}" in page
    assert "Run again as" in page


def test_somebody_else_sees_none_of_it(divide: Any, client: Client) -> None:
    execution = drive(begin(divide).pk)
    client.force_login(User.objects.create_user("eve"))
    html = client.get(PAGE, {"id": str(execution.pk)}).content.decode()
    assert "No execution that you can see was selected." in html
    assert execution.status == Status.ENDED
