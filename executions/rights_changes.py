"""Tells the web processes when somebody's rights have changed, so that open pages follow at once.

Requests read rights anew by themselves. Like every message this one may be lost: connections also
look now and then.
"""

from collections.abc import Collection
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db.models.signals import m2m_changed, post_delete, post_save

from executions.events import RIGHTS_CHANGED
from executions.models import ApiToken
from executions.publishing import announce
from flows.models import Flow, Folder, Grant

#: Saved by each sign-in, which changes no rights.
_SIGN_IN = frozenset({"last_login"})


def announce_change(user_ids: Collection[int] | None = None) -> None:
    """Tell, after the commit, that the rights of some users may have changed; of all for None."""
    users = None if user_ids is None else sorted(user_ids)
    if users is None or users:
        announce({"type": RIGHTS_CHANGED, "users": users})


def connect() -> None:
    """Listen to changes of grants, users, tokens, groups, folders, and of where flows lie."""
    for signal in (post_save, post_delete):
        signal.connect(_grant, sender=Grant, dispatch_uid="rights of grant")
        signal.connect(_user, sender=get_user_model(), dispatch_uid="rights of user")
        signal.connect(_everybody, sender=Folder, dispatch_uid="rights by folder")
        signal.connect(_flow, sender=Flow, dispatch_uid="rights by flow")
        signal.connect(_token, sender=ApiToken, dispatch_uid="rights of token")
    user: Any = get_user_model()
    m2m_changed.connect(_membership, sender=user.groups.through, dispatch_uid="rights by group")
    m2m_changed.connect(
        _membership, sender=user.user_permissions.through, dispatch_uid="permissions of user"
    )
    m2m_changed.connect(
        _everybody, sender=Group.permissions.through, dispatch_uid="permissions of group"
    )


def _grant(sender: Any, instance: Grant, **_: Any) -> None:
    if instance.user_id is not None:
        announce_change([instance.user_id])
    else:
        users = get_user_model()._default_manager.filter(groups=instance.group_id)
        announce_change(list(users.values_list("pk", flat=True)))


def _token(sender: Any, instance: ApiToken, **changed: Any) -> None:
    if not changed.get("created"):
        announce_change([instance.user_id])


def _user(sender: Any, instance: Any, **changed: Any) -> None:
    if not changed.get("created") and changed.get("update_fields") != _SIGN_IN:
        announce_change([instance.pk])


def _membership(sender: Any, instance: Any, pk_set: set[int] | None, **_: Any) -> None:
    """A user has joined or left groups, or a group got or lost members; so with permissions."""
    if isinstance(instance, get_user_model()):
        announce_change([instance.pk])
    else:
        announce_change(pk_set)


def _flow(sender: Any, instance: Flow, **changed: Any) -> None:
    """A new flow in no folder changes nobody's rights: no grant names it yet."""
    if not changed.get("created") or instance.folder_id is not None:
        announce_change()


def _everybody(sender: Any, **_: Any) -> None:
    announce_change()
