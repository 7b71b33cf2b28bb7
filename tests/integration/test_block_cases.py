"""Cases of single blocks through the whole product: a flow file, a published version, a start by
command, a run, what came of it."""

import io
import json
import os
import shutil
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import transaction

from executions import runner
from executions.completion import wake_ready
from executions.models import (
    ExceptionRecord,
    Execution,
    LogEntry,
    Signal,
    Step,
    StorageCollection,
)
from executions.states import Reason, Status
from executions.store.lifecycle import data_storage, flow_signals, shared_values
from executions.store.lifecycle.shared_values import Giver
from flows import queries, values
from flows.blocks import ALL
from flows.blocks.base import Block
from flows.blocks.scopes import scope_of
from flows.blocks.shared_data import (
    CollectionName,
    CreateCollection,
    DeleteCollection,
    DeleteItem,
    SendSignal,
    WriteItem,
)
from tests.block_cases import (
    CASES,
    GOLDEN_CASES,
    Builder,
    Case,
    agrees,
    block_of,
    fits,
    has,
    plain,
    runs_in_memory,
    shown,
    variable,
)
from tests.driving import drive
from tests.people import answer, person, question_of
from tests.quick_yaml import write_yaml
from tests.receivers import Mailboxes, MailReceiver, mail_receiver, mailboxes
from tests.servers import Process
from tests.ssh_server import SshHost, ssh_host

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]

#: One of each kind that needs no scheduler: a loop, a handler, a child, tasks.
IN_WORKERS = [
    case
    for case in CASES
    if case["id"]
    in (
        "loops.for-loop.E3",
        "exceptions.handle-block-exception-matching-type-name.E3",
        "flows.run-flow.E3",
        "tasks.wait-for-task.E2",
        "tasks.cancel-all-tasks.E1",
    )
]


def all_the_way(cases: list[Case]) -> list[Case]:
    """The cases that are taken from a file to the end of a run: those that need it, and of the
    others one in eight. tests/unit/test_cases_in_memory.py runs these in memory."""
    if os.environ.get("CORTEXWEB_ALL_CASES"):
        return cases
    return [
        case
        for case in cases
        if not runs_in_memory(case) or zlib.crc32(case["id"].encode()) % 8 == 0
    ]


class Answers(BaseHTTPRequestHandler):
    """Answers every request with what the case says."""

    status, body, type = 200, "", ""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(self.status)
        if self.type:
            self.send_header("Content-Type", self.type)
        self.end_headers()
        self.wfile.write(self.body.encode())

    do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_GET

    def log_message(self, *_: Any) -> None:
        """Nothing: the output belongs to the tests."""


#: Where a test finds what its mail server has received.
RECEIVER = pytest.StashKey[MailReceiver]()


@pytest.fixture(scope="module")
def boxes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailboxes]:
    with mailboxes(tmp_path_factory.mktemp("imap") / "log") as served:
        yield served


@pytest.fixture(scope="module")
def host() -> Iterator[SshHost]:
    with ssh_host() as served:
        yield served


