"""Schedules in flow files and in the HTTP API."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from executions.models import AuditEntry, Execution, Schedule, SchedulePause
from flows.files import parse
from flows.models import Flow, FlowVersion, Grant
from flows.roles import Role
from tests.flows_in_tests import publish
from tests.integration.test_flow_import import confirm, look
from tests.integration.test_schedules import ECHO
from tests.schedules_in_tests import make_schedule, scheduler

pytestmark = pytest.mark.django_db
FILE = """
flow: nightly
variables:
  N: {input: true, type: Integer}
blocks:
  a: {type: Start Flow, bottom: e}
  e: {type: End Flow}
schedules:
  Every night:
    cron: 0 2 * * *
    zone: Europe/Stockholm
    excluded_days: ["2026-12-24"]
    inputs: {N: =1 + 1}
"""


def imported(path: Path, text: str, *options: str) -> str:
    path.write_text(text)
    out = StringIO()
    call_command("import_flows", str(path), "--publish", *options, stdout=out, stderr=out)
    return out.getvalue()


def test_a_file_carries_schedules(tmp_path: Path) -> None:
    sam, path = scheduler(), tmp_path / "nightly.yaml"
    assert "The schedule Every night is made." in imported(path, FILE, "--owner", "sam")
    schedule = Schedule.objects.get()
    assert (schedule.owner, schedule.inputs, schedule.is_on) == (sam, {"N": "=1 + 1"}, True)
    assert schedule.next_at is not None
    assert "schedule" not in imported(path, FILE, "--owner", "sam")
    changed = FILE.replace("0 2 * * *", "0 3 * * *")
    assert "is changed" in imported(path, changed)
    assert FlowVersion.objects.count() == 1
    assert AuditEntry.objects.get(command="change-schedule").after["cron"] == "0 3 * * *"
    out = StringIO()
    call_command("export_flow", "nightly", stdout=out)
    carried = parse(out.getvalue()).schedules["Every night"]
    assert carried == yaml.safe_load(changed)["schedules"]["Every night"]


def test_without_an_owner_new_schedules_are_off(tmp_path: Path) -> None:
    assert "is off" in imported(tmp_path / "nightly.yaml", FILE)
    assert not Schedule.objects.get().is_on


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("0 2 * * *", "61 2 * * *", "“61” is no minute."),
        ("Europe/Stockholm", "Mars", "There is no such time zone."),
        ("=1 + 1", "x", "The value is a Text"),
        ("cron:", "corn:", "corn"),
    ],
)
def test_a_bad_schedule_fails_its_flow(tmp_path: Path, old: str, new: str, told: str) -> None:
    path = tmp_path / "nightly.yaml"
    path.write_text(FILE.replace(old, new))
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("import_flows", str(path), "--publish", stdout=out, stderr=out)
    assert told in out.getvalue()
    assert not Schedule.objects.exists()
    assert not FlowVersion.objects.exists()


def test_the_api(client: Client, tmp_path: Path) -> None:
    publish(tmp_path, "echo", ECHO, "{N: {input: true, type: Integer}}")
    client.force_login(scheduler())

    def ask(method: str, address: str = "", body: Any = None, status: int = 200) -> Any:
        call = getattr(client, method)
        answer = call(f"/api/v1/schedules{address}", body, content_type="application/json")
        assert answer.status_code == status, answer.content
        return answer.json() if answer.content else None

    given = {"flow": "echo", "name": "Hourly", "cron": "0 * * * *", "inputs": {"N": 1}}
    made = ask("post", "", given, 201)
    own = f"/{made['id']}"
    assert (made["is_on"], made["owner"]) == (True, "sam")
    ask("post", "", given, 409)
    wrong = ask("post", "", given | {"name": "x", "cron": "99 * * * *"}, 422)
    assert "“99” is no minute." in str(wrong["messages"])
    assert ask("put", own, given | {"cron": "@daily"})["document"]["cron"] == "@daily"
    ask("put", own, given | {"revision": 1}, 409)
    assert ask("post", f"{own}/disable")["is_on"] is False
    assert ask("post", f"{own}/enable")["is_on"] is True
    assert ask("post", f"{own}/run")["outcome"] == "started"
    assert len(ask("get", f"{own}/runs")["items"]) == Execution.objects.count() == 1
    assert [one["name"] for one in ask("get")["items"]] == ["Hourly"]
    ask("post", "/pause", status=204)
    assert SchedulePause.objects.get().is_paused
    ask("post", "/resume", status=204)
    ask("delete", own, status=204)
    assert not Schedule.objects.exists()


def test_the_api_shows_nothing_to_who_may_not(client: Client, tmp_path: Path) -> None:
    flow = publish(tmp_path, "echo", ECHO).flow
    schedule = make_schedule(flow, scheduler("owner"))
    client.force_login(scheduler("eve"))
    scheduler("eve").user_permissions.clear()
    assert client.get("/api/v1/schedules").json()["items"] == []
    for method, end in (("get", ""), ("delete", ""), ("post", "/run"), ("post", "/disable")):
        answer = getattr(client, method)(f"/api/v1/schedules/{schedule.pk}{end}")
        assert answer.status_code == 404
    assert client.post("/api/v1/schedules/pause").status_code == 403


def author(flow: Flow | None = None, role: Role = Role.AUTHOR) -> Client:
    """A browser and program of somebody with a role."""
    user = User.objects.create_user(f"{role.name} {flow}")
    Grant.objects.create(user=user, flow=flow, role=role)
    client = Client()
    client.force_login(user)
    return client


def put(client: Client, text: str, status: int = 200) -> Any:
    answer = client.post(
        "/api/v1/flows?publish=true", text.encode(), content_type="application/yaml"
    )
    assert answer.status_code == status, answer.content
    return answer.json()


def test_the_api_takes_schedules_in_and_gives_them_out() -> None:
    administrator = author(role=Role.ADMINISTER)
    assert put(administrator, FILE)["schedules"] == ["The schedule Every night is made."]
    schedule = Schedule.objects.select_related("owner").get()
    assert (str(schedule.owner), schedule.is_on) == ("ADMINISTER None", True)
    assert AuditEntry.objects.get(command="make-schedule").source == "api"
    assert put(administrator, FILE)["schedules"] == []
    text = administrator.get("/api/v1/flows/nightly/file").content.decode()
    assert parse(text).schedules == parse(FILE).schedules
    bare = administrator.get("/api/v1/flows/nightly/file?schedules=false").content.decode()
    assert not parse(bare).schedules
    exported = administrator.get("/api/v1/schedules/export").json()
    assert exported == {"nightly": parse(FILE).schedules}
    assert administrator.get("/api/v1/schedules/export?flow=nightly").json() == exported
    bad = put(administrator, FILE.replace("0 2 * * *", "61 2 * * *"), 400)
    assert "“61” is no minute." in str(bad["messages"])
    other = author()
    Grant.objects.filter(role=Role.AUTHOR).delete()
    assert other.get("/api/v1/schedules/export").json() == {}
    assert other.get("/api/v1/schedules/export?flow=nightly").status_code == 404


def test_schedules_of_a_file_take_the_right_to_change_them() -> None:
    put(author(role=Role.ADMINISTER), FILE)
    flow = Flow.objects.get()
    writer = author(flow)
    # What is as it was takes no right.
    assert put(writer, FILE)["changed"] is False
    changed = FILE.replace("0 2 * * *", "0 3 * * *").replace(
        "End Flow}", "End Flow, description: x}"
    )
    assert "may not change schedules" in put(writer, changed, 403)["detail"]
    assert FlowVersion.objects.count() == 1
    assert Schedule.objects.get().cron == "0 2 * * *"
    refused = AuditEntry.objects.filter(command="import-flow").order_by("-at", "-pk")[0]
    assert "may not change schedules" in refused.detail


def test_the_page_says_what_becomes_of_schedules() -> None:
    administrator = author(role=Role.ADMINISTER)
    seen = look(administrator, nightly=FILE)
    assert "The schedule Every night is made." in seen
    assert not Schedule.objects.exists()
    assert "The schedule Every night is made." in confirm(administrator, seen)
    assert Schedule.objects.get().is_on
    changed = FILE.replace("0 2 * * *", "0 3 * * *")
    seen = look(administrator, nightly=changed)
    assert "The schedule Every night is changed." in seen
    confirm(administrator, seen)
    assert Schedule.objects.get().cron == "0 3 * * *"
    assert "is as it was" in look(administrator, nightly=changed)
    assert "is no minute" in look(administrator, nightly=FILE.replace("0 2 * *", "61 2 * *"))
    assert "may not change schedules" in look(author(Flow.objects.get()), nightly=FILE)
    Schedule.objects.all().delete()
    assert ">Export<" in administrator.get("/flows/nightly/").content.decode()
