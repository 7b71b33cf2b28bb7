"""Links to one execution that need no sign-in: made, found, revoked (docs/sharing.md)."""

import hashlib
import secrets
import string
from collections.abc import Collection
from datetime import timedelta

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from redis.exceptions import RedisError

from executions import access, audit
from executions.access import User
from executions.commands.actor import Actor
from executions.models import Execution, ShareLink

_ALPHABET = string.ascii_letters + string.digits
_LENGTH = 43  # 256 bits
_SHOWN = 6
#: For how long the views from one address have one entry in the audit trail.
_VIEWED_EVERY = 3600
#: Links of one execution that show it at most.
MOST = 20


class TooManyLinks(Exception):
    """The execution has as many links as one may have."""


def may_share(user: User, execution: Execution) -> bool:
    """Return whether the user may make and revoke links to an execution: who controls it may,
    where the site allows such links."""
    return settings.SHARE_LINKS and access.may_control(
        user, execution.initiator_id, execution.flow_name
    )


@transaction.atomic
def make(
    actor: Actor, execution: Execution, days: int, masked: Collection[str]
) -> tuple[ShareLink, str]:
    """Make a link that ends after some days. Return it, and the secret of its address, which is
    known this once. Raises TooManyLinks."""
    now = timezone.now()
    live = ShareLink.objects.filter(execution=execution, revoked_at=None, expires_at__gt=now)
    if live.count() >= MOST:
        raise TooManyLinks(f"There are {MOST} links to this execution. Revoke one first.")
    raw = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    link = ShareLink.objects.create(
        execution=execution,
        digest=_digest(raw),
        start=raw[:_SHOWN],
        masked=sorted(masked),
        created_by_id=actor.user_id,
        expires_at=now + timedelta(days=days),
    )
    state = {"masked": link.masked, "expires_at": link.expires_at}
    audit.record(actor, "make-share-link", execution=execution, subject=link, after=state)
    return link, raw


@transaction.atomic
def revoke(actor: Actor, link: ShareLink) -> bool:
    """Revoke a link, from now on. Returns whether it was still live."""
    live = ShareLink.objects.filter(pk=link.pk, revoked_at=None)
    if not live.update(revoked_at=timezone.now()):
        return False
    audit.record(actor, "revoke-share-link", execution=link.execution, subject=link)
    return True


def find(raw: str) -> ShareLink | None:
    """Return the link of an address, an ended one too; None for none."""
    if not settings.SHARE_LINKS or len(raw) != _LENGTH:
        return None
    links = ShareLink.objects.select_related("execution__version__flow", "created_by")
    return links.filter(digest=_digest(raw)).first()


def is_live(link: ShareLink) -> bool:
    """Return whether a link shows its execution: it has not ended, and who made it may still share
    that."""
    owner = link.created_by
    return not link.has_ended and owner is not None and may_share(owner, link.execution)


def note_view(link: ShareLink, address: str | None) -> None:
    """Audit that somebody looks: once an hour for an address."""
    try:
        is_first = cache.add(f"shared:{link.pk}:{address}", 1, _VIEWED_EVERY)
    except RedisError:
        is_first = True
    if is_first:
        actor = Actor(None, f"share link {link.start}", "share link", address)
        audit.record(actor, "view-shared", execution=link.execution, subject=link)


def _digest(raw: str) -> str:
    return hashlib.sha256(raw.encode("utf-8", "replace")).hexdigest()
