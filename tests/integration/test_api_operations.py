"""What the operations of the API do and show, and to whom."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from executions.commands.command import Bulk
from executions.commands.registry import COMMANDS
from executions.failures.commands.registry import COMMANDS as FAILURE_COMMANDS
from executions.models import AlertChannel, AuditEntry, BulkJob, Execution, FailureGroup
from executions.states import Status
from flows.files import dump_yaml
from flows.models import Flow, FlowVersion, Grant
from flows.queries import document
from flows.roles import Role
from tests.driving import begin, drive
from tests.executions_in_tests import make_execution
from tests.flows_in_tests import SQUARE, SQUARE_VARIABLES, WAIT, WAIT_VARIABLES, publish

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]

V1 = "/api/v1"


class Program:
    """A program that uses the API as somebody."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.client = Client()
        self.client.force_login(user)

    def get(self, address: str, status: int = 200) -> Any:
        response = self.client.get(f"{V1}{address}")
        assert response.status_code == status, response.content
        return response.json()

    def send(self, address: str, body: Any = None, status: int = 200, method: str = "post") -> Any:
        ask = getattr(self.client, method)
        response = ask(f"{V1}{address}", body or {}, content_type="application/json")
        assert response.status_code == status, response.content
        return response.json() if response.content else None


def program(role: Role | None, flow: str = "") -> Program:
    """Somebody with a role, on one flow or on all of them."""
    user = User.objects.create_user(f"with role {role}")
    if role is not None:
        Grant.objects.create(
            user=user, role=role, flow=Flow.objects.get(name=flow) if flow else None
        )
    return Program(user)


@pytest.fixture
def square(tmp_path: Path) -> FlowVersion:
    return publish(tmp_path, "square", SQUARE, SQUARE_VARIABLES)


@pytest.fixture
def nap(tmp_path: Path) -> FlowVersion:
    return publish(tmp_path, "nap", WAIT, WAIT_VARIABLES)


@pytest.fixture
def admin(admin_user: User) -> Program:
    return Program(admin_user)


class TestDetails:
    def test_an_execution_that_has_ended(self, square: FlowVersion, admin: Program) -> None:
        execution = drive(begin(square, N=3).pk)
        at = f"/executions/{execution.pk}"
        assert admin.get(at)["outputs"] == {"Square": 9}
        steps = admin.get(f"{at}/steps")["items"]
        assert [one["number"] for one in steps] == list(range(1, len(steps) + 1))
        assert admin.get(f"{at}/tokens")["why"].startswith("Ended")
        assert admin.get(f"{at}/tokens?step=1")["tokens"][0]["block"] == "if"
        then = admin.get(f"{at}/variables?step=1")["items"]
        assert {one["name"]: one["value"] for one in then}["N"] == 3
        assert admin.get(f"{at}/variables/out:Square") == {
            "path": "out:Square",
            "type": "Integer",
            "value": 9,
        }
        assert admin.get(f"{at}/variables/0:Cube", 404)["status"] == 404
        changed = admin.get(f"{at}/differences?first=1")["items"]
        assert [(one["name"], one["after"]) for one in changed] == [("Square", "9")]
        assert admin.get(f"{at}/tree")["items"][0]["id"] == str(execution.pk)
        assert [one["command"] for one in admin.get(f"{at}/audit")["items"]] == ["start"]
        other = drive(begin(square, N=4).pk)
        compared = admin.get(f"{at}/differences?other={other.pk}")["items"]
        assert {one["name"]: (one["before"], one["after"]) for one in compared}["N"] == ("3", "4")

    def test_exceptions_and_logs(self, square: FlowVersion, admin: Program) -> None:
        execution = drive(begin(square, N=-1).pk)
        at = f"/executions/{execution.pk}"
        assert admin.get(f"{at}/exceptions")["items"][0]["message"] == "negative"
        assert admin.get(f"{at}/logs") == {"items": [], "older": None}
        assert admin.get("/logs")["items"] == []
        assert admin.get("/logs?severity=Loud", 400)["messages"]

    def test_values_in_both_forms(self, tmp_path: Path, admin: Program) -> None:
        variables = "{At: {input: true, type: Date Time, output: true}, Raw: {output: true}}"
        blocks = """
        a: {type: Start Flow, bottom: s}
        s: {type: Set Variable, properties: {Value: =duration("90s"), Variable: ($)Raw}, bottom: e}
        e: {type: End Flow}
        """
        publish(tmp_path, "moments", blocks, variables)
        start = "/flows/moments/executions?async=true"
        given = {"inputs": {"At": "2026-11-01T12:00:00Z"}}
        assert admin.send(start, given, 400)["messages"][0]["location"] == "Input At"
        started = admin.send(f"{start}&values=plain", given, 202)
        execution = drive(Execution.objects.get(pk=started["id"]).pk)
        typed = admin.get(f"/executions/{execution.pk}")["outputs"]
        assert typed["At"] == {"$datetime": "2026-11-01T12:00:00+00:00"}
        plain = admin.get(f"/executions/{execution.pk}?values=plain")["outputs"]
        assert plain["At"] == "2026-11-01T12:00:00+00:00"
        assert plain["Raw"] == "P0DT00H01M30S"

    def test_a_secret_is_masked(self, tmp_path: Path, admin: Program) -> None:
        variables = "{Key: {input: true, secret: true}, N: {input: true, default: 1}}"
        blocks = "{a: {type: Start Flow, bottom: e}, e: {type: End Flow}}"
        publish(tmp_path, "vault", blocks, variables)
        body = {"inputs": {"Key": "swordfish"}}
        started = admin.send("/flows/vault/executions?async=true", body, 202)
        execution = drive(Execution.objects.get(pk=started["id"]).pk)
        at = f"{V1}/executions/{execution.pk}"
        for part in ("", "/variables?step=0", "/variables/in:Key", "/steps", "?values=plain"):
            assert b"swordfish" not in admin.client.get(at + part).content

    def test_others_see_nothing(self, square: FlowVersion) -> None:
        execution = make_execution(None, flow="square")
        stranger = program(None)
        for part in (
            "",
            "/tree",
            "/tokens",
            "/variables",
            "/steps",
            "/exceptions",
            "/logs",
            "/audit",
        ):
            stranger.get(f"/executions/{execution.pk}{part}", 404)
        stranger.get(f"/executions/{execution.pk}/variables/in:N", 404)
        stranger.get(f"/executions/{execution.pk}/differences", 404)
        seer = program(Role.SEE, "square")
        seer.get(f"/executions/{execution.pk}/steps")
        seer.get(f"/executions/{make_execution(None, flow='orders').pk}/steps", 404)


