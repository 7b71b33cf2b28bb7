"""`manage.py start_flow`: its exit codes and what it prints."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import execute_from_command_line

from executions.models import AuditEntry, Execution
from tests.flows_in_tests import SQUARE, SQUARE_VARIABLES, WAIT, WAIT_VARIABLES, publish
from tests.servers import PROJECT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


@pytest.fixture
def start_flow(tmp_path: Path, product_environment: dict[str, str]) -> "StartFlow":
    publish(tmp_path, "square", SQUARE, SQUARE_VARIABLES)
    publish(tmp_path, "wait", WAIT, WAIT_VARIABLES)
    return StartFlow(product_environment)


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
            timeout=60,
        )


@pytest.mark.usefixtures("worker")
def test_an_execution_that_ends_prints_its_outputs(start_flow: StartFlow) -> None:
    done = start_flow("square", "--input", "N=7", "--wait", "20")
    assert done.returncode == 0, done.stderr
    assert "Square = 49" in done.stdout
    assert str(Execution.objects.get().pk) in done.stdout
    assert AuditEntry.objects.get().source == "command line"


@pytest.mark.usefixtures("worker")
def test_json_is_one_object(start_flow: StartFlow) -> None:
    done = start_flow("square", "--input", "N=3", "--wait", "--json")
    report = json.loads(done.stdout)
    assert (report["status"], report["outputs"]) == ("Ended", {"Square": 9})


@pytest.mark.usefixtures("worker")
def test_an_error_exits_with_1(start_flow: StartFlow) -> None:
    done = start_flow("square", "--input", "N=-1", "--wait", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"] == {"type": "FlowException", "message": "negative"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["square"], "N"),
        (["square", "--input", 'N="x"'], "N"),
        (["square", "--input", "N=1", "--input", "M=1"], "M"),
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
@pytest.mark.usefixtures("start_flow")
def test_messages_exit_with_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """By what manage.py calls: a process for each would take a second to start."""
    with pytest.raises(SystemExit) as ended:
        execute_from_command_line(["manage.py", "start_flow", *arguments])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
    assert not Execution.objects.exists()


def test_a_message_exits_with_2_in_a_process_of_its_own(start_flow: StartFlow) -> None:
    done = start_flow("squares")
    assert done.returncode == 2
    assert "Flows: square, wait" in done.stderr
    assert not Execution.objects.exists()


@pytest.mark.usefixtures("worker")
def test_one_that_goes_on_exits_with_3(start_flow: StartFlow) -> None:
    done = start_flow("wait", "--input", "Seconds=600", "--wait", "0.5")
    assert done.returncode == 3
    assert "Running" in done.stdout


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
