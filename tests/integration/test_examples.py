"""The example flows do what they say, on real input."""

import csv
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from django.conf import settings

from executions import runner
from executions.alerts import question_alerts
from executions.commands.actor import Actor
from executions.commands.lifecycle.start import start
from executions.models import Delivery, ExceptionRecord, Execution, LogEntry
from executions.states import Status
from flows import queries, values
from tests.conftest import LiveApp
from tests.driving import drive
from tests.people import answer, person, question_of
from tests.receivers import PASSWORD, USER, mail_receiver
from tests.secrets_in_tests import SECRET, where

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis", "examples"),
]
ACTOR = Actor(user_id=None, name="tester", source="command line")


def run(name: str, **inputs: Any) -> tuple[Execution, dict[str, Any]]:
    version = queries.latest_published(name)
    assert version is not None
    execution = drive(start(version, inputs, ACTOR, Execution.Trigger.COMMAND_LINE).pk)
    return execution, values.decode(execution.outputs) if execution.outputs else {}


@pytest.fixture
def served_log(tmp_path: Path) -> Iterator[Path]:
    """The access log that a web server has just written, in the combined format."""
    log = Path(settings.FILES_ROOT) / "served.log"

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404 if self.path == "/missing" else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            with log.open("a") as file:
                agent = self.headers.get("User-Agent", "-")
                file.write(
                    f"{self.client_address[0]} - - [{self.log_date_time_string()}] "
                    f'"{self.requestline}" {int(code)} 0 "-" "{agent}"\n'
                )

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    for path in ("/", "/", "/a?b=c", "/missing"):
        try:
            with urlopen(f"http://127.0.0.1:{server.server_port}{path}") as answer:
                answer.read()
        except OSError:
            assert path == "/missing"
    server.shutdown()
    thread.join()
    server.server_close()
    yield log
    log.unlink()


def test_the_report_counts_what_a_web_server_logged(served_log: Path) -> None:
    execution, outputs = run("access-log-report", LogPath="served.log", ReportPath="reports/x.md")
    assert execution.status == Status.ENDED
    statuses = {row["Status"]: row["Requests"] for row in outputs["ByStatus"]}
    assert statuses == {"200": 3, "404": 1}
    paths = {row["Path"]: (row["Requests"], row["Errors"]) for row in outputs["ByPath"]}
    assert paths["/"] == (2, 0)
    assert paths["/missing"] == (1, 1)
    report = (Path(settings.FILES_ROOT) / "reports" / "x.md").read_text()
    assert "404" in report
    assert "/missing" in report


def test_a_missing_log_is_said_and_is_an_error() -> None:
    execution, _ = run("access-log-report", LogPath="no-such.log")
    assert (execution.status, execution.error_type) == (Status.ERROR, "OperationFailedException")
    assert LogEntry.objects.get(execution=execution).severity == "Error"


def test_every_order_is_checked_by_a_child_of_its_own() -> None:
    execution, outputs = run("check-orders", Pause=0)
    orders = json.loads((settings.BASE_DIR / "flows/examples/data/orders.json").read_text())
    assert execution.status == Status.ENDED
    assert execution.child_count == len(orders)
    assert len(outputs["Accepted"]) + len(outputs["Refused"]) == len(orders)
    assert all(refusal["Reason"] for refusal in outputs["Refused"])
    failed = Execution.objects.filter(parent=execution, status=Status.ERROR)
    assert failed.count() == len(outputs["Refused"]) > 0
    assert outputs["Revenue"] == pytest.approx(sum(row["Total"] for row in outputs["Accepted"]))


def test_the_products_own_addresses_are_checked(live_app: LiveApp) -> None:
    urls = [f"{live_app.url}/healthz", f"{live_app.url}/nothing", "http://127.0.0.1:9/"]
    execution, outputs = run("check-urls", Urls=urls)
    assert execution.status == Status.ENDED
    results = {row["Url"]: row["Up"] for row in outputs["Results"]}
    assert results == {urls[0]: True, urls[1]: results[urls[1]], urls[2]: False}
    assert outputs["Down"] == sum(not up for up in results.values())


def test_a_token_reaches_the_addresses_and_is_shown_to_nobody() -> None:
    heard: list[str] = []

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.headers.get("Authorization", ""))
            # It repeats the token where no web server should.
            self.send_response(401, heard[-1])
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/"
        execution, _ = run("check-urls", Urls=[url], Token=SECRET)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert heard == [f"Bearer {SECRET}"]
    assert execution.status == Status.ENDED
    assert "401 Bearer ••••••" in execution.outputs["Results"][0]["Answer"]
    assert where(SECRET) == []


def test_the_tour_visits_every_room() -> None:
    execution, outputs = run("nightly-tour", Sites=["Mill", "Harbour"], Rooms=2, Pace=0)
    assert execution.status == Status.ENDED
    assert isinstance(outputs["Findings"], list)
    visits = execution.steps.filter(block="visit/look/begin").count()
    assert visits == 4