class TestCommands:
    def test_every_command_has_an_operation(self, client: Client) -> None:
        paths = client.get("/api/openapi.json").json()["paths"]
        one, many = f"{V1}/executions/{{execution_id}}/commands/", f"{V1}/executions/commands/"
        assert {p.removeprefix(one) for p in paths if p.startswith(one)} == set(COMMANDS)
        bulk = {name for name, command in COMMANDS.items() if command.bulk is not Bulk.NO}
        assert {p.removeprefix(many).split("/")[0] for p in paths if p.startswith(many)} == bulk
        failures = f"{V1}/failures/{{group_id}}/commands/"
        found = {p.removeprefix(failures) for p in paths if p.startswith(failures)}
        assert found == set(FAILURE_COMMANDS)

    def test_on_one(self, square: FlowVersion, admin: Program) -> None:
        execution = begin(square, N=2)
        at = f"/executions/{execution.pk}/commands"
        assert admin.send(f"{at}/stop")["done"]
        refused = admin.send(f"{at}/pause", {"seen": "Running"}, 409)
        assert refused["detail"].startswith("It was Running when")
        again = admin.send(f"{at}/run-again", {"fields": {"input-N": 5}})
        assert drive(Execution.objects.get(pk=again["started"]).pk).outputs == {"Square": 25}
        assert {one.source for one in AuditEntry.objects.exclude(command="start")} == {"api"}

    def test_who_may(self, square: FlowVersion) -> None:
        execution = begin(square, N=2)
        at = f"/executions/{execution.pk}/commands"
        program(None).send(f"{at}/stop", status=404)
        seer = program(Role.SEE, "square")
        assert "not control" in seer.send(f"{at}/stop", status=403)["detail"]
        operator = program(Role.OPERATE, "square")
        operator.send(f"{at}/step", status=403)
        operator.send(f"{at}/pause")
        audited = AuditEntry.objects.filter(outcome=AuditEntry.Outcome.REFUSED)
        assert {one.command for one in audited} == {"stop", "step"}

    def test_a_few_at_once(self, square: FlowVersion, admin: Program) -> None:
        ids = [str(begin(square, N=n).pk) for n in range(3)]
        results = admin.send("/executions/commands/stop", {"ids": ids})["results"]
        assert [one["done"] for one in results] == [True] * 3
        assert set(Execution.objects.values_list("status", flat=True)) == {"Stopped"}
        admin.send("/executions/commands/stop", {}, 400)
        admin.send("/executions/commands/stop", {"ids": ids, "query": ""}, 400)
        admin.send("/executions/commands/run-again", {"query": ""}, 400)
        admin.send("/executions/commands/stop", {"query": "colour:red status:Sleeping"}, 400)

    def test_all_that_match(self, square: FlowVersion, admin: Program) -> None:
        for status in (Status.RUNNING, Status.RUNNING, Status.ENDED):
            make_execution(None, flow="square", status=status)
        preview = admin.get("/executions/commands/stop/preview?flow=square")
        assert (preview["expected"], preview["refused"]) == (2, 0)
        job = admin.send("/executions/commands/stop", {"query": "flow:square"}, 202)
        assert (job["command"], job["expected"]) == ("stop", 2)
        assert admin.get("/jobs")["items"][0]["id"] == job["id"]
        assert admin.send(f"/jobs/{job['id']}/suspend")["status"] == "suspended"
        assert admin.send(f"/jobs/{job['id']}/cancel")["status"] == "cancelled"
        admin.send(f"/jobs/{job['id']}/resume", status=409)
        assert admin.get(f"/jobs/{job['id']}/results")["items"] == []
        program(Role.ADMINISTER).get(f"/jobs/{job['id']}", 404)
        assert BulkJob.objects.get().user == admin.user


