"""Deliveries reach real mail and HTTP servers, once for each key, however these behave, and whoever
is killed meanwhile."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from redis import Redis
from standardwebhooks import Webhook, WebhookVerificationError

from executions import watches
from executions.alerts import deliveries, personal, registry
from executions.alerts.messages import Message
from executions.models import AlertChannel, Delivery, Preferences, Watch
from executions.states import Status
from tests.alerts_in_tests import evaluate, make_rule
from tests.executions_in_tests import event_of, make_execution
from tests.receivers import HttpReceiver, MailReceiver, http_receiver, mail_receiver
from tests.servers import Process, celery_beat, celery_worker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]
S = Delivery.Status


@pytest.fixture
def hooks() -> Iterator[HttpReceiver]:
    with http_receiver() as receiver:
        yield receiver


@pytest.fixture
def mails(settings: Any) -> Iterator[MailReceiver]:
    """A mail server to which the product sends."""
    with mail_receiver() as receiver:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_URL = f"smtp://127.0.0.1:{receiver.port}"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", receiver.port
        settings.SITE_URL = "https://cortex.example"
        yield receiver


@pytest.fixture
def webhook(hooks: HttpReceiver) -> AlertChannel:
    return AlertChannel.objects.create(kind="webhook", name="pager", address=hooks.url)


def deliver_all() -> None:
    for destination in set(Delivery.objects.values_list("destination", flat=True)) - {""}:
        deliveries.deliver(destination)


def make_due() -> None:
    Delivery.objects.filter(status=S.WAITING).update(due_at=timezone.now())


def answers(delivery: Delivery) -> list[str]:
    return list(delivery.log.values_list("answer", flat=True))


def send_test(channel: AlertChannel, text: str = "Hello") -> Delivery:
    message = Message(title="Test", text=text, lines=[("a <b>line</b>", "/x/")])
    delivery = deliveries.to_channel(channel, message, timezone.now(), step="test", occasion="test")
    deliveries.write([delivery])
    return delivery


# Mail --------------------------------------------------------------------------------------------


def test_a_mail_says_what_began_as_text_and_as_html(mails: MailReceiver, admin_user: Any) -> None:
    make_rule("queued-long", name="Queue <b>", users=[admin_user])
    execution = make_execution(admin_user, age=600, status=Status.QUEUED)
    evaluate()
    deliver_all()
    (mail,) = mails.mails
    delivery = Delivery.objects.get(via="mail")
    assert delivery.status == S.SENT
    assert mail["To"] == admin_user.email
    assert mail["Message-ID"] == f"<{delivery.pk}@localhost>"
    assert mail["Subject"].startswith("Queue <b>: orders")
    text = mail.get_body(("plain",)).get_content().replace("\r\n", "\n")
    html = mail.get_body(("html",)).get_content()
    address = f"https://cortex.example/executions/{execution.pk}/"
    assert f"has been queued for 10 m 00 s\n  {address}" in text
    assert f'<a href="{address}">orders' in html
    assert "Queue &lt;b&gt;" in html


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # Apprise's
def test_the_end_of_what_is_watched_reaches_its_watcher_by_each_channel(
    mails: MailReceiver, hooks: HttpReceiver, admin_user: User
) -> None:
    chat = AlertChannel.objects.create(
        kind="chat", name="me", address=hooks.url.replace("http://", "json://"), person=admin_user
    )
    chosen = {"watched-ends": ["here", "browser", "mail", "chat"]}
    Preferences.objects.create(user=admin_user, notifications=chosen)
    stranger = User.objects.create_user("eve", email="eve@example.com")
    live = make_execution(admin_user, status=Status.RUNNING)
    ended = make_execution(
        admin_user, "mail", status=Status.ERROR, ended_at=timezone.now(), error_message="<b>No"
    )
    for user in (admin_user, stranger):
        for execution in (live, ended):
            Watch.objects.create(user=user, execution=execution, read_revision=0)
    for _ in range(2):  # once, however often the scheduler looks
        personal.notify_watchers()
    deliver_all()
    assert set(Delivery.objects.values_list("via", "user", "channel", "occasion")) == {
        ("here", admin_user.pk, None, "watched-ends"),
        ("browser", admin_user.pk, None, "watched-ends"),
        ("mail", admin_user.pk, None, "watched-ends"),
        ("chat", admin_user.pk, chat.pk, "watched-ends"),
    }
    assert Delivery.objects.count() == 4
    (mail,) = mails.mails
    assert mail["Subject"] == "mail: Error"
    assert f"https://cortex.example/executions/{ended.pk}/" in str(mail.get_body(("html",)))
    (posted,) = hooks.received
    assert "mail: Error" in posted.body
    # What somebody has read already is told all the same, and its watch then goes.
    event_of(live, status=Status.ENDED, ended_at=timezone.now())
    live.refresh_from_db()
    assert watches.mark_read(admin_user.pk, live.pk, live.revision)
    assert watches.watched_ids(admin_user.pk) == [str(ended.pk)]
    personal.notify_watchers()
    assert Delivery.objects.filter(via="mail", message__title="orders: Ended").exists()
    assert not Watch.objects.filter(user=admin_user, execution=live).exists()


def test_a_mail_server_that_is_away_gets_the_mail_later(
    mails: MailReceiver, settings: Any, admin_user: Any
) -> None:
    make_rule("queued-long", users=[admin_user])
    make_execution(admin_user, age=600, status=Status.QUEUED)
    settings.EMAIL_PORT = 9
    evaluate()
    deliver_all()
    delivery = Delivery.objects.get(via="mail")
    assert (delivery.status, delivery.attempts) == (S.WAITING, 1)
    assert "The mail server did not take it" in answers(delivery)[0]
    assert delivery.due_at > timezone.now() + timedelta(seconds=5)
    deliver_all()
    assert not mails.mails
    settings.EMAIL_PORT = mails.port
    make_due()
    deliver_all()
    assert [mail["Message-ID"] for mail in mails.mails] == [f"<{delivery.pk}@localhost>"]


@pytest.mark.parametrize(
    ("answer", "status"), [("550 No such user", S.FAILED), ("451 Busy", S.WAITING)]
)
def test_a_refused_recipient(
    mails: MailReceiver, admin_user: Any, answer: str, status: str
) -> None:
    mails.refuse = lambda _: answer
    make_rule("queued-long", users=[admin_user])
    make_execution(admin_user, age=600, status=Status.QUEUED)
    evaluate()
    deliver_all()
    delivery = Delivery.objects.get(via="mail")
    assert delivery.status == status
    code, text = answer.split(" ", 1)
    assert answers(delivery) == [f"The mail server answered {code}: {text}"]


def test_quiet_hours_of_a_person_hold_mails(mails: MailReceiver, admin_user: Any) -> None:
    """Except for what regressed. What is over by then is not sent."""
    Preferences.objects.create(user=admin_user, quiet_from="00:00", quiet_until="00:00")
    make_rule("queued-long", users=[admin_user])
    execution = make_execution(admin_user, age=600, status=Status.QUEUED)
    evaluate()
    deliver_all()
    assert not mails.mails
    assert set(Delivery.objects.values_list("via", "status")) == {
        ("here", S.SENT),
        ("mail", S.WAITING),
    }
    execution.delete()
    evaluate(later=timedelta(minutes=3))
    make_due()
    deliver_all()
    assert not mails.mails
    assert set(Delivery.objects.filter(via="mail").values_list("status", flat=True)) == {S.OUTDATED}
    urgent = deliveries.to_person(
        admin_user, Message(title="Again"), timezone.now(), occasion="failure-regressed"
    )
    assert {one.via for one in urgent if not one.is_held} == {"here", "browser", "mail"}


# Webhooks ----------------------------------------------------------------------------------------


def test_a_webhook_is_signed(webhook: AlertChannel, hooks: HttpReceiver, admin_user: Any) -> None:
    make_rule("queued-long", name="Queue", channels=[webhook])
    make_execution(admin_user, age=600, status=Status.QUEUED)
    evaluate()
    deliver_all()
    (request,) = hooks.received
    delivery = Delivery.objects.get()
    body = Webhook(webhook.secret).verify(request.body, request.headers)
    assert request.headers["webhook-id"] == str(delivery.pk) == body["data"]["id"]
    assert body["type"] == "alert.opened"
    assert (body["data"]["rule"], body["data"]["kind"]) == ("Queue", "queued-long")
    assert body["data"]["findings"][0]["url"].startswith("http")
    assert delivery.status == S.SENT
    assert answers(delivery) == ["204 No Content"]
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_AAAA").verify(request.body, request.headers)


def test_a_webhook_that_fails_is_tried_again_with_the_same_key(
    webhook: AlertChannel, hooks: HttpReceiver
) -> None:
    hooks.answers = [500, 503]
    first = send_test(webhook)
    second = send_test(webhook)
    deliver_all()
    first.refresh_from_db()
    second.refresh_from_db()
    assert len(hooks.received) == 1
    assert (first.status, first.attempts, second.attempts) == (S.WAITING, 1, 0)
    # Nothing else is sent there meanwhile.
    assert second.due_at == first.due_at > timezone.now()
    earlier = first.due_at - timezone.now()
    make_due()
    deliver_all()
    second.refresh_from_db()
    assert second.due_at - timezone.now() > earlier
    make_due()
    deliver_all()
    keys = [request.headers["webhook-id"] for request in hooks.received]
    assert set(keys) == {str(first.pk), str(second.pk)}
    assert set(Delivery.objects.values_list("status", flat=True)) == {S.SENT}
    assert answers(first)[-1] == "204 No Content"


def test_a_webhook_that_is_gone_is_switched_off(webhook: AlertChannel, hooks: HttpReceiver) -> None:
    hooks.answers = [410]
    delivery = send_test(webhook)
    deliver_all()
    delivery.refresh_from_db()
    webhook.refresh_from_db()
    assert (delivery.status, webhook.is_on) == (S.FAILED, False)


def test_a_delivery_is_given_up_after_a_day(webhook: AlertChannel, hooks: HttpReceiver) -> None:
    hooks.answers = [500]
    delivery = send_test(webhook)
    Delivery.objects.update(created_at=timezone.now() - timedelta(days=1, minutes=1))
    deliver_all()
    delivery.refresh_from_db()
    assert delivery.status == S.FAILED
    assert deliveries.try_again(delivery)
    deliver_all()
    delivery.refresh_from_db()
    assert delivery.status == S.SENT


def test_a_secret_that_was_replaced_signs_for_a_while(
    webhook: AlertChannel, hooks: HttpReceiver
) -> None:
    old = webhook.secret
    webhook.rotate(timezone.now())
    assert webhook.secret != old
    send_test(webhook)
    deliver_all()
    for secret in (old, webhook.secret):
        Webhook(secret).verify(hooks.received[0].body, hooks.received[0].headers)
    AlertChannel.objects.update(old_secret_until=timezone.now())
    send_test(webhook)
    deliver_all()
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(hooks.received[1].body, hooks.received[1].headers)


def test_a_webhook_obeys_the_guard_of_private_addresses(
    webhook: AlertChannel, hooks: HttpReceiver, settings: Any
) -> None:
    settings.HTTP_PRIVATE_ADDRESSES = []
    delivery = send_test(webhook)
    deliver_all()
    assert not hooks.received
    assert "127.0.0.1 is a private address" in answers(delivery)[0]


# Chat --------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # Apprise's
def test_a_chat_message_goes_through_apprise(hooks: HttpReceiver) -> None:
    address = hooks.url.replace("http://", "json://")
    chat = AlertChannel.objects.create(kind="chat", name="ops", address=address)
    hooks.answers = [200]
    delivery = send_test(chat)
    deliver_all()
    delivery.refresh_from_db()
    assert delivery.status == S.SENT, answers(delivery)
    body = json.loads(hooks.received[0].body)
    assert body["title"] == "Test"
    assert "a <b>line</b>" in body["message"]
    hooks.answers = [500]
    failed = send_test(chat)
    deliver_all()
    failed.refresh_from_db()
    assert failed.status == S.WAITING


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # Apprise's
def test_a_chat_reaches_no_private_address(hooks: HttpReceiver, settings: Any) -> None:
    """Not by its name either, nor where a redirect leads to."""
    settings.HTTP_PRIVATE_ADDRESSES = []
    port = hooks.url.rpartition(":")[2]
    for name in ("127.0.0.1", "localhost"):
        address = f"json://{name}:{port}"
        chat = AlertChannel.objects.create(kind="chat", name=name, address=address)
        delivery = send_test(chat)
        deliver_all()
        assert "is a private address" in answers(delivery)[0], name
    assert not hooks.received


# Whoever is killed -------------------------------------------------------------------------------


def test_it_is_inserted_with_what_it_tells_of(
    webhook: AlertChannel, admin_user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that dies in between has written neither."""
    make_rule("queued-long", channels=[webhook])
    make_execution(admin_user, age=600, status=Status.QUEUED)

    def die(_: Any) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr(deliveries, "write", die)
    with pytest.raises(AssertionError):
        evaluate()
    monkeypatch.undo()
    assert not Delivery.objects.exists()
    evaluate()
    assert Delivery.objects.get().step == "opened"


