"""API tokens: how programs act for a user, and what becomes of a token.

A token is random and long, so its SHA-256 is enough to keep (docs/api-tokens.md).
"""

import hashlib
import secrets
import string
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection, transaction
from django.utils import timezone
from redis.exceptions import RedisError

from executions import audit
from executions.commands.actor import Actor
from executions.models import ApiToken
from flows.models import Flow, Folder
from flows.roles import Role

#: How every token begins, by which people and scanners recognise one.
PREFIX = "cwt_"
_ALPHABET = string.ascii_letters + string.digits
_LENGTH = 40  # 238 bits
#: The first characters of a token that are kept and shown.
_SHOWN = 8
#: Live tokens that one user may have.
MOST = 100
#: How often the last use of a token is written at most.
_USED_EVERY = timedelta(minutes=1)
#: For how long one address's refused tokens have one entry in the audit trail.
_REFUSED_EVERY = 3600

#: What takes a scope: the roles, each with those before it, and what needs one of its own.
ROLES = tuple(role.name.lower() for role in Role)
FURTHER = {
    "mcp": "Let an MCP client change things, not only read",
    "metrics": "Read /metrics",
}
SCOPES = (*ROLES, *FURTHER)

# Whoever uses the token at the same time does not wait for the row.
_USED = """
    UPDATE executions_apitoken SET last_used_at = %(now)s, last_address = %(address)s
    WHERE id = (
        SELECT id FROM executions_apitoken
        WHERE id = %(id)s AND (last_used_at IS NULL OR last_used_at <= %(before)s)
        FOR NO KEY UPDATE SKIP LOCKED
    )
"""


class TooManyTokens(Exception):
    """The user has as many tokens as one may have."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a new token is to be. Without `flows` and `folders`, unless `is_limited`, it is for
    everything that its user may reach."""

    name: str
    scopes: Collection[str]
    expires_at: datetime | None = None
    is_limited: bool = False
    flows: Collection[Flow] = field(default=())
    folders: Collection[Folder] = field(default=())


def digest_of(raw: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(raw.encode("utf-8", "replace")).hexdigest()


@transaction.atomic
def issue(actor: Actor, user: User, wanted: Wanted) -> tuple[ApiToken, str]:
    """Make a token for a user. Return it, and its text, which is known this once.

    Raises TooManyTokens, and IntegrityError when the user has one of that name.
    """
    live = ApiToken.objects.filter(user=user, revoked_at=None)
    if live.count() >= MOST:
        raise TooManyTokens(f"{user.get_username()} has {MOST} tokens. Revoke one first.")
    raw = PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    token = ApiToken.objects.create(
        user=user,
        name=wanted.name,
        start=raw[:_SHOWN],
        digest=digest_of(raw),
        scopes=[scope for scope in SCOPES if scope in wanted.scopes],
        is_limited=bool(wanted.is_limited or wanted.flows or wanted.folders),
        expires_at=wanted.expires_at,
        created_by_id=actor.user_id,
    )
    token.flows.set(wanted.flows)
    token.folders.set(wanted.folders)
    audit.record(actor, "make-token", subject=token, after=_state(token))
    return token, raw


@transaction.atomic
def revoke(actor: Actor, token: ApiToken) -> bool:
    """Revoke a token, from now on. Returns whether it was still live."""
    now = timezone.now()
    live = ApiToken.objects.filter(pk=token.pk, revoked_at=None)
    if not live.update(revoked_at=now):
        return False
    before = _state(token)
    token.revoked_at = now
    token.save(update_fields=["revoked_at"])  # says so to those who listen to changes
    audit.record(actor, "revoke-token", subject=token, before=before, after=_state(token))
    return True


@transaction.atomic
def remove(actor: Actor, token: ApiToken) -> bool:
    """Delete a token that has ended. Returns whether it was there, and had ended."""
    if token.ended_at is None:
        return False
    audit.record(actor, "remove-token", subject=token, before=_state(token))
    return bool(ApiToken.objects.filter(pk=token.pk).delete()[0])


def authenticate(raw: str, address: str | None) -> User | None:
    """Return the user of a live token, who may still act; None for anything else.

    The user has the token as `api_token`, by which `flows.rights` narrows what they may do.
    """
    if not raw.startswith(PREFIX) or len(raw) != len(PREFIX) + _LENGTH:
        return None
    token = (
        ApiToken.objects.select_related("user__preferences", "user__machine_account")
        .filter(digest=digest_of(raw))
        .first()
    )
    if token is None:
        _refused(Actor(None, "", "api", address), "no such token")
        return None
    user = token.user
    if token.ended_at is not None or not user.is_active:
        why = "the account is not active" if token.ended_at is None else "the token has ended"
        _refused(Actor(user.pk, user.get_username(), "api", address, token.name), why)
        return None
    _used(token, address)
    user.api_token = token  # type: ignore[attr-defined]
    return user


def limit(user: User, token_id: int) -> bool:
    """Let a user do no more than a token of theirs allows by now, for what a program has asked for
    and is done later. Returns whether the token still works."""
    token = ApiToken.objects.filter(pk=token_id, user=user).first()
    if token is None or token.ended_at is not None:
        return False
    user.api_token = token  # type: ignore[attr-defined]
    return True


def scopes_of(user: Any) -> Collection[str] | None:
    """Return the scopes of the token with which a user came; None for a user without one."""
    token: ApiToken | None = getattr(user, "api_token", None)
    return token.scopes if token is not None else None


def _used(token: ApiToken, address: str | None) -> None:
    """Note that a token is used, once a minute at most."""
    now = timezone.now()
    before = now - _USED_EVERY
    if token.last_used_at is not None and token.last_used_at > before:
        return
    with connection.cursor() as cursor:
        cursor.execute(_USED, {"id": token.pk, "now": now, "before": before, "address": address})


def _refused(actor: Actor, why: str) -> None:
    """Audit a refused token: once an hour for an address, so that a program that goes on with an
    old one floods nothing."""
    key = f"tokens:refused:{actor.address}:{actor.user_id}:{digest_of(actor.token)[:16]}"
    try:
        is_first = cache.add(key, 1, _REFUSED_EVERY)
    except RedisError:
        is_first = True
    if is_first:
        audit.record(actor, "use-token", done=False, detail=why)


def _state(token: ApiToken) -> dict[str, object]:
    """Return a token as the audit trail says it."""
    return {
        "user": token.user.get_username(),
        "name": token.name,
        "start": token.start,
        "scopes": token.scopes,
        "flows": sorted(token.flows.values_list("name", flat=True)) if token.is_limited else "all",
        "folders": sorted(token.folders.values_list("name", flat=True)),
        "expires_at": token.expires_at,
        "revoked_at": token.revoked_at,
    }
