"""Links to one execution for people without an account."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from executions.models import AuditEntry, Execution, ShareLink
from flows.models import Grant
from flows.roles import Role
from tests.driving import begin, drive
from tests.flows_in_tests import publish

pytestmark = pytest.mark.django_db

BLOCKS = """
start: {type: Start Flow, bottom: set}
set:
  type: Set Variable
  properties: {Value: "='Dear ' + Customer", Variable: ($)Greeting}
  bottom: end
end: {type: End Flow}
"""
VARIABLES = """
Customer: {type: Text, input: true}
Pin: {type: Text, input: true, secret: true}
Greeting: {type: Text, default: ""}
"""


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, "cortexweb.accounts.backend.AccountBackend")
    return client


@pytest.fixture(autouse=True)
def is_on(settings: Settings) -> None:
    settings.SHARE_LINKS = True
    cache.clear()


@pytest.fixture
def execution(tmp_path: Path, admin_user: User) -> Execution:
    version = publish(tmp_path, "letters", BLOCKS, VARIABLES)
    begun = begin(version, Customer="Ada <b>Lovelace</b>", Pin="hush-4711")
    return drive(begun.pk)


def made(client: Client, execution: Execution, **fields: object) -> str:
    """Make a link. Return the path of its address."""
    answer = client.post(f"/executions/{execution.pk}/share/", {"days": "7", **fields})
    assert answer.status_code == 201
    found = re.search(r"/shared/\w{43}/", answer.content.decode())
    assert found
    return found[0]


def test_whoever_has_the_link_sees_the_execution_and_no_more(
    execution: Execution, admin_user: User
) -> None:
    path = made(client_of(admin_user), execution)
    answer = Client().get(path, REMOTE_ADDR="192.0.2.9")
    assert answer.status_code == 200
    shown = answer.content.decode()
    assert "letters" in shown
    assert "Dear Ada &lt;b&gt;Lovelace" in shown
    assert "hush-4711" not in shown
    assert "<b>Lovelace" not in shown
    links = re.findall(r'(?:href|action|hx-get|hx-post)="([^"]*)"', shown)
    # Style, icons and the page itself.
    assert all(link.startswith(("?", "/static/", path)) for link in links), links
    assert "<form" not in shown
    assert answer["Referrer-Policy"] == "no-referrer"
    assert answer["X-Robots-Tag"] == "noindex, nofollow"
    assert answer["Cache-Control"] == "no-store"
    revision = execution.revision
    assert Client().get(f"{path}?revision={revision}").status_code == 204
    assert Client().get(f"{path}?revision={revision + 1}").status_code == 200
    assert Client().post(path).status_code == 405


def test_what_was_chosen_is_masked_everywhere(execution: Execution, admin_user: User) -> None:
    path = made(client_of(admin_user), execution, masked=["Customer", "no such one"])
    shown = Client().get(path).content.decode()
    assert "Lovelace" not in shown
    assert "Dear ••••" in shown
    assert ShareLink.objects.get().masked == ["Customer"]


def test_views_are_audited_once_an_hour_for_an_address(
    execution: Execution, admin_user: User
) -> None:
    path = made(client_of(admin_user), execution)
    for address in ("192.0.2.9", "192.0.2.9", "192.0.2.10"):
        Client().get(path, REMOTE_ADDR=address)
    seen = AuditEntry.objects.filter(command="view-shared").order_by("id")
    assert [entry.address for entry in seen] == ["192.0.2.9", "192.0.2.10"]
    assert {(entry.execution_id, entry.source) for entry in seen} == {(execution.pk, "share link")}
    secret = path.split("/")[2]
    assert secret not in str(list(AuditEntry.objects.values()))
    assert secret not in str(list(ShareLink.objects.values()))


def test_an_ended_link_says_so(execution: Execution, admin_user: User, settings: Settings) -> None:
    client = client_of(admin_user)
    expired, revoked = made(client, execution), made(client, execution)
    live = made(client, execution)
    links = list(ShareLink.objects.order_by("id"))
    ShareLink.objects.filter(pk=links[0].pk).update(expires_at=timezone.now() - timedelta(days=1))
    client.post(f"/executions/{execution.pk}/share/{links[1].pk}/revoke/")
    for path, word in ((expired, "It expired"), (revoked, "It was revoked")):
        answer = Client().get(path)
        assert answer.status_code == 410
        assert word in answer.content.decode()
        assert "letters" not in answer.content.decode()
    assert Client().get(live).status_code == 200
    assert Client().get("/shared/" + "a" * 43 + "/").status_code == 404
    settings.SHARE_LINKS = False
    assert Client().get(live).status_code == 404
    assert client.get(f"/executions/{execution.pk}/share/").status_code == 403


def test_a_link_shows_no_more_than_who_made_it_may_share(
    execution: Execution, admin_user: User
) -> None:
    user = User.objects.create_user("other")
    grant = Grant.objects.create(user=user, flow=execution.version.flow, role=Role.OPERATE)
    path = made(client_of(user), execution)
    assert Client().get(path).status_code == 200
    Grant.objects.filter(pk=grant.pk).update(role=Role.SEE)
    answer = Client().get(path)
    assert answer.status_code == 410
    assert "letters" not in answer.content.decode()
    Grant.objects.filter(pk=grant.pk).update(role=Role.OPERATE)
    assert Client().get(path).status_code == 200
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert Client().get(path).status_code == 410
    user.delete()
    assert Client().get(path).status_code == 410


@pytest.mark.parametrize(("role", "status"), [(None, 404), (Role.SEE, 403), (Role.OPERATE, 200)])
def test_only_who_controls_it_shares_it(
    execution: Execution, admin_user: User, role: Role | None, status: int
) -> None:
    made(client_of(admin_user), execution)
    user = User.objects.create_user("other")
    if role is not None:
        Grant.objects.create(user=user, flow=execution.version.flow, role=role)
    client = client_of(user)
    assert client.get(f"/executions/{execution.pk}/share/").status_code == status
    link = ShareLink.objects.get()
    client.post(f"/executions/{execution.pk}/share/{link.pk}/revoke/")
    link.refresh_from_db()
    assert (link.revoked_at is not None) == (status == 200)


def test_an_execution_that_is_deleted_takes_its_links_along(
    execution: Execution, admin_user: User
) -> None:
    path = made(client_of(admin_user), execution)
    execution.delete()
    assert Client().get(path).status_code == 404