def test_the_approval_asks_reminds_and_goes_on() -> None:
    ann = person("ann", "approvers")
    version = queries.latest_published("approve-invoice")
    assert version is not None
    inputs = {"Approvers": "approvers", "ReminderMinutes": 0}
    execution = start(version, inputs, ACTOR, Execution.Trigger.COMMAND_LINE)
    runner.run(execution.pk)
    question_alerts.send_due()
    question_alerts.send_due()
    told = Delivery.objects.filter(user=ann, via="here").order_by("created_at", "id")
    question = "Pay invoice R-2041 of Lamp Works?"
    assert [one.message["title"] for one in told] == [question, f"Reminder: {question}"]
    answer(question_of(execution), ann, Approved=True, Comment="Pay it on Friday")
    outputs = values.decode(drive(execution.pk).outputs)
    assert outputs == {"Decision": "approved", "DecidedBy": "ann", "Comment": "Pay it on Friday"}
    entry = LogEntry.objects.get(execution=execution)
    assert values.decode(entry.details) == {
        "Invoice": "R-2041",
        "Decision": "approved",
        "By": "ann",
    }


@pytest.mark.parametrize(
    ("inputs", "decision"), [({"Limit": 2000}, "approved"), ({"DueMinutes": 0}, "too late")]
)
def test_the_approval_decides_without_anybody(inputs: dict[str, Any], decision: str) -> None:
    execution, outputs = run("approve-invoice", **inputs)
    assert (execution.status, outputs["Decision"]) == (Status.ENDED, decision)


def test_a_refusal_is_a_decision() -> None:
    bob = person("bob")
    version = queries.latest_published("approve-invoice")
    assert version is not None
    execution = start(version, {"Approver": "bob"}, ACTOR, Execution.Trigger.COMMAND_LINE)
    runner.run(execution.pk)
    answer(question_of(execution), bob, Approved=False)
    outputs = values.decode(drive(execution.pk).outputs)
    assert outputs == {"Decision": "refused", "DecidedBy": "bob", "Comment": None}


def test_a_folder_of_xml_becomes_json_with_a_summary() -> None:
    """The one file that is no XML is told in the summary, and the others are converted."""
    execution, outputs = run("xml-to-json")
    assert execution.status == Status.ENDED
    folder = Path(settings.FILES_ROOT) / "orders-json"
    order = json.loads((folder / "order-1001.json").read_text())["order"]
    assert order["customer"] == "Harbour Café"
    assert [line["@sku"] for line in order["line"]] == ["BEAN-1", "CUP-6"]
    other = json.loads((folder / "order-1002.json").read_text())["order"]
    assert other["customer"] == "Müller & Söhne"
    assert sorted(path.name for path in folder.iterdir()) == [
        "order-1001.json",
        "order-1002.json",
        "summary.csv",
    ]
    with (folder / "summary.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["Converted"] for row in rows] == ["true", "true", "false"]
    assert "not XML" in rows[2]["Problem"]
    assert outputs["Converted"] == 2
    assert [row["File"] for row in outputs["Summary"]] == [row["File"] for row in rows]


def test_a_folder_of_xml_that_is_missing_is_an_error() -> None:
    execution, _ = run("xml-to-json", SourceFolder="missing")
    thrown = ExceptionRecord.objects.get(execution=execution)
    assert thrown.type.endswith(".OperationFailedException")
    assert "There is no such folder." in str(thrown.data)


def test_invoices_are_reconciled_and_the_report_is_mailed() -> None:
    inputs: dict[str, Any] = {"ReportPath": "reports/open.md", "Recipient": "ann@example.com"}
    with mail_receiver(login=True) as mails:
        mail = {"MailHost": "127.0.0.1", "MailPort": mails.port, "MailEncrypted": False}
        sign_in = {"MailUser": USER, "MailPassword": PASSWORD}
        execution, outputs = run("reconcile-invoices", **inputs, **mail, **sign_in)
    assert execution.status == Status.ENDED
    assert [row["Number"] for row in outputs["Paid"]] == ["R-2041", "R-2045"]
    assert [row["Number"] for row in outputs["Different"]] == ["R-2043"]
    assert [row["Number"] for row in outputs["Open"]] == ["R-2042", "R-2044"]
    assert "2 of 5 invoices are paid." in outputs["Report"]
    assert "- R-2042 of Fisher, Ann: 99.90" in outputs["Report"]
    (message,) = mails.mails
    assert mails.recipients == [["ann@example.com"]]
    assert message["Subject"] == "Invoices: 2 open, 1 with another amount"
    assert (
        message.get_body().get_content().replace("\r\n", "\n").strip() == outputs["Report"].strip()
    )
    (attachment,) = message.iter_attachments()
    assert attachment.get_filename() == "open.md"
    assert not where(PASSWORD)


def test_without_a_mail_server_the_report_is_written() -> None:
    execution, outputs = run("reconcile-invoices", ReportPath="reports/quiet.md")
    assert execution.status == Status.ENDED
    assert (settings.FILES_ROOT / "reports" / "quiet.md").read_text() == outputs["Report"]
