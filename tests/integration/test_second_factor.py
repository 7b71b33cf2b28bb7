"""Second factors: codes of an app, recovery codes, their limits, and where everybody needs one."""

import base64
import time
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from cortexweb.accounts.login_attempts import CODES_OF_ACCOUNT, OF_ACCOUNT
from executions.models import AuditEntry
from tests.tabs import Tab

RIGHT = "correct horse 7"

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


@pytest.fixture
def optional(settings: Any) -> None:
    settings.SECOND_FACTOR = "optional"
    settings.MFA_TOTP_TOLERANCE = 5  # a period may end in any test


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", password=RIGHT, is_staff=True)


def enter(client: Client, path: str = "/login/", after: str = "/help/") -> Any:
    fields = {"username": "ada", "password": RIGHT, "next": after}
    return client.post(path, fields)


def code_of(secret: str, period: int = 0) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time() // 30) + period))


def add_app(client: Client) -> str:
    """Add an app as a person does; return its key."""
    page = client.get("/account/app/")
    secret: str = page.context["form"].secret
    done = client.post("/account/app/", {"code": code_of(secret)})
    assert done.status_code == 302, done.content.decode()
    return secret


def is_signed_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200


def test_without_the_setting_there_are_none(ada: User) -> None:
    client = Client()
    assert enter(client)["Location"] == "/help/"
    assert "Authenticator app" not in client.get("/account/").content.decode()
    for path in ("/account/app/", "/account/passkeys/add/", "/account/recovery-codes/"):
        assert client.get(path).status_code == 404, path
    assert Client().get("/login/passkey/").status_code == 404


@pytest.mark.usefixtures("optional")
def test_a_code_is_asked_for_at_every_door(ada: User) -> None:
    client = Client()
    enter(client)
    secret = add_app(client)
    for door in ("/login/", "/admin/login/"):
        client = Client()
        assert enter(client, door, "/admin/")["Location"] == "/login/second-factor/"
        assert not is_signed_in(client)
        page = client.get("/login/second-factor/")
        assert "One more step" in page.content.decode()
        wrong = client.post("/login/second-factor/", {"code": "000000"})
        assert "Incorrect code" in wrong.content.decode()
        assert not is_signed_in(client)
        code = code_of(secret, 3 if "admin" in door else -3)  # each code counts once
        right = client.post("/login/second-factor/", {"code": code})
        assert right["Location"] == "/admin/"
        assert is_signed_in(client)
    told = AuditEntry.objects.filter(command="sign-in").order_by("id")
    assert [(one.outcome, one.detail, one.source) for one in told] == [
        ("done", "password", "page"),
        ("refused", "wrong code", "page"),
        ("done", "password and code of an app", "page"),
        ("refused", "wrong code", "page"),
        ("done", "password and code of an app", "admin"),
    ]
    again = Client()
    enter(again)
    assert again.post("/login/second-factor/", {"code": code}).status_code == 200


@pytest.mark.usefixtures("optional")
def test_codes_are_not_guessed(ada: User) -> None:
    """Also not by entering the right password in between."""
    client = Client()
    enter(client)
    secret = add_app(client)
    answers = []
    for _ in range(CODES_OF_ACCOUNT + 3):
        client = Client()
        assert enter(client).status_code == 302
        answers.append(client.post("/login/second-factor/", {"code": "000000"}).status_code)
    assert answers == [200] * CODES_OF_ACCOUNT + [429] * 3
    right = client.post("/login/second-factor/", {"code": code_of(secret)})
    assert right.status_code == 429
    assert "Too many attempts" in right.content.decode()


@pytest.mark.usefixtures("optional")
def test_recovery_codes_are_shown_once_and_count_once(ada: User) -> None:
    client = Client()
    enter(client)
    add_app(client)
    page = client.get("/account/recovery-codes/")
    codes = page.context["unused_codes"]
    assert len(codes) == 10
    assert codes[0] in page.content.decode()
    again = client.get("/account/recovery-codes/").content.decode()
    assert codes[0] not in again
    assert "10 of 10 are unused" in again
    for expected in (302, 200):
        client = Client()
        enter(client)
        answer = client.post("/login/second-factor/", {"code": codes[0]})
        assert answer.status_code == expected
    assert AuditEntry.objects.filter(detail="password and recovery code").exists()


