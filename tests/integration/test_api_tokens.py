"""API tokens: made once, kept as a hash, limited, ending; how their last use is noted."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.db import IntegrityError, connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from executions import api_tokens
from executions.api_tokens import Wanted, authenticate, issue
from executions.commands.actor import Actor
from executions.models import ApiToken, AuditEntry
from flows.models import Flow, Folder
from flows.rights import rights_of
from flows.roles import Role

pytestmark = pytest.mark.django_db

ADDRESS = "192.0.2.7"


@pytest.fixture
def maya() -> User:
    return User.objects.create_user("maya")


@pytest.fixture
def token_of(maya: User) -> Callable[..., tuple[ApiToken, str]]:
    def make(name: str = "laptop", **wanted: object) -> tuple[ApiToken, str]:
        actor = Actor(maya.pk, "maya", "page", ADDRESS)
        return issue(actor, maya, Wanted(name, ["see"], **wanted))  # type: ignore[arg-type]

    return make


def test_a_token_is_its_user_within_its_scopes(
    maya: User, token_of: Callable[..., tuple[ApiToken, str]]
) -> None:
    token, raw = token_of()
    assert raw.startswith("cwt_")
    user = authenticate(raw, ADDRESS)
    assert user == maya
    assert user.api_token == token  # type: ignore[union-attr]
    assert token.scopes == ["see"]


def test_the_text_is_nowhere(token_of: Callable[..., tuple[ApiToken, str]]) -> None:
    token, raw = token_of()
    told = AuditEntry.objects.values_list("detail", "before", "after", "object_name")
    kept = [*ApiToken.objects.values().get().values(), *told]
    assert raw not in str(kept)
    assert raw[len("cwt_") + 4 :] not in str(kept)
    assert token.digest == api_tokens.digest_of(raw)


@pytest.mark.parametrize("text", ["", "cwt_", "cwt_" + "a" * 40, "Bearer", "cwt_" + "é" * 40])
def test_anything_else_is_nobody(text: str) -> None:
    assert authenticate(text, ADDRESS) is None


def test_an_ended_token_is_nobody(
    maya: User, token_of: Callable[..., tuple[ApiToken, str]]
) -> None:
    _, expired = token_of("expired", expires_at=timezone.now() - timedelta(seconds=1))
    revoked_token, revoked = token_of("revoked")
    assert api_tokens.revoke(Actor(maya.pk, "maya", "page"), revoked_token)
    assert not api_tokens.revoke(Actor(maya.pk, "maya", "page"), revoked_token)
    _, live = token_of("live")
    assert authenticate(expired, ADDRESS) is None
    assert authenticate(revoked, ADDRESS) is None
    assert authenticate(live, ADDRESS) == maya
    User.objects.filter(pk=maya.pk).update(is_active=False)
    assert authenticate(live, ADDRESS) is None


def test_a_refused_token_is_audited_once_an_hour(
    token_of: Callable[..., tuple[ApiToken, str]], redis: object
) -> None:
    _, raw = token_of("old", expires_at=timezone.now() - timedelta(days=1))
    for _ in range(3):
        assert authenticate(raw, ADDRESS) is None
    entry = AuditEntry.objects.get(command="use-token")
    assert (entry.actor, entry.token, entry.outcome) == ("maya", "old", "refused")
    assert entry.address == ADDRESS
    assert authenticate(raw, "198.51.100.1") is None
    assert AuditEntry.objects.filter(command="use-token").count() == 2


def test_the_last_use_is_written_once_a_minute(
    token_of: Callable[..., tuple[ApiToken, str]],
) -> None:
    token, raw = token_of()
    with CaptureQueriesContext(
        connection,
    ) as first:
        authenticate(raw, ADDRESS)
    with CaptureQueriesContext(connection) as second:
        authenticate(raw, "198.51.100.1")
    assert (len(first), len(second)) == (2, 1)
    token.refresh_from_db()
    assert token.last_address == ADDRESS
    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(seconds=61))
    authenticate(raw, "198.51.100.1")
    token.refresh_from_db()
    assert token.last_address == "198.51.100.1"


def test_a_token_for_a_flow_stays_limited_when_the_flow_is_deleted(
    token_of: Callable[..., tuple[ApiToken, str]],
) -> None:
    flow = Flow.objects.create(name="invoice")
    token, _ = token_of(flows=[flow])
    assert token.is_limited
    flow.delete()
    token.refresh_from_db()
    assert token.is_limited
    assert not token.flows.exists()


def test_names_differ_among_live_tokens(token_of: Callable[..., tuple[ApiToken, str]]) -> None:
    token_of("laptop")
    with pytest.raises(IntegrityError):
        token_of("laptop")


def test_a_user_has_so_many_tokens_at_most(
    token_of: Callable[..., tuple[ApiToken, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_tokens, "MOST", 1)
    token_of("one")
    with pytest.raises(api_tokens.TooManyTokens):
        token_of("two")


def test_folders_of_a_token_hold_all_flows_below(
    token_of: Callable[..., tuple[ApiToken, str]],
) -> None:
    top = Folder.objects.create(name="finance")
    inner = Folder.objects.create(name="invoices", parent=top)
    below = Flow.objects.create(name="below", folder=inner)
    single = Flow.objects.create(name="single")
    Flow.objects.create(name="other")
    token, raw = token_of(flows=[single], folders=[top])
    assert token.flow_ids() == {below.pk, single.pk}
    assert token_of("everything")[0].flow_ids() is None
    User.objects.filter(pk=token.user_id).update(is_superuser=True)
    user = authenticate(raw, ADDRESS)
    rights = rights_of(user)
    assert rights.flow_ids(Role.SEE) == {below.pk, single.pk}
    assert rights.flow_ids(Role.START) == frozenset()


def post(client: Client, **fields: object) -> HttpResponse:
    given = {"name": "ci", "role": "start", "days": "90", **fields}
    return client.post("/account/tokens/", given)  # type: ignore[return-value]


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, "cortexweb.accounts.backend.AccountBackend")
    return client


def test_the_account_page_makes_a_token_and_shows_it_once(maya: User) -> None:
    client = client_of(maya)
    answer = post(client)
    assert answer.status_code == 201
    assert "no-store" in answer["Cache-Control"]
    found = re.search(r"cwt_\w{40}", answer.content.decode())
    assert found
    assert authenticate(found[0], ADDRESS) == maya
    assert ApiToken.objects.get().scopes == ["see", "start"]
    shown = client.get("/account/").content.decode()
    assert found[0] not in shown
    assert found[0][:8] in shown
    assert "There is a token of this name" in post(client).content.decode()


def test_a_form_that_asks_for_nothing_real_is_refused(maya: User) -> None:
    client = client_of(maya)
    assert post(client, role="").status_code == 422
    Flow.objects.create(name="hidden")
    answer = post(client, flows="hidden")  # maya sees no flow
    assert answer.status_code == 422
    assert "There is no flow hidden, or you may not see it." in answer.content.decode()
    assert post(client, folders="nowhere").status_code == 422
    assert post(client, days="5").status_code == 422
    assert not ApiToken.objects.exists()


def test_only_its_user_and_administrators_revoke_a_token(
    maya: User, token_of: Callable[..., tuple[ApiToken, str]], admin_user: User
) -> None:
    token, raw = token_of()
    other = client_of(User.objects.create_user("other"))
    for address in (f"/tokens/{token.pk}/revoke/", f"/tokens/{token.pk}/remove/"):
        assert other.post(address).status_code == 404
    assert other.get("/tokens/").status_code == 403
    assert other.get("/machine-accounts/").status_code == 403
    assert "laptop" in client_of(admin_user).get("/tokens/?user=maya").content.decode()
    assert client_of(maya).post(f"/tokens/{token.pk}/remove/").status_code == 302
    assert authenticate(raw, ADDRESS) == maya  # what still works is not removed
    client_of(admin_user).post(f"/tokens/{token.pk}/revoke/")
    assert authenticate(raw, ADDRESS) is None
    client_of(maya).post(f"/tokens/{token.pk}/remove/")
    assert not ApiToken.objects.exists()
    commands = AuditEntry.objects.order_by("id").values_list("command", "actor")
    assert ("revoke-token", "admin") in commands
    assert ("remove-token", "maya") in commands


def test_a_machine_account_has_tokens_and_no_door(admin_user: User) -> None:
    client = client_of(admin_user)
    answer = client.post("/machine-accounts/", {"username": "deployer", "description": "CI"})
    machine = User.objects.get(username="deployer")
    assert answer["Location"] == f"/machine-accounts/{machine.pk}/"
    made = post(client, account=machine.pk)
    raw = re.search(r"cwt_\w{40}", made.content.decode())
    assert raw
    assert authenticate(raw[0], ADDRESS) == machine
    # A password that somebody sets opens nothing, and a session neither.
    machine.set_password("correct horse battery")
    machine.save()
    signing_in = Client()
    form = {"username": "deployer", "password": "correct horse battery"}
    assert signing_in.post("/login/", form).status_code == 200
    assert not signing_in.login(**form)
    assert client_of(machine).get("/account/").status_code == 302
    client.post(f"/machine-accounts/{machine.pk}/", {"active": "no"})
    assert authenticate(raw[0], ADDRESS) is None


def test_nobody_makes_tokens_for_others(maya: User, admin_user: User) -> None:
    client_of(admin_user).post("/machine-accounts/", {"username": "deployer"})
    machine = User.objects.get(username="deployer")
    assert post(client_of(maya), account=machine.pk).status_code == 403
    assert post(client_of(admin_user), account=maya.pk).status_code == 404
    assert not ApiToken.objects.exists()


def test_the_scope_metrics_opens_the_metrics(
    maya: User,
    token_of: Callable[..., tuple[ApiToken, str]],
    client: Client,
    settings: Settings,
) -> None:
    settings.METRICS_TOKEN, settings.METRICS_ADDRESSES = "", []
    actor = Actor(maya.pk, "maya", "page")
    _, raw = issue(actor, maya, Wanted("grafana", ["metrics"]))
    _, other = token_of()

    def status(text: str) -> int:
        return client.get("/metrics", headers={"Authorization": f"Bearer {text}"}).status_code

    assert status(raw) == 404  # maya does not see every execution
    maya.user_permissions.add(Permission.objects.get(codename="view_execution"))
    assert (status(raw), status(other)) == (200, 404)


def test_revoking_on_the_page_that_has_just_made_it_leads_to_the_account(maya: User) -> None:
    client = client_of(maya)
    post(client)
    token = ApiToken.objects.get()
    headers = {"Referer": "http://testserver/account/tokens/"}
    answer = client.post(f"/tokens/{token.pk}/revoke/", headers=headers, follow=True)
    assert answer.redirect_chain == [("/account/", 302)]
    assert answer.status_code == 200