@pytest.fixture
def surroundings(case: Case, request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The files and the servers of a case; what stands for them in its inputs."""
    setup = case.get("setup", {})
    if block_of(case).palette == "People":
        person("ann")
        person("bob", "approvers")
    shutil.rmtree(settings.FILES_ROOT, ignore_errors=True)
    for path, content in setup.get("fs", {}).items():
        file = settings.FILES_ROOT / path
        if content is None or path.endswith("/"):
            file.mkdir(parents=True, exist_ok=True)
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode())
    with transaction.atomic():
        store(case, setup.get("storage", {}))
        send(setup.get("signals", []))
    with ExitStack() as stack:
        known: dict[str, str] = {}
        if "postgresql" in setup:
            known["{postgresql}"] = request.getfixturevalue("postgresql_url")
        if "http" in setup:
            known["{server}"] = stack.enter_context(answering(setup["http"]))
        if "smtp" in setup:
            receiver = stack.enter_context(mail_receiver(login=True))
            receiver.refuse = lambda address: setup["smtp"].get(address, "")
            known['"{smtp}"'] = str(receiver.port)
            request.node.stash[RECEIVER] = receiver
        if "ssh" in setup:
            host = request.getfixturevalue("host")
            known['"{ssh}"'] = str(host.port)
            for file in settings.FILES_ROOT.glob("keys/*"):
                file.write_bytes(host.user_key.export_private_key())
        if "imap" in setup:
            boxes = request.getfixturevalue("boxes")
            known['"{imap}"'] = str(boxes.port)
            for number, uid in enumerate(boxes.fill(setup["imap"])):
                known[f'"{{uid{number}}}"'] = str(uid)
        yield known


@contextmanager
def answering(answers: dict[str, Any]) -> Iterator[str]:
    """The address of a server that gives these answers."""
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Answer", (Answers,), answers)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def start(case: Case, folder: Path, *, written: bool = False) -> Execution:
    """Write the case's flows to files, publish them, and start it as the command line does."""
    built = Builder(case, written=written).build()
    for document in (*built.others, built.document):
        text = write_yaml(document)
        (folder / f"{document['flow']}.yaml").write_text(text)
    call_command("import_flows", str(folder), publish=True, verbosity=0)
    inputs = [f"{name}={json.dumps(values.encode(value))}" for name, value in built.inputs.items()]
    said = io.StringIO()
    given = [f"--input={text}" for text in inputs]
    call_command("start_flow", "case", *given, "--json", stdout=said)
    return Execution.objects.get(pk=json.loads(said.getvalue())["id"])


def store(case: Case, collections: Case) -> None:
    """Put what a case says into Data Storage, in the scope of its block."""
    for name, items in collections.items():
        collection = CollectionName(scope_of(scope_in(case), "case", "Scope"), name)
        data_storage.perform(CreateCollection(collection), Giver("tests"))
        for key, value in items.items():
            data_storage.perform(WriteItem(collection, key, plain(value)), Giver("tests"))
    wake_ready()


def scope_in(case: Case) -> Case:
    """The scope that a case gives, unless it is one that there cannot be."""
    given = case["inputs"].get("Collection Scope") or {}
    return {level: option for level, option in given.items() if option in ("Current", "All")}


def stored() -> Case:
    """What is in Data Storage, whatever the scope."""
    return {
        row.name: {item.key: shared_values.of_row(item).value for item in row.items.all()}
        for row in StorageCollection.objects.all()
    }


def send(signals: list[list[Any]]) -> None:
    """Send signals: their name, key and payload."""
    for name, key, payload in signals:
        flow_signals.send(SendSignal(name, key, plain(payload)), Giver("tests"))
    wake_ready()


def remove(case: Case, keys: Case) -> None:
    """Delete keys from Data Storage, or, where there is none, a collection."""
    for name, key in keys.items():
        collection = CollectionName(scope_of(scope_in(case), "case", "Scope"), name)
        request = DeleteItem(collection, key) if key else DeleteCollection(collection)
        data_storage.perform(request, Giver("tests"))
    wake_ready()


def run(case: Case, execution: Execution) -> Execution:
    """Run an execution of a case to its end, with what happens meanwhile."""
    waits = case.get("outputs", {}).get("waited")
    if waits is not None or "during" in case:
        # One turn is enough, unless it parks.
        runner.run(execution.pk)
        execution.refresh_from_db()
    if waits is False:
        return execution
    if during := case.get("during"):
        assert execution.reason in (Reason.STORAGE, Reason.SIGNAL)
        with transaction.atomic():
            store(case, during.get("write", {}))
            remove(case, during.get("delete", {}))
            send(during.get("signals", []))
    return drive(execution.pk)


def check(case: Case, execution: Execution) -> None:
    """Hold a finished execution against its case."""
    assert execution.status == Status.ENDED
    outputs = shown(values.decode(execution.outputs))
    visits = list(
        Step.objects.filter(execution=execution, block__regex="(^|/)x$").order_by("number")
    )
    thrown = ExceptionRecord.objects.filter(execution=execution, block__regex="(^|/)x$")
    if "throws" in case:
        (record,) = thrown
        assert record.type.rpartition(".")[2] == case["throws"]
        found = shown(values.decode(record.data))
        assert fits(case.get("exception", {}), found), found
        for name in case.get("unchanged", []):
            assert outputs[variable(name)] == "untouched"
        check_files(case, case.get("fs_after", {}), "subset")
        return
    assert not thrown
    expected = dict(case["outputs"])
    expected.pop("waited", None)
    if "iterations" in expected:
        check_loop(expected["iterations"], outputs, visits)
        return
    (visit,) = visits
    if "port" in expected:
        port = expected.pop("port")
        red = case["block"].startswith("Handle") and port == "right"
        assert visit.port == ("exception" if red else port)
    if "next_block" in expected:
        following = Step.objects.get(execution=execution, number=visit.number + 1)
        node = queries.compiled(execution.version_id).blocks[following.block]
        assert node.description == expected.pop("next_block")
    if "$log" in expected:
        assert fits(expected.pop("$log"), logged(execution))
    if "$storage" in expected:
        assert stored() == plain(expected.pop("$storage"))
    if "$signals" in expected:
        left = Signal.objects.order_by("id").values_list("name", "key", "value")
        assert [list(signal) for signal in left] == expected.pop("$signals")
    if "$fs" in expected:
        check_files(case, expected.pop("$fs"), case.get("compare_fs", ""))
    for name, form in expected.items():
        value = plain(form)
        tasks = name in ("Execution Task", "Task", "Tasks")
        found = outputs["Seen" if tasks else variable(name)]
        assert agrees(value, found, case.get("compare", "")), found
    assert not [path for path in case.get("absent", []) if has(outputs, path)]
    for value in case.get("after_child", {}).values():
        assert fits(value, outputs["Later"])


def check_files(case: Case, expected: Case, how: str) -> None:
    """Hold the files folder against a case: `subset` may have more, `lines` compares by lines."""
    found: Case = {}
    for path in sorted(settings.FILES_ROOT.rglob("*")):
        name = str(path.relative_to(settings.FILES_ROOT))
        if path.is_dir():
            found[f"{name}/"] = None
        else:
            found[name] = path.read_bytes().decode()
    if how == "lines":
        found = {name: text and text.splitlines() for name, text in found.items()}
        expected = {name: text and text.splitlines() for name, text in expected.items()}
    assert expected.items() <= found.items()
    if how != "subset":
        # Folders around what is named need no mention.
        given = case["inputs"].values()
        paths = [
            item for value in given for item in (value if isinstance(value, list) else [value])
        ]
        named = [*expected, *filter(None, map(str, paths))]
        around = {f"{parent}/" for name in named for parent in Path(name).parents}
        assert found.keys() <= expected.keys() | around


def logged(execution: Execution) -> Case:
    """The one entry of an execution's log, as cases write it."""
    entry = LogEntry.objects.get(execution=execution)
    event = {"Type": entry.event_type, "Details": values.decode(entry.details)}
    times = {"StartedAt": entry.event_started_at, "EndedAt": entry.event_ended_at}
    if entry.event_started_at and entry.event_ended_at:
        took = (entry.event_ended_at - entry.event_started_at).total_seconds()
        event["Duration"] = {"InSeconds": int(took)}
    return {"severity": entry.severity, "Event": event, **times}


def check_loop(iterations: list[Case], outputs: Case, visits: list[Step]) -> None:
    """The body saw what each visit but the last saved."""
    assert [visit.port for visit in visits] == [item["port"] for item in iterations]
    (name,) = set(iterations[0]) - {"port"}
    *seen, last = [item[name] for item in iterations]
    assert (outputs["Seen"], outputs[variable(name)]) == (seen, last)


@pytest.mark.usefixtures("surroundings")
@pytest.mark.parametrize("case", all_the_way(CASES), ids=lambda case: case["id"])
def test_a_case(case: Case, tmp_path: Path) -> None:
    """Every second one has its values written in the flow, the others get them at the start."""
    written = bool(zlib.crc32(case["id"].encode()) // 8 % 2)
    check(case, run(case, start(case, tmp_path, written=written)))


@pytest.mark.parametrize("case", all_the_way(GOLDEN_CASES), ids=lambda case: case["id"])
def test_a_golden_case(
    case: Case, tmp_path: Path, surroundings: dict[str, str], request: pytest.FixtureRequest
) -> None:
    text = json.dumps(case)
    for placeholder, value in surroundings.items():
        text = text.replace(placeholder, value)
    case = json.loads(text)
    execution = start(json.loads(text), tmp_path)
    if given := case.get("setup", {}).get("answer"):
        runner.run(execution.pk)
        answer(question_of(execution), person(given["by"]), **plain(given["answers"]))
    execution = run(json.loads(text), execution)
    if "$mail" in case.get("outputs", {}):
        found = [*map(told, request.node.stash[RECEIVER].mails)]
        assert agrees(case["outputs"].pop("$mail"), found, "subset"), found
    check(case, execution)


HEADERS = ("From", "To", "Cc", "Subject", "Priority")


def told(mail: EmailMessage) -> Case:
    """A message that was sent, as cases write it."""
    body = mail.get_body(("html", "plain"))
    assert body is not None
    return {
        **{name: mail[name] and str(mail[name]) for name in HEADERS},
        "Type": body.get_content_type(),
        "Body": body.get_content().replace("\r\n", "\n").removesuffix("\n"),
        "Attachments": {
            a.get_filename(): str(a.get_content()).replace("\r\n", "\n")
            for a in mail.iter_attachments()
        },
    }


@pytest.mark.parametrize("block", ALL, ids=lambda block: block.type)
def test_every_block_has_a_golden_case(block: Block) -> None:
    """And one that docs/blocks.md shows: a case with a title."""
    found = [case for case in GOLDEN_CASES if case["block"] == block.type]
    assert any("title" in case for case in found), (
        f"add {block.type} to examples.yaml of its palette"
    )


def test_every_golden_case_is_of_a_block_and_has_an_id_of_its_own() -> None:
    ids = [case["id"] for case in GOLDEN_CASES]
    assert len(ids) == len(set(ids))
    assert {case["block"] for case in GOLDEN_CASES} <= {block.type for block in ALL}


@pytest.mark.parametrize("case", IN_WORKERS, ids=lambda case: case["id"])
def test_a_case_in_a_worker(case: Case, worker: Process, tmp_path: Path) -> None:
    """The message of the start reaches a Celery worker, which runs it."""
    execution = start(case, tmp_path)
    deadline = time.monotonic() + 30
    while not Status(execution.status).is_terminal:
        assert time.monotonic() < deadline, execution.status
        time.sleep(0.05)
        execution.refresh_from_db()
    check(case, execution)