@pytest.mark.usefixtures("optional")
def test_keys_are_encrypted_in_the_database_and_rotate(ada: User, settings: Any) -> None:
    client = Client()
    enter(client)
    secret = add_app(client)
    rows = {one.type: one.data for one in Authenticator.objects.all()}
    assert secret not in str(rows)
    assert rows["totp"]["secret"].startswith("fernet:")
    newest = base64.urlsafe_b64encode(b"k" * 32).decode()
    settings.ENCRYPTION_KEYS = [newest, *settings.ENCRYPTION_KEYS]
    call_command("rotate_encryption", verbosity=0)
    settings.ENCRYPTION_KEYS = [newest]
    assert Authenticator.objects.get(type="totp").data != rows["totp"]
    client = Client()
    enter(client)
    answer = client.post("/login/second-factor/", {"code": code_of(secret, 3)})
    assert answer.status_code == 302


@pytest.mark.usefixtures("optional")
def test_changing_them_asks_for_the_password_again(ada: User, settings: Any) -> None:
    client = Client()
    enter(client)
    add_app(client)
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = -1
    asked = client.get("/account/app/remove/")
    assert asked["Location"].startswith("/account/confirm/")
    answers = [
        client.post("/account/confirm/", {"password": "guess"}).status_code
        for _ in range(OF_ACCOUNT + 1)
    ]
    assert answers == [200] * OF_ACCOUNT + [429]
    assert Authenticator.objects.filter(type="totp").exists()
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
    assert client.post("/account/app/remove/").status_code == 302
    assert not Authenticator.objects.exists()  # the recovery codes go along
    told = AuditEntry.objects.filter(command="second-factor").order_by("id")
    assert [one.detail for one in told][-2:] == ["app removed", "recovery codes removed"]


@pytest.mark.usefixtures("optional")
def test_a_password_alone_is_not_enough_for_the_api(ada: User, settings: Any) -> None:
    login = base64.b64encode(f"ada:{RIGHT}".encode()).decode()
    headers = {"Authorization": f"Basic {login}"}
    assert Client().get("/api/v1/executions", headers=headers).status_code == 200
    client = Client()
    enter(client)
    add_app(client)
    refused = Client().get("/api/v1/executions", headers=headers)
    assert refused.status_code == 403
    assert "API token" in refused.content.decode()


@pytest.mark.usefixtures("optional")
def test_who_has_lost_theirs_is_helped_in_the_admin(ada: User, admin_client: Client) -> None:
    client = Client()
    enter(client)
    add_app(client)
    (app,) = Authenticator.objects.filter(type="totp")
    shown = admin_client.get(f"/admin/mfa/authenticator/{app.pk}/change/").content.decode()
    assert app.data["secret"] not in shown
    assert "fernet" not in shown
    ada_admin = Client()
    ada_admin.force_login(ada)  # staff, but without the permission to change users
    address = f"/admin/mfa/authenticator/{app.pk}/delete/"
    assert ada_admin.post(address, {"post": "yes"}).status_code == 403
    for one in Authenticator.objects.all():
        address = f"/admin/mfa/authenticator/{one.pk}/delete/"
        assert admin_client.post(address, {"post": "yes"}).status_code == 302
    assert enter(Client())["Location"] == "/help/"


async def test_where_it_is_required_nothing_opens_without(ada: User, settings: Any) -> None:
    from asgiref.sync import sync_to_async

    from cortexweb.asgi import application

    settings.SECOND_FACTOR = "required"
    client = Client()

    def begin() -> str:
        enter(client)
        for path in ("/", "/help/", "/account/", "/flows/", "/api/v1/executions", "/admin/"):
            assert client.get(path)["Location"] == "/account/set-up/", path
        page = client.get("/account/set-up/")
        assert "Add a second factor" in page.content.decode()
        return client.cookies["sessionid"].value

    session = await sync_to_async(begin)()
    tab = Tab(None, "/ws/executions/", application, session)
    said = await tab.connect()
    assert (said["type"], said["code"]) == ("websocket.close", 4401)
    await tab.leave()

    def go_on() -> None:
        add_app(client)
        assert client.get("/help/").status_code == 200
        assert is_signed_in(client)

    await sync_to_async(go_on)()
