"""One file adds a command: pages, jobs, the audit, help and docs take what it declares."""

import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.template.loader import render_to_string

from executions.bulk.run import run
from executions.commands import lifecycle, registry
from executions.commands.command import Command
from executions.commands.reference import markdown
from executions.models import AuditEntry, BulkJob, Execution
from executions.states import Status
from flows.models import FlowVersion
from tests.executions_in_tests import make_execution
from tests.flows_in_tests import publish
from tests.integration.test_execution_page import client_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]

GUIDE = settings.BASE_DIR / "CONTRIBUTING.md"
FLOW = """
a: {type: Start Flow, bottom: e}
e: {type: End Flow}
"""


def sample() -> str:
    """The file of the guide."""
    walk = GUIDE.read_text().partition("## Add a command")[2]
    source = re.search(r"^ *```python\n(.*?)^ *```", walk, re.DOTALL | re.MULTILINE)
    assert source
    return dedent(source[1])


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command of the guide, in a file of its own beside the others."""
    (tmp_path / "stop_children.py").write_text(sample())
    monkeypatch.setattr(lifecycle, "__path__", [*lifecycle.__path__, str(tmp_path)])
    found = registry.find()["stop-children"]
    monkeypatch.setitem(registry.COMMANDS, found.name, found)
    return found


@pytest.fixture
def boss() -> User:
    return User.objects.create_superuser("boss")


@pytest.fixture
def flow(tmp_path: Path) -> FlowVersion:
    return publish(tmp_path, "simple", FLOW)


def family(user: User, version: FlowVersion) -> tuple[Execution, Execution]:
    parent = make_execution(user, "simple", version=version, status=Status.RUNNING, block="a")
    child = make_execution(user, "simple", version=version, status=Status.RUNNING, parent=parent)
    return parent, child


def post(user: User, execution: Execution) -> AuditEntry:
    fields = {"id": str(execution.pk), "form": ""}
    assert client_of(user).post("/executions/commands/stop-children/", fields).status_code == 302
    entry = AuditEntry.objects.filter(execution=execution).order_by("-id").first()
    assert entry
    return entry


def test_the_file_of_the_guide_has_no_fault_that_the_linter_finds() -> None:
    name = "executions/commands/lifecycle/stop_children.py"
    for how in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *how, "--stdin-filename", name, "-"],
            input=sample(),
            cwd=settings.BASE_DIR,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_toolbar_the_keys_and_the_help_show_it(
    command: Command, boss: User, flow: FlowVersion
) -> None:
    parent, _ = family(boss, flow)
    page = client_of(boss).get(parent.get_absolute_url()).content.decode()
    button = re.search(r'<button[^>]*id="do-stop-children"[^>]*>', page)
    assert button
    assert 'data-hotkey="k"' in button[0]
    assert "Stop children (k)" in button[0]
    keys = render_to_string("partials/shortcut_list.html")
    assert '<dt data-detail="k"><kbd>k</kbd></dt>' in keys
    assert f"## Stop children\n\n{command.summary}\n" in markdown()


def test_it_is_executed_refused_and_audited(
    command: Command, boss: User, flow: FlowVersion
) -> None:
    parent, child = family(boss, flow)
    entry = post(boss, parent)
    assert (entry.command, entry.outcome, entry.detail) == ("stop-children", "done", "1 stopped")
    child.refresh_from_db()
    assert child.status == Status.STOPPED
    assert post(boss, child).detail == "It is already Stopped."
    other = User.objects.create_user("eve")
    assert client_of(other).get(parent.get_absolute_url()).status_code == 404
    audit = client_of(boss).get(f"{parent.get_absolute_url()}?tab=audit").content.decode()
    assert "<td>Stop children</td>" in audit


def test_the_grid_offers_it_for_many(command: Command, boss: User, flow: FlowVersion) -> None:
    families = [family(boss, flow) for _ in range(3)]
    grid = client_of(boss).get("/").content.decode()
    assert 'data-command="stop-children"' in grid
    address = "/executions/all/stop-children/"
    assert "Stop children all that match" in client_of(boss).get(address).content.decode()
    client_of(boss).post(address, {"form": ""})
    job = BulkJob.objects.get()
    run(job.pk, "worker")
    job.refresh_from_db()
    assert (job.status, job.done) == (BulkJob.Status.DONE, 3)
    assert {Execution.objects.get(pk=child.pk).status for _, child in families} == {Status.STOPPED}
    page = client_of(boss).get(job.get_absolute_url()).content.decode()
    assert command.past in page
