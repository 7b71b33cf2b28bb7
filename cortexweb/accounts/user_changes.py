"""What a change of an account ends: sessions, and live connections, at once."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_out
from django.db.models.signals import post_delete, post_save

from cortexweb.accounts import sessions


def connect() -> None:
    """Hear of changes of accounts, and of sign-outs."""
    model = get_user_model()
    post_save.connect(_saved, sender=model)
    post_delete.connect(_deleted, sender=model)
    user_logged_out.connect(_signed_out)


def _saved(instance: Any, created: bool, update_fields: Any = None, **_: Any) -> None:
    changed = {"is_active", "password"} if update_fields is None else set(update_fields)
    if created or not changed & {"is_active", "password"}:
        return
    # Django keeps a new password there until it has been saved, but not one that is hashed anew.
    if not instance.is_active or instance._password is not None:
        sessions.end_all(instance.pk)
    sessions.check_connections(instance.pk)


def _deleted(instance: Any, **_: Any) -> None:
    sessions.check_connections(instance.pk)


def _signed_out(request: Any, user: Any, **_: Any) -> None:
    if user is not None and request is not None:
        sessions.forget(user.pk, request.session.session_key)
