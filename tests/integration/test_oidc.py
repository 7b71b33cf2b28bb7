"""Signing in through a real OpenID Connect provider: accounts, groups, who is refused."""

from collections.abc import Iterator
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from cortexweb.accounts.group_map import GroupMap
from executions.models import AuditEntry
from tests.identity_provider import IdentityProvider, identity_provider, use_provider

ADA: dict[str, Any] = {
    "preferred_username": "ada",
    "email": "ada@acme.example",
    "email_verified": True,
    "given_name": "Ada",
    "family_name": "Lovelace",
    "groups": ["cortex-operators", "everybody"],
}

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IdentityProvider]:
    with identity_provider(tmp_path_factory.mktemp("provider")) as provider:
        yield provider


@pytest.fixture
def provider(running: IdentityProvider, settings: Any) -> IdentityProvider:
    """The provider, with Ada, and the site set up for it."""
    use_provider(settings, running)
    settings.OIDC_GROUPS = GroupMap.parse("cortex-operators=Operators,team-*")
    running.person("ada", **ADA)
    return running


def sign_ins() -> list[tuple[str, str, str, str | None]]:
    entries = AuditEntry.objects.filter(command="sign-in").order_by("id")
    return list(entries.values_list("actor", "outcome", "detail", "address"))


def groups_of(user: User) -> set[str]:
    return set(user.groups.values_list("name", flat=True))


def test_without_a_provider_there_is_no_way_to_one() -> None:
    client = Client()
    assert "/login/oidc/" not in client.get("/login/").content.decode()
    for address in ("/login/oidc/", "/login/oidc/callback/"):
        assert client.get(address).status_code == 404
    for address in ("/accounts/signup/", "/signup/", "/accounts/", "/login/signup/"):
        assert client.get(address).status_code in (302, 404), address


def test_whoever_the_provider_lets_in_has_an_account(provider: IdentityProvider) -> None:
    client = Client(REMOTE_ADDR="192.0.2.9")
    assert "Sign in with Acme" in client.get("/login/").content.decode()
    answer = provider.sign_in(client, "ada", after="/account/?x=1")
    assert (answer.status_code, answer["Location"]) == (302, "/account/?x=1")
    ada = User.objects.get(username="ada")
    assert (ada.email, ada.get_full_name()) == ("ada@acme.example", "Ada Lovelace")
    assert not ada.has_usable_password()
    assert not ada.is_staff
    assert not ada.is_superuser
    assert sign_ins() == [("ada", "done", "Acme", "192.0.2.9")]
    page = client.get("/account/").content.decode()
    assert "Acme signs you in" in page
    assert 'href="/password/"' not in page
    assert client.get("/password/").status_code == 404
    assert "192.0.2.9" in page


def test_groups_follow_the_claim_at_each_sign_in(provider: IdentityProvider) -> None:
    provider.sign_in(Client(), "ada")
    ada = User.objects.get(username="ada")
    assert groups_of(ada) == {"Operators"}  # not everybody
    ada.groups.add(Group.objects.create(name="By hand"))
    provider.person("ada", **ADA | {"groups": ["team-blue"], "family_name": "King"})
    provider.sign_in(Client(), "ada")
    assert groups_of(ada) == {"team-blue", "By hand"}
    ada.refresh_from_db()
    assert ada.last_name == "King"
    provider.person("ada", **{name: text for name, text in ADA.items() if name != "groups"})
    provider.sign_in(Client(), "ada")
    assert groups_of(ada) == {"By hand"}
    told = AuditEntry.objects.filter(command="follow-groups").order_by("id")
    assert list(told.values_list("detail", flat=True)) == [
        "joined Operators",
        "joined team-blue; left Operators",
        "left team-blue",
    ]


def test_a_group_brings_its_permissions(provider: IdentityProvider) -> None:
    operators = Group.objects.create(name="Operators")
    operators.permissions.add(Permission.objects.get(codename="view_flow"))
    client = Client()
    provider.sign_in(client, "ada")
    assert User.objects.get(username="ada").has_perm("flows.view_flow")
    assert client.get("/flows/").status_code == 200