class TestFlows:
    def test_files_in_and_out(self, square: FlowVersion, admin: Program) -> None:
        text = admin.client.get(f"{V1}/flows/square/file").content.decode()
        assert text == dump_yaml(document(square))

        def put(content: str, query: str = "", status: int = 200, client: Any = None) -> Any:
            response = (client or admin.client).post(
                f"{V1}/flows{query}", content, content_type="application/yaml"
            )
            assert response.status_code == status, response.content
            return response.json()

        unchanged = {"flow": "square", "version": 1, "changed": False, "is_draft": False}
        assert put(text) == unchanged | {"schedules": []}
        other = text.replace("N * N", "N * N + 1")
        assert put(other)["is_draft"]
        assert admin.get("/flows/square")["draft"] == 2
        lines = admin.get("/flows/square/differences?before=1&after=2")["lines"]
        assert [one[0] for one in lines if "N * N" in one] == ["-", "+"]
        assert admin.send("/flows/square/publish")["number"] == 2
        admin.send("/flows/square/publish", status=409)
        assert [one["number"] for one in admin.get("/flows/square/versions")["items"]] == [2, 1]
        found = put("flow: [", status=400)
        assert found["messages"][0]["summary"].startswith("flow.yaml:")
        broken = "flow: cube\nblocks:\n  a: {type: Start Flow, bottom: s}\n"
        broken += "  s: {type: Set Variable, properties: {Value: 1, Variable: ($)Nowhere}}\n"
        assert put(broken, "?publish=true", 422)["messages"]
        assert not Flow.objects.filter(name="cube").exists()
        commands = AuditEntry.objects.filter(source="api").values_list("command", flat=True)
        assert sorted(commands) == ["import-flow", "publish-flow"]

        author = program(Role.AUTHOR, "square")
        assert put(text, client=author.client)["changed"]
        put(text.replace("flow: square", "flow: cube"), status=403, client=author.client)
        starter = program(Role.START, "square")
        put(text, status=403, client=starter.client)
        starter.get("/flows/square/file", 403)
        starter.send("/flows/square/publish", status=403)

    def test_lists(self, square: FlowVersion, nap: FlowVersion) -> None:
        starter = program(Role.START, "square")
        listed = starter.get("/flows")["items"]
        assert [(one["name"], one["published"], one["draft"]) for one in listed] == [
            ("square", 1, None)
        ]
        found = starter.get("/flows/square")
        assert [(one["name"], one["is_required"]) for one in found["inputs"]] == [("N", True)]
        assert found["may_start"]
        assert starter.get("/flows?q=cube")["items"] == []
        starter.get("/flows/nap", 404)


