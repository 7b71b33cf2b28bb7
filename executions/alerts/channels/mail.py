"""E-mail, through Django's backend: as text and as HTML."""

import smtplib
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from executions.access import User
from executions.alerts.channel_type import (
    MAIL_SERVER,
    ChannelType,
    DeliveryFailed,
    DeliveryRefused,
    Target,
)
from executions.alerts.messages import Message, absolute
from executions.models import Delivery

#: Answers of a mail server by which a message, or its recipient, is refused for good.
_REFUSED = range(500, 600)


def targets(user: User) -> list[Target]:
    if missing(user):
        return []
    return [Target(recipient=f"user {user.pk}", destination=MAIL_SERVER)]


def missing(user: User) -> str:
    if not settings.EMAIL_URL:
        return "Mail is not set up: the setting EMAIL_URL is empty."
    return "" if getattr(user, "email", "") else "Your account has no e-mail address."


def send(delivery: Delivery) -> str:
    """Send a mail. Its Message-ID is the same at each attempt, so a mail server may drop a second
    one."""
    user = delivery.user
    if user is None or not user.email:
        raise DeliveryRefused("The account has no e-mail address any more.")
    message = Message.of(delivery)
    lines = [(text, absolute(address)) for text, address in message.lines]
    context = {
        "message": message,
        "lines": lines,
        "address": absolute(message.address),
        "account": absolute("/account/"),
    }
    sender = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    domain = sender.rpartition("@")[2] or "cortexweb"
    mail = EmailMultiAlternatives(
        subject=" ".join(message.title.split())[:200],
        body=_text(message, lines),
        to=[user.email],
        headers={"Message-ID": f"<{delivery.pk}@{domain}>", "Auto-Submitted": "auto-generated"},
    )
    mail.attach_alternative(render_to_string("alerts/mail.html", context), "text/html")
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as refused:
        code, text = next(iter(refused.recipients.values()))
        raise _problem(code, text) from None
    except smtplib.SMTPResponseException as refused:
        raise _problem(refused.smtp_code, refused.smtp_error) from None
    except (OSError, smtplib.SMTPException) as error:
        raise DeliveryFailed(f"The mail server did not take it: {error}") from None
    return "The mail server took it."


def _text(message: Message, lines: list[tuple[str, str]]) -> str:
    """Return the mail for those who read no HTML."""
    listed = [f"- {text}\n  {address}".rstrip() for text, address in lines]
    more = [f"- and {message.more:,} more"] if message.more else []
    account = (
        f"--\nYou choose what reaches you by mail on your account page: {absolute('/account/')}"
    )
    parts = [
        message.title,
        message.text,
        "\n".join([*listed, *more]),
        absolute(message.address),
        account,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _problem(code: int, text: bytes | str) -> Exception:
    said = text.decode(errors="replace") if isinstance(text, bytes) else text
    what = f"The mail server answered {code}: {said}"
    return DeliveryRefused(what) if code in _REFUSED else DeliveryFailed(what)


CHANNEL_TYPE = ChannelType(
    name="mail",
    label="E-mail",
    column="Mail",
    order=30,
    targets=targets,
    missing=missing,
    send=send,
    is_default=True,
)
