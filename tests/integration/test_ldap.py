"""Signing in with the password of a real directory: accounts, groups, who is refused."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from cortexweb.accounts.group_map import GroupMap
from cortexweb.accounts.login_attempts import OF_ACCOUNT
from executions.models import AuditEntry
from tests.directory import ADMIN, ADMIN_PASSWORD, BASE, Directory, directory, require_slapd

require_slapd()

RIGHT = "correct horse 7"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    with directory(tmp_path_factory.mktemp("ldap")) as one:
        yield one


@pytest.fixture(autouse=True)
def acme(running: Directory, settings: Any) -> Directory:
    """The directory, and the site set up for it."""
    settings.LDAP_URL = running.url
    settings.LDAP_START_TLS = False  # on loopback
    settings.LDAP_BIND_DN, settings.LDAP_BIND_PASSWORD = ADMIN, ADMIN_PASSWORD
    settings.LDAP_USERS_BASE = f"ou=people,{BASE}"
    settings.LDAP_GROUPS_BASE = f"ou=groups,{BASE}"
    settings.LDAP_GROUPS = GroupMap.parse("cortex-operators=Operators,team-*")
    settings.AUTHENTICATION_BACKENDS = [
        *settings.AUTHENTICATION_BACKENDS,
        "cortexweb.accounts.ldap.DirectoryBackend",
    ]
    return running


def enter(name: str, password: str = RIGHT, path: str = "/login/") -> tuple[Client, Any]:
    client = Client(REMOTE_ADDR="192.0.2.3")
    fields = {"username": name, "password": password, "next": "/help/"}
    return client, client.post(path, fields)


def sign_ins() -> list[tuple[str, str, str]]:
    entries = AuditEntry.objects.filter(command="sign-in").order_by("id")
    return list(entries.values_list("actor", "outcome", "detail"))


def test_whoever_is_in_the_directory_signs_in(acme: Directory) -> None:
    client, answer = enter("ada")
    assert answer["Location"] == "/help/"
    ada = User.objects.get()
    assert (ada.username, ada.email, ada.get_full_name()) == (
        "ada",
        "ada@acme.example",
        "Ada Lovelace",
    )
    assert not ada.has_usable_password()
    assert not ada.is_staff
    assert sign_ins() == [("ada", "done", "LDAP")]
    page = client.get("/account/").content.decode()
    assert "Operators" in page
    assert "the directory signs you in" in page
    enter("ADA")
    assert User.objects.count() == 1


@pytest.mark.parametrize("password", ["wrong", "", " "])
def test_only_the_right_password_opens(password: str) -> None:
    _, answer = enter("ada", password)
    assert answer.status_code == 200
    assert not User.objects.exists()


@pytest.mark.parametrize("name", ["*", "ada)(uid=*", "ada*", "nobody", "\\2a"])
def test_a_name_is_no_filter(name: str) -> None:
    assert enter(name)[1].status_code == 200
    assert not User.objects.exists()


def test_groups_follow_the_directory(acme: Directory) -> None:
    enter("ada")
    ada = User.objects.get()
    ada.groups.add(Group.objects.create(name="By hand"))
    member = "dn: cn={group},ou=groups,{{base}}\nchangetype: modify\n{what}: member\n"
    member += "member: uid=ada,ou=people,{{base}}\n\n"
    stays = "dn: cn=cortex-operators,ou=groups,{base}\nchangetype: modify\nadd: member\n"
    stays += "member: uid=admin,ou=people,{base}\n\n"
    acme.change(stays + member.format(group="cortex-operators", what="delete"))
    acme.change(member.format(group="team-blue", what="add"))
    try:
        enter("ada")
        assert set(ada.groups.values_list("name", flat=True)) == {"team-blue", "By hand"}
    finally:
        acme.change(member.format(group="cortex-operators", what="add"))
        acme.change(member.format(group="team-blue", what="delete"))


def test_an_account_of_the_same_name_is_not_taken_over() -> None:
    boss = User.objects.create_superuser("admin", password="another horse 8")
    _, answer = enter("admin")
    assert answer.status_code == 200
    assert sign_ins() == [("admin", "refused", "wrong name or password")]
    assert enter("admin", "another horse 8")[1].status_code == 302  # by the password of the site
    client = Client()
    client.force_login(boss)
    uid = f"uid=admin,ou=people,{BASE}"
    row = {"user": boss.pk, "provider": "ldap", "uid": uid}
    client.post("/admin/socialaccount/socialaccount/add/", row)
    client, answer = enter("admin")
    assert answer.status_code == 302
    assert client.get("/account/").wsgi_request.user == boss


def test_accounts_are_made_only_where_that_is_allowed(settings: Any) -> None:
    settings.LDAP_CREATE_USERS = False
    assert enter("ada")[1].status_code == 200
    assert not User.objects.exists()


def test_who_is_not_active_stays_out() -> None:
    enter("ada")
    User.objects.update(is_active=False)
    client, answer = enter("ada")
    assert answer.status_code == 200
    assert client.get("/account/").status_code == 302


@pytest.mark.parametrize("path", ["/login/", "/admin/login/"])
def test_passwords_of_the_directory_are_not_guessed(path: str) -> None:
    answers = [enter("ada", f"wrong {n}", path)[1].status_code for n in range(OF_ACCOUNT + 3)]
    assert answers == [200] * OF_ACCOUNT + [429] * 3
    assert enter("ada", path=path)[1].status_code == 429


def test_a_directory_that_is_away_is_said(settings: Any) -> None:
    User.objects.create_user("grace", password="another horse 8")
    settings.LDAP_URL = "ldap://127.0.0.1:9"
    assert "The directory does not answer" in enter("ada")[1].content.decode()
    assert enter("grace", "another horse 8")[1].status_code == 302


def test_a_password_does_not_go_through_an_open_line(settings: Any) -> None:
    """This directory has no certificate, so that StartTLS fails."""
    settings.LDAP_START_TLS = True
    assert "The directory does not answer" in enter("ada")[1].content.decode()
    assert not User.objects.exists()


def test_a_second_factor_follows(settings: Any) -> None:
    settings.SECOND_FACTOR = "required"
    client, _ = enter("ada")
    assert client.get("/flows/")["Location"] == "/account/set-up/"
    assert client.get("/account/app/").status_code == 200  # shortly after signing in
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = -1
    assert client.get("/account/app/")["Location"].startswith("/account/confirm/again/")