class TestFailures:
    def test_failures_and_their_commands(self, square: FlowVersion, admin: Program) -> None:
        failed = drive(begin(square, N=-1).pk)
        group = FailureGroup.objects.get()
        [shown] = admin.get("/failures")["items"]
        assert (shown["id"], shown["flow"], shown["owner"]) == (str(group.pk), "square", None)
        at = f"/failures/{group.pk}"
        taken = admin.send(f"{at}/commands/take")
        assert taken["failure"]["owner"] == admin.user.get_username()
        admin.send(f"{at}/commands/take", {"revision": shown["revision"]}, 409)
        admin.send(f"{at}/commands/comment", {"fields": {"text": "Looking."}})
        assert admin.get(f"{at}/activity")["items"][0]["text"] == "Looking."
        job = admin.send(f"{at}/retry", {"from_start": True}, 202)
        assert job["command"] == "retry"
        seer = program(Role.SEE, "square")
        seer.send(f"{at}/commands/resolve", status=403)
        seer.send(f"{at}/retry", status=403)
        program(None).get(at, 404)
        assert admin.get("/failures?state=closed", 400)
        assert failed.failure == group.pk


class TestAlerts:
    RULE = {
        "name": "Many fail",
        "kind": "failures",
        "users": ["admin"],
        "flow": "square",
        "zone": "UTC",
    }

    def test_rules(self, square: FlowVersion, admin: Program) -> None:
        kinds = admin.send("/alerts/rules", {**self.RULE, "kind": "moods"}, 400)["detail"]
        rule = {**self.RULE, "kind": kinds.removeprefix("The kinds of rules are ").split(", ")[0]}
        made = admin.send("/alerts/rules", rule)
        assert (made["name"], made["users"], made["revision"]) == ("Many fail", ["admin"], 1)
        at = f"/alerts/rules/{made['id']}"
        changed = {**rule, "name": "More fail", "revision": 1}
        assert admin.send(at, changed, method="put")["name"] == "More fail"
        admin.send(at, changed, 409, method="put")
        admin.send(at, {**changed, "quiet_from": "08:00", "revision": 2}, 400, method="put")
        admin.send("/alerts/rules", {**rule, "users": ["nobody"]}, 400)
        seer = program(Role.SEE)
        assert [one["name"] for one in seer.get("/alerts/rules")] == ["More fail"]
        seer.send(at, changed, 403, method="put")
        seer.send(at, status=403, method="delete")
        program(None).get("/alerts/rules", 403)
        assert admin.send(at, status=204, method="delete") is None
        assert admin.get("/alerts")["items"] == []

    def test_channels_and_deliveries(self, admin: Program) -> None:
        given = {"name": "Desk", "address": "https://user:secret@example.com/hook"}
        made = admin.send("/alerts/channels", given)
        assert made["leads_to"] == "https://example.com/…"
        assert made["secret"] == AlertChannel.objects.get().secret
        [listed] = admin.get("/alerts/channels")
        assert listed["secret"] is None
        at = f"/alerts/channels/{made['id']}"
        assert admin.send(f"{at}/secret")["secret"] != made["secret"]
        admin.send("/alerts/channels", {"name": "Desk", "address": "mailto:x"}, 400)
        admin.send(f"{at}/test", status=202)
        [delivery] = admin.get("/alerts/deliveries")["items"]
        assert admin.get(f"/alerts/deliveries/{delivery['id']}")["log"] == []
        program(Role.OPERATE).get("/alerts/channels", 403)
        program(Role.DEBUG).get("/alerts/deliveries", 403)
        admin.send(at, status=204, method="delete")
        commands = AuditEntry.objects.order_by("id").values_list("command", flat=True)
        assert list(commands) == [
            "make-channel",
            "new-webhook-secret",
            "test-channel",
            "delete-channel",
        ]


def test_overview_and_me(square: FlowVersion, admin: Program) -> None:
    begin(square, N=1)
    assert admin.get("/overview?span=1h&flow=square")["live"][0]["count"] == 1
    admin.get("/overview?span=2h", 400)
    admin.get("/overview?colour=red", 400)
    stranger = program(None)
    stranger.get("/overview", 403)
    me = stranger.get("/me")
    assert (me["name"], me["roles"], me["is_administrator"]) == ("with role None", [], False)
    assert admin.get("/me")["roles"] == [role.label for role in Role]
