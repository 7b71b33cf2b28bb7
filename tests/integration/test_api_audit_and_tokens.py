"""The audit trail and API tokens through the HTTP API, and who reaches what there."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from executions import audit
from executions.commands.actor import Actor
from executions.models import ApiToken, AuditEntry
from flows.models import Flow, Folder, Grant
from flows.roles import Role

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]


class Program:
    """A program that uses the API: by a session, or with a token."""

    def __init__(self, user: User | None = None, token: str = "") -> None:
        self.client = Client()
        if user is not None:
            self.client.force_login(user, "cortexweb.accounts.backend.AccountBackend")
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def ask(self, method: str, address: str, body: Any = None) -> Any:
        send = getattr(self.client, method)
        more = {} if method == "get" else {"data": body, "content_type": "application/json"}
        return send(f"/api/v1{address}", headers=self.headers, **more)


def test_a_token_is_made_by_a_person_and_works_until_it_is_revoked(admin_user: User) -> None:
    person = Program(admin_user)
    Flow.objects.create(name="bills")
    given = {"name": "ci", "scopes": ["see", "start"], "flows": ["bills"]}
    answer = person.ask("post", "/tokens", given)
    assert answer.status_code == 201, answer.content
    text, made = answer.json()["text"], answer.json()["token"]
    assert (made["flows"], made["is_limited"]) == (["bills"], True)
    program = Program(token=text)
    listed = program.ask("get", "/tokens")
    assert listed.status_code == 200, listed.content
    assert [one["name"] for one in listed.json()["items"]] == ["ci"]
    assert text not in listed.content.decode()
    # No token makes another one, and what it does is told with its name.
    assert program.ask("post", "/tokens", {**given, "name": "more"}).status_code == 403
    assert person.ask("post", "/tokens", given).status_code == 409
    assert person.ask("post", "/tokens", {**given, "scopes": ["rule"]}).status_code == 400
    assert person.ask("post", "/tokens", {**given, "flows": ["no"]}).status_code == 400
    assert program.ask("delete", f"/tokens/{made['id']}").status_code == 204
    assert program.ask("get", "/tokens").status_code == 401
    entry = AuditEntry.objects.get(command="revoke-token")
    assert (entry.source, entry.token) == ("api", "ci")


def test_a_token_reads_no_audit_of_other_flows(admin_user: User) -> None:
    """Also not what its user did there."""
    user = User.objects.create_user("maya")
    bills, pay = (Flow.objects.create(name=name) for name in ("bills", "pay"))
    for flow in (bills, pay):
        Grant.objects.create(user=user, flow=flow, role=Role.SEE)
        audit.record(Actor(user.pk, "maya", "page"), "star", subject=flow, flow=flow.name)
    person = Program(user)

    def read(**wanted: Any) -> set[str]:
        given = {"name": str(wanted), **wanted}
        program = Program(token=person.ask("post", "/tokens", given).json()["text"])
        items = program.ask("get", "/audit").json()["items"]
        return {one["flow"] for one in items if one["command"] == "star"}

    assert read(scopes=["see"]) == {"bills", "pay"}
    assert read(scopes=["see"], flows=["bills"]) == {"bills"}
    assert read(scopes=["metrics"]) == set()


def test_a_token_names_no_folder_that_its_user_does_not_see(admin_user: User) -> None:
    Folder.objects.create(name="hidden")
    given = {"name": "t", "scopes": ["see"], "folders": ["hidden"]}
    refused = Program(User.objects.create_user("maya")).ask("post", "/tokens", given)
    unknown = Program(User.objects.create_user("noah")).ask(
        "post", "/tokens", {**given, "folders": ["no"]}
    )
    assert refused.status_code == unknown.status_code == 400
    assert refused.json()["detail"].replace("hidden", "no") == unknown.json()["detail"]
    assert Program(admin_user).ask("post", "/tokens", given).status_code == 201


def test_others_reach_no_token_of_mine(admin_user: User) -> None:
    Program(admin_user).ask("post", "/tokens", {"name": "ci", "scopes": ["see"]})
    token = ApiToken.objects.get()
    other = Program(User.objects.create_user("other"))
    assert other.ask("get", "/tokens?everybody=true").json()["items"] == []
    assert other.ask("delete", f"/tokens/{token.pk}").status_code == 404
    token.refresh_from_db()
    assert token.revoked_at is None


def test_the_audit_trail_is_read_page_by_page(admin_user: User) -> None:
    audit.write(audit.entry(Actor(None, "maya", "page"), f"c{n}") for n in range(7))
    asking, address, seen = Program(admin_user), "/audit?who=maya&limit=3", []
    while address:
        answer = asking.ask("get", address)
        assert answer.status_code == 200, answer.content
        seen += [entry["command"] for entry in answer.json()["items"]]
        address = (answer.json()["next"] or "").removeprefix("/api/v1")
    assert seen == [f"c{n}" for n in reversed(range(7))]
    assert asking.ask("get", "/audit?at=soonish").status_code == 400
    assert asking.ask("get", "/audit?object=7").status_code == 400


def test_entries_follow_rights(admin_user: User) -> None:
    bills, wages = (Flow.objects.create(name=name) for name in ("bills", "wages"))
    for flow in (bills, wages):
        audit.record(Actor(None, "maya", "page"), "publish-flow", subject=flow)
    keeper = User.objects.create_user("keeper")
    Grant.objects.create(user=keeper, flow=bills, role=Role.ADMINISTER)
    shown = Program(keeper).ask("get", "/audit").json()["items"]
    assert {entry["flow"] for entry in shown} == {"bills"}
    nobody = Program(User.objects.create_user("nobody"))
    assert nobody.ask("get", "/audit").json()["items"] == []
    assert Program().ask("get", "/audit").status_code == 401