@pytest.fixture
def environment(product_environment: dict[str, str]) -> dict[str, str]:
    return {
        **product_environment,
        "HTTP_PRIVATE_ADDRESSES": "127.0.0.0/8",
        "DELIVERY_SECONDS": "1.5",
        "DELIVERY_RETRY_SECONDS": "0.5",
    }


def wait_until(ready: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_worker_is_killed_while_it_sends_and_another_channel_waits_for_nothing(
    webhook: AlertChannel,
    hooks: HttpReceiver,
    environment: dict[str, str],
    redis: Redis,
    tmp_path: Path,
) -> None:
    other_address = hooks.url.replace("/hook", "/other")
    other = AlertChannel.objects.create(kind="webhook", name="other", address=other_address)
    hooks.hanging = {"/hook"}
    processes: list[Process] = []
    try:
        processes.append(celery_worker(tmp_path / "worker.log", environment))
        hung = send_test(webhook)
        wait_until(lambda: len(hooks.received) == 1)
        # One channel hangs, and still does when the other one has its messages.
        for _ in range(5):
            send_test(other)
        wait_until(lambda: sum(one.path == "/other" for one in hooks.received) == 5)
        processes[0].kill()
        hung.refresh_from_db()
        assert hung.status == S.SENDING
        hooks.hanging = set()
        processes.append(celery_worker(tmp_path / "second.log", environment))
        processes.append(celery_beat(tmp_path / "beat.log", environment, tmp_path))
        wait_until(lambda: Delivery.objects.get(pk=hung.pk).status == S.SENT)
    finally:
        for process in processes:
            process.kill()
            print(process.output)
    keys = [one.headers["webhook-id"] for one in hooks.received if one.path == "/hook"]
    assert set(keys) == {str(hung.pk)}
    assert "The worker ended before there was an answer." in answers(hung)
    assert len({one.headers["webhook-id"] for one in hooks.received}) == 6


def test_every_way_is_declared_once() -> None:
    assert list(registry.CHANNEL_TYPES) == ["here", "browser", "mail", "chat", "webhook"]
    assert list(registry.PERSONAL) == ["here", "browser", "mail", "chat"]
