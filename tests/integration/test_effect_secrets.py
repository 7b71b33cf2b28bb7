"""Passwords of mail and SSH blocks stand nowhere that people read, whatever the server says."""

import logging
from pathlib import Path
from typing import Any

import pytest

from executions.models import ExceptionRecord
from executions.states import Status
from tests.driving import begin, drive
from tests.flows_in_tests import publish
from tests.receivers import USER, mail_receiver
from tests.secrets_in_tests import SECRET, where
from tests.ssh_server import ssh_host

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]

FLOW = """
start: {{type: Start Flow, bottom: block}}
block: {{type: {block}, properties: {{{properties}}}, bottom: end, exception: caught}}
caught:
  type: Handle Block Exception
  properties: {{Exception: ($)Problem}}
  bottom: keep
keep:
  type: Set Variable
  properties: {{Value: "='told: ' + Problem.Message", Variable: ($)Told}}
  bottom: end
end: {{type: End Flow}}
"""
VARIABLES = "{Details: {input: true, secret: true}, Problem: {}, Told: {output: true}}"
MAIL = "{To: [{Address: b@example.org}], From: {Address: a@example.org}}"


def refused(folder: Path, block: str, properties: str, details: dict[str, Any]) -> str:
    """Run the block with a password that is refused; return what it throws."""
    blocks = FLOW.format(block=block, properties=properties)
    execution = drive(begin(publish(folder, "signs-in", blocks, VARIABLES), Details=details).pk)
    assert execution.status == Status.ENDED
    (record,) = ExceptionRecord.objects.filter(execution=execution)
    return str(record.type)


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """What was logged, but by the mail server of the test."""
    records = [record for record in caplog.records if record.name != "mail.log"]
    return "\n".join(record.getMessage() for record in records)


def test_a_mail_server_that_repeats_the_password(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with mail_receiver(login=True) as receiver, caplog.at_level(logging.DEBUG):
        details = {
            "ServerDetails": {"Host": "127.0.0.1", "Port": receiver.port, "UseSsl": False},
            "Credentials": {"Username": USER, "Password": SECRET},
        }
        properties = f"Email Message: {MAIL}, Basic Email Session Details: ($)Details"
        kind = refused(tmp_path, "Send Email Using SMTP Server", properties, details)
    assert kind.endswith("EmailSessionException")
    assert where(SECRET) == []
    assert SECRET not in logged(caplog)


def test_a_password_of_ssh(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with ssh_host() as host, caplog.at_level(logging.DEBUG):
        details = {
            "Host": "127.0.0.1",
            "Port": host.port,
            "Credentials": {"Username": USER, "Password": SECRET},
        }
        properties = "Command: pwd, Ssh Session Details: ($)Details"
        kind = refused(tmp_path, "Execute Ssh Command", properties, details)
    assert kind.endswith("SshClientException")
    assert where(SECRET) == []
    assert SECRET not in logged(caplog)