def test_an_account_of_the_same_name_is_not_taken_over(provider: IdentityProvider) -> None:
    """Neither by name, in any case, nor by an address, unless that is switched on."""
    mine = User.objects.create_superuser("Ada", "ada@acme.example", "correct horse 7")
    client = Client()
    answer = provider.sign_in(client, "ada")
    assert answer.status_code == 403
    assert "not linked to Acme" in answer.content.decode()
    assert client.get("/account/").status_code == 302
    assert sign_ins() == [("ada", "refused", "Acme: no account", "127.0.0.1")]
    assert User.objects.count() == 1
    # An administrator links it.
    admin = Client()
    admin.force_login(mine)
    row = {"user": mine.pk, "provider": "oidc", "uid": "ada"}
    assert admin.post("/admin/socialaccount/socialaccount/add/", row).status_code == 302
    assert provider.sign_in(client, "ada").status_code == 302
    assert client.get("/account/").wsgi_request.user == mine


def test_a_verified_address_links_where_that_is_switched_on(
    provider: IdentityProvider, settings: Any
) -> None:
    settings.OIDC_LINK_BY_EMAIL = True
    mine = User.objects.create_user("lovelace", "ADA@acme.example")
    provider.person("ada", **ADA | {"email_verified": False, "preferred_username": "a1"})
    provider.sign_in(Client(), "ada")
    assert set(SocialAccount.objects.values_list("user__username", flat=True)) == {"a1"}
    SocialAccount.objects.all().delete()
    User.objects.exclude(pk=mine.pk).delete()
    provider.person("ada", **ADA)
    assert provider.sign_in(Client(), "ada").status_code == 302
    assert SocialAccount.objects.get().user == mine
    assert AuditEntry.objects.filter(command="link-account", user_id=mine.pk).exists()
    # Two people with one address: whose it is cannot be known.
    SocialAccount.objects.all().delete()
    User.objects.create_user("other", "ada@acme.example")
    provider.sign_in(Client(), "ada")
    assert SocialAccount.objects.get().user.username == "ada"


def test_accounts_are_made_only_where_that_is_allowed(
    provider: IdentityProvider, settings: Any
) -> None:
    settings.OIDC_CREATE_USERS = False
    answer = provider.sign_in(Client(), "ada")
    assert answer.status_code == 403
    assert "You have no account here" in answer.content.decode()
    assert not User.objects.exists()


def test_who_is_not_active_stays_out(provider: IdentityProvider) -> None:
    provider.sign_in(Client(), "ada")
    User.objects.update(is_active=False)
    client = Client()
    answer = provider.sign_in(client, "ada")
    assert answer.status_code == 403
    assert "not active" in answer.content.decode()
    assert client.get("/account/").status_code == 302
    assert sign_ins()[-1][1:3] == ("refused", "Acme: not active")


def test_what_goes_wrong_there_is_said_and_audited(provider: IdentityProvider) -> None:
    client = Client()
    begun = client.get("/login/oidc/")
    denied = client.get(provider.answer(begun["Location"], action="deny"))
    assert denied.status_code == 401
    assert "Acme did not sign you in" in denied.content.decode()
    # An answer that this browser did not ask for, and one that comes twice.
    stranger = Client().get("/login/oidc/callback/?code=x&state=y")
    assert stranger.status_code == 401
    address = provider.answer(client.get("/login/oidc/")["Location"], sub="ada")
    assert client.get(address).status_code == 302
    assert client.get(address).status_code == 401
    assert [entry[1] for entry in sign_ins()] == ["refused", "refused", "done", "refused"]


def test_a_provider_that_is_away_is_said(provider: IdentityProvider, settings: Any) -> None:
    app = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]
    app["settings"]["server_url"] = "http://127.0.0.1:9"
    answer = Client().get("/login/oidc/")
    assert answer.status_code == 401
    assert "Acme did not sign you in" in answer.content.decode()


def test_nobody_is_led_elsewhere_after_signing_in(provider: IdentityProvider) -> None:
    answer = provider.sign_in(Client(), "ada", after="https://evil.example/")
    assert answer["Location"] == "/"


@pytest.mark.parametrize(
    ("text", "there", "here"),
    [
        ("a=A,b", ["a", "b", "c"], {"A", "b"}),
        ("x-*", ["x-1", "y", "x-" + "n" * 200], {"x-1"}),
        ("", ["a"], set()),
        ("a=A,a=B", ["a"], {"A", "B"}),
    ],
)
def test_a_map_of_groups(text: str, there: list[str], here: set[str]) -> None:
    assert GroupMap.parse(text).groups_of(there) == here
