"""Making, changing and deleting webhooks and chains, with the audit entries that say so."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from executions import audit
from executions.access import User
from executions.audit.states import state_of
from executions.commands.actor import Actor
from executions.limits import MAX_CHAINS, MAX_WEBHOOKS
from executions.models import Chain, Webhook, WebhookRequest
from executions.webhooks import access
from executions.webhooks.receiving import Answer, receive
from executions.webhooks.requests import Received

#: The most rows of each kind.
_MOST = {Webhook: MAX_WEBHOOKS, Chain: MAX_CHAINS}
#: Columns that a form does not change.
_KEPT = frozenset(
    {"id", "flow", "key", "secret", "old_secret", "old_secret_until", "created_at", "revision"}
)


class Changed(Exception):
    """Somebody else has changed it since its form was shown."""


class TooMany(Exception):
    """There are as many as there may be."""

    def __init__(self, most: int) -> None:
        super().__init__(f"There are {most:,} already. Delete one first.")


def save(user: User, actor: Actor, row: Webhook | Chain) -> None:
    """Insert a webhook or a chain, or update it with what a form says. From then on it starts on
    behalf of the user. Raises Changed and TooMany."""
    _require_permission(user, row)
    model, name = type(row), _name(row)
    row.owner_id = user.pk
    with transaction.atomic():
        if row.pk is None:
            if model._default_manager.count() >= _MOST[model]:
                raise TooMany(_MOST[model])
            row.save(force_insert=True)
            audit.record(actor, f"make-{name}", subject=row, after=state_of(row))
            return
        rows = model._default_manager.select_for_update(of=("self",))
        old: Any = rows.filter(pk=row.pk, revision=row.revision).first()
        if old is None:
            raise Changed
        before = state_of(old)
        columns = [one.name for one in model._meta.concrete_fields if one.name not in _KEPT]
        row.revision += 1
        row.save(update_fields=[*columns, "revision"])
        audit.record(actor, f"change-{name}", subject=row, before=before, after=state_of(row))


def delete(user: User, actor: Actor, row: Webhook | Chain) -> None:
    """Delete a webhook with the requests that are kept of it, or a chain. Executions stay."""
    _require_permission(user, row)
    with transaction.atomic():
        audit.record(actor, f"delete-{_name(row)}", subject=row, before=state_of(row))
        row.delete()


def rotate(user: User, actor: Actor, webhook: Webhook) -> None:
    """Give a webhook a new secret; the old one counts beside it for a day."""
    _require_permission(user, webhook)
    with transaction.atomic():
        webhook.rotate(timezone.now())
        webhook.save(update_fields=["secret", "old_secret", "old_secret_until"])
        audit.record(actor, "new-webhook-secret", subject=webhook)


def reveal(user: User, actor: Actor, webhook: Webhook) -> None:
    """Note that somebody sees the secret of a webhook."""
    _require_permission(user, webhook)
    audit.record(actor, "see-webhook-secret", subject=webhook)


def replay(user: User, actor: Actor, webhook: Webhook, kept: WebhookRequest) -> Answer:
    """Send a request that was kept again, as if it were a new one that is signed."""
    _require_permission(user, webhook)
    audit.record(actor, "replay-webhook", subject=webhook, detail=str(kept.pk))
    return receive(webhook, Received.again(kept, timezone.now(), actor.name))


def _require_permission(user: User, row: Webhook | Chain) -> None:
    if not access.may_change(user, row.flow):
        raise PermissionError("may not change webhooks and chains of this flow")


def _name(row: Webhook | Chain) -> str:
    return "webhook" if isinstance(row, Webhook) else "chain"
