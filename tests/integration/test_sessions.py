"""Where people are signed in, signing out elsewhere, what ends sessions, forgotten passwords."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from asgiref.sync import sync_to_async
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from cortexweb.accounts import sessions
from cortexweb.asgi import application
from cortexweb.tasks import clear_sessions, send_password_reset
from executions.models import AuditEntry
from tests.receivers import MailReceiver, mail_receiver
from tests.tabs import Tab

RIGHT, NEW = "correct horse 7", "another horse 8"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)
EDGE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0"
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", "ada@acme.example", RIGHT)


def signed_in(
    name: str = "ada", agent: str = FIREFOX, address: str = "192.0.2.1", **fields: str
) -> Client:
    client = Client(REMOTE_ADDR=address, headers={"User-Agent": agent})
    answer = client.post("/login/", {"username": name, "password": RIGHT, **fields})
    assert answer.status_code == 302, answer.content.decode()
    return client


def is_signed_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200


def test_the_account_page_lists_where_one_is_signed_in(ada: User) -> None:
    here = signed_in()
    signed_in(agent=IPHONE, address="192.0.2.44")
    signed_in(agent=EDGE, address="198.51.100.7")
    signed_in(agent="<b>curl", address="198.51.100.8")
    page = here.get("/account/").content.decode()
    part = page[page.index('id="sessions"') :]
    part = part[: part.index("</section>")]
    for browser in ("Firefox on Linux", "Safari on an iPhone", "Edge on Windows", "A program"):
        assert browser in part
    assert part.index("Firefox") < part.index("Safari")  # this one is first
    assert "this one" in part
    assert "192.0.2.44" in part
    assert len(re.findall(r"/account/sessions/\d+/end/", part)) == 3
    assert "<b>curl" not in page
    assert "password" in page[page.index('id="lately"') :]


def test_signing_out_elsewhere(ada: User) -> None:
    here, phone, office = signed_in(), signed_in(agent=IPHONE), signed_in(agent=EDGE)
    one = UserSession.objects.get(user_agent=IPHONE)
    answer = here.post(f"/account/sessions/{one.pk}/end/", follow=True)
    assert "Signed out: Safari on an iPhone" in answer.content.decode()
    assert [is_signed_in(client) for client in (here, phone, office)] == [True, False, True]
    assert here.post(f"/account/sessions/{one.pk}/end/").status_code == 302
    also = signed_in()
    here.post("/account/sessions/end/")
    assert [is_signed_in(client) for client in (here, office, also)] == [True, False, False]
    told = AuditEntry.objects.filter(command="end-session").order_by("id")
    assert [entry.detail for entry in told] == [
        "Safari on an iPhone, 192.0.2.1",
        "all others: 2",
    ]


def test_nobody_ends_the_sessions_of_others(ada: User) -> None:
    User.objects.create_user("eve", password=RIGHT)
    ada_here, eve = signed_in(), signed_in("eve")
    row = UserSession.objects.get(user=ada)
    eve.post(f"/account/sessions/{row.pk}/end/")
    eve.post("/account/sessions/end/")
    assert is_signed_in(ada_here)
    assert Client().post(f"/account/sessions/{row.pk}/end/").status_code == 302
    assert is_signed_in(ada_here)


def test_a_new_password_ends_all_sessions_but_this_one(ada: User) -> None:
    here, elsewhere = signed_in(), signed_in(agent=IPHONE)
    fields = {"old_password": RIGHT, "new_password1": NEW, "new_password2": NEW}
    assert here.post("/password/", fields)["Location"] == "/account/"
    assert is_signed_in(here)
    assert not is_signed_in(elsewhere)
    assert [row.user_agent for row in UserSession.objects.all()] == [FIREFOX]
    # An administrator sets one: that ends them all.
    ada.refresh_from_db()
    ada.set_password(RIGHT)
    ada.save()
    assert not is_signed_in(here)
    assert not UserSession.objects.exists()


def test_an_account_that_is_not_active_has_no_sessions(ada: User) -> None:
    here = signed_in()
    ada.is_active = False
    ada.save()
    assert not is_signed_in(here)
    ada.is_active = True
    ada.save()
    assert not is_signed_in(here)  # it does not come back


def test_a_session_ends_with_the_browser_unless_it_is_kept(ada: User) -> None:
    name = django_settings.SESSION_COOKIE_NAME
    kept, passing = signed_in(remember="on"), signed_in()
    assert kept.cookies[name]["max-age"] == 14 * 86_400
    assert passing.cookies[name]["max-age"] == ""
    assert passing.cookies[name]["httponly"]
    assert passing.cookies[name]["samesite"] == "Lax"


def test_a_session_is_noted_once_in_a_while(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    here = signed_in(remember="on")
    before = timezone.now() - timedelta(hours=1)
    UserSession.objects.update(last_seen_at=before)
    Session.objects.update(expire_date=timezone.now() + timedelta(hours=1))
    assert is_signed_in(here)
    assert UserSession.objects.get().last_seen_at == before
    monkeypatch.setattr(sessions, "NOTED_EVERY", 0)
    assert here.get("/account/", REMOTE_ADDR="192.0.2.99").status_code == 200
    row = UserSession.objects.get()
    assert row.last_seen_at > before
    assert row.ip == "192.0.2.99"
    # A session that is used goes on.
    assert Session.objects.get().expire_date > timezone.now() + timedelta(days=13)


def test_sessions_that_are_over_are_forgotten(ada: User) -> None:
    here, _ = signed_in(), signed_in()
    here.post("/logout/")
    assert UserSession.objects.count() == 1
    Session.objects.update(expire_date=timezone.now() - timedelta(hours=1))
    assert not sessions.of_user(ada.pk, None)
    clear_sessions()
    assert not UserSession.objects.exists()


@pytest.mark.parametrize("end", ["one", "leave", "inactive", "password", "deleted"])
async def test_its_live_connections_close_at_once(ada: User, end: str) -> None:
    here, other = await sync_to_async(signed_in)(), await sync_to_async(signed_in)(agent=IPHONE)
    tab = Tab(None, "/ws/executions/", application, here.cookies["sessionid"].value)
    await tab.connect()
    await tab.frames("beat", 1)

    def happen() -> None:
        if end == "one":
            row = UserSession.objects.get(user_agent=FIREFOX)
            other.post(f"/account/sessions/{row.pk}/end/")
        elif end == "leave":
            here.post("/logout/")
        elif end == "deleted":
            ada.delete()
        else:
            ada.is_active = end != "inactive"
            if end == "password":
                ada.set_password(NEW)
            ada.save()

    await sync_to_async(happen)()
    said: dict[str, Any] = {}
    while said.get("type") != "websocket.close":
        said = await tab.app.receive_output(15)  # the check that nobody asks for is after 30 s
    assert said["code"] == 4401
    await tab.leave()


# Resetting a password ------------------------------------------------------------------------


@pytest.fixture
def mails(settings: Any) -> Iterator[MailReceiver]:
    with mail_receiver() as receiver:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", receiver.port
        settings.EMAIL_URL = f"smtp://127.0.0.1:{receiver.port}"
        settings.SITE_URL = "https://cortexweb.example"
        yield receiver


def test_without_mail_there_is_no_link() -> None:
    assert "/password/forgotten/" not in Client().get("/login/").content.decode()
    assert Client().get("/password/forgotten/").status_code == 404


def test_a_link_by_mail_sets_a_new_password_once(ada: User, mails: MailReceiver) -> None:
    elsewhere = signed_in()
    assert "/password/forgotten/" in Client().get("/login/").content.decode()
    send_password_reset("ADA@acme.example")
    (mail,) = mails.mails
    assert mail["To"] == "ada@acme.example"
    text = mail.get_content()
    (address,) = re.findall(r"https://cortexweb\.example(/password/reset/\S+)", text)
    client = Client()
    page = client.get(address, follow=True)
    where = page.redirect_chain[-1][0]
    short = client.post(where, {"new_password1": "x", "new_password2": "x"})
    assert "too short" in short.content.decode()
    done = client.post(where, {"new_password1": NEW, "new_password2": NEW})
    assert done["Location"] == "/login/"
    assert not is_signed_in(client)
    assert not is_signed_in(elsewhere)
    assert "This link has been used" in Client().get(address, follow=True).content.decode()
    fields = {"username": "ada", "password": NEW}
    assert Client().post("/login/", fields).status_code == 302
    assert AuditEntry.objects.get(command="reset-password").user_id == ada.pk


def test_nobody_learns_who_has_an_account(
    ada: User, mails: MailReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(send_password_reset, "delay", asked.append)
    texts = []
    for email in ("ada@acme.example", "nobody@acme.example"):
        answer = Client().post("/password/forgotten/", {"email": email})
        page = answer.content.decode().replace(email, "")
        texts.append(page[page.index("<h1>") :])
    assert texts[0] == texts[1]
    assert asked == ["ada@acme.example", "nobody@acme.example"]
    for email in asked:
        send_password_reset(email)
    send_password_reset("ada@acme.example")  # not twice in a minute
    assert len(mails.mails) == 1


def test_mails_are_limited(mails: MailReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send_password_reset, "delay", lambda email: None)
    answers = [
        Client().post("/password/forgotten/", {"email": "ada@acme.example"}).status_code
        for _ in range(12)
    ]
    assert answers == [200] * 10 + [429] * 2


def test_who_has_no_password_here_gets_no_link(ada: User, mails: MailReceiver) -> None:
    ada.set_unusable_password()
    ada.save()
    send_password_reset("ada@acme.example")
    User.objects.create_user("gone", "gone@acme.example", RIGHT, is_active=False)
    send_password_reset("gone@acme.example")
    send_password_reset("not an address")
    assert not mails.mails
