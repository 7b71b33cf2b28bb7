"""`manage.py start_flow`: its exit codes and what it prints."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command, execute_from_command_line

from executions import runner
from executions.management.commands.start_flow import Command
from executions.models import AuditEntry, Execution
from flows.variable_types import VARIABLE_TYPES
from tests.driving import begin, fresh
from tests.flows_in_tests import SQUARE, SQUARE_VARIABLES, WAIT, WAIT_VARIABLES, publish
from tests.people import APPROVAL, APPROVAL_VARIABLES, question_of
from tests.servers import PROJECT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


@pytest.fixture
def flows(tmp_path: Path) -> None:
    publish(tmp_path, "square", SQUARE, SQUARE_VARIABLES)
    publish(tmp_path, "wait", WAIT, WAIT_VARIABLES)


@pytest.fixture
def start_flow(flows: None, product_environment: dict[str, str]) -> "StartFlow":
    return StartFlow(product_environment)


def exit_code(*arguments: str) -> object:
    """That of the command, by what manage.py calls: a process would take two seconds to start."""
    try:
        execute_from_command_line(["manage.py", "start_flow", *arguments])
    except SystemExit as ended:
        return ended.code
    return 0


class StartFlow:
    """The command, run as a person would."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment

    def __call__(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", "start_flow", *arguments],
            cwd=PROJECT,
            env=self.environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=180,
        )


@pytest.mark.usefixtures("worker")
def test_an_execution_that_ends_prints_its_outputs(start_flow: StartFlow) -> None:
    done = start_flow("square", "--input", "N=7", "--wait", "20")
    assert done.returncode == 0, done.stderr
    assert "Square = 49" in done.stdout
    assert str(Execution.objects.get().pk) in done.stdout
    assert AuditEntry.objects.get().source == "command line"


@pytest.mark.usefixtures("worker", "flows")
def test_json_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("square", "--input", "N=3", "--wait", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["status"], report["outputs"]) == ("Ended", {"Square": 9})


@pytest.mark.usefixtures("worker", "flows")
def test_an_error_exits_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("square", "--input", "N=-1", "--wait", "--json") == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert error == {"type": "FlowException", "message": "negative"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["square"], "Give N as --input N=42"),
        (["square", "--input", 'N="x"'], "Give N as --input N=42"),
        (["square", "--input", "N=1", "--input", "M=1"], "Its inputs: N."),
        (["square", "--input", "N=seven"], "This is not valid JSON"),
        (["square", "--input", "N"], "NAME=JSON"),
        (["square", "--input", 'N={"$text":5}'], "is not a value: $text does not hold"),
        (["square", "--input", f"N={'[' * 5000}"], "[[…: This is nested too deeply"),
        (["square", "--input", "N=1", "--wait", "nan"], "0 or more"),
        (["square", "--input", "N=1", "--wait=x"], "0 or more"),
        (["squares"], "There is no flow squares. Flows: square, wait"),
        (["square", "--version", "9"], "no v9 of the flow square"),
    ],
)
@pytest.mark.usefixtures("flows")
def test_messages_exit_with_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(*arguments) == 2
    assert said in capsys.readouterr().err
    assert not Execution.objects.exists()


def test_a_message_exits_with_2_in_a_process_of_its_own(start_flow: StartFlow) -> None:
    done = start_flow("squares")
    assert done.returncode == 2
    assert "Flows: square, wait" in done.stderr
    assert not Execution.objects.exists()


def test_refused_inputs_say_how_to_give_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], transactional_db: None
) -> None:
    """The options that are offered are ones that a shell and the command understand."""
    kinds = {kind.replace(" ", ""): kind for kind in VARIABLE_TYPES}
    declared = ", ".join(f"{name}: {{input: true, type: {kind}}}" for name, kind in kinds.items())
    blocks = "{a: {type: Start Flow, bottom: e}, e: {type: End Flow}}"
    publish(tmp_path, "takes", blocks, f"{{{declared}}}")
    with pytest.raises(SystemExit):
        execute_from_command_line(["manage.py", "start_flow", "takes"])
    told = dict(re.findall("^Give (.*) as (.*)$", capsys.readouterr().err, re.M))
    assert told.keys() == kinds.keys()
    assert told["Text"] == """--input 'Text="Ada"'"""
    assert told.pop("SecretText") == "--ask SecretText, which asks for it"
    del kinds["SecretText"]
    declared = ", ".join(f"{name}: {{input: true, type: {kind}}}" for name, kind in kinds.items())
    publish(tmp_path, "plain", blocks, f"{{{declared}}}")
    call_command("start_flow", "plain", *shlex.split(" ".join(told.values())))
    assert Execution.objects.count() == 1


def test_a_question_says_where_it_is_answered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], transactional_db: None
) -> None:
    User.objects.create_user("ann")
    execution = begin(publish(tmp_path, "ask", APPROVAL, APPROVAL_VARIABLES), User="ann")
    runner.run(execution.pk)
    command = Command()
    command._report(fresh(execution), as_json=False, waited=False)
    told = capsys.readouterr().out
    question = question_of(execution)
    assert f"It waits for ann: {question.text}" in told
    assert question.get_absolute_url() in told
    assert f"POST /api/v1/questions/{question.pk}/answer" in told


@pytest.mark.usefixtures("worker", "flows")
def test_one_that_goes_on_exits_with_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("wait", "--input", "Seconds=600", "--wait", "0.5") == 3
    assert "Running" in capsys.readouterr().out


@pytest.mark.usefixtures("worker")
def test_an_input_is_asked_for_and_stands_on_no_command_line(
    start_flow: StartFlow, tmp_path: Path
) -> None:
    blocks = "{a: {type: Start Flow, bottom: s}, e: {type: End Flow}, s: {type: Set Variable, "
    blocks += "properties: {Value: '=Key.size()', Variable: ($)Size}, bottom: e}}"
    publish(tmp_path, "asked", blocks, "{Key: {input: true, secret: true}, Size: {output: true}}")
    done = start_flow("asked", "--ask", "Key", "--wait", "20", given="two words\n")
    assert done.returncode == 0, done.stderr
    assert "Size = 9" in done.stdout
    assert "two words" not in done.stdout + done.stderr
