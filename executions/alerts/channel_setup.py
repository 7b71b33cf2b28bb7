"""Setting up channels: what becomes of a form, the secret of a webhook, a test. Who may do it, the
caller has checked."""

from typing import Unpack
from urllib.parse import urlsplit

from django.utils import timezone

from executions import audit
from executions.alerts import deliveries
from executions.alerts.forms import ChannelForm
from executions.alerts.messages import test_message
from executions.audit.states import state_of
from executions.commands.actor import Actor
from executions.models import AlertChannel


def leads_to(address: str) -> str:
    """Return as much of an address as may be shown: no user, password, path or query."""
    try:
        parts = urlsplit(address)
        port = f":{parts.port}" if parts.port else ""
        is_host = parts.scheme in ("http", "https")
        return f"{parts.scheme}://{parts.hostname}{port}/…" if is_host else f"{parts.scheme}://…"
    except ValueError:
        return "…"


def save(actor: Actor, form: ChannelForm) -> AlertChannel:
    """Save what a valid form says; a secret that somebody replaces at the same time stays."""
    channel: AlertChannel = form.save(commit=False)
    is_new = channel.pk is None
    before = None if is_new else state_of(AlertChannel.objects.get(pk=channel.pk))
    channel.save(update_fields=None if is_new else list(form.fields))
    state = "on" if channel.is_on else "off"
    _record(
        actor,
        "make-channel" if is_new else "change-channel",
        channel,
        before=before,
        after=state_of(channel),
        detail=(
            f"{channel.name}, {channel.get_kind_display()}, {leads_to(channel.address)}, {state}"
        ),
    )
    return channel


def rotate_secret(actor: Actor, channel: AlertChannel) -> None:
    """Replace the secret of a webhook."""
    channel.rotate(timezone.now())
    _record(actor, "new-webhook-secret", channel)


def send_test(actor: Actor, channel: AlertChannel) -> None:
    """Send a message to a channel."""
    message = test_message(actor.name)
    about = {"step": "test", "occasion": "test"}
    deliveries.write([deliveries.to_channel(channel, message, timezone.now(), **about)])
    _record(actor, "test-channel", channel)


def delete(actor: Actor, channel: AlertChannel) -> None:
    """Delete a channel with its deliveries."""
    _record(actor, "delete-channel", channel, before=state_of(channel))
    channel.delete()


def _record(
    actor: Actor, command: str, channel: AlertChannel, **about: Unpack[audit.About]
) -> None:
    """Write the audit entry of a command on a channel."""
    given: audit.About = {"subject": channel, "detail": channel.name, **about}
    audit.record(actor, command, **given)
