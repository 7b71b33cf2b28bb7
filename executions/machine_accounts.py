"""Accounts for programs: users who act with API tokens only, and never sign in."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction

from executions import audit
from executions.commands.actor import Actor
from executions.models import MachineAccount


def is_machine(user: Any) -> bool:
    """Return whether a user is the account of a program."""
    try:
        return user.machine_account is not None
    except ObjectDoesNotExist:
        return False


def may_manage(user: Any) -> bool:
    """Return whether the user may make accounts for programs, and see and revoke all tokens.

    Nobody may with an API token: it could give itself another one that may do more.
    """
    if getattr(user, "api_token", None) is not None:
        return False
    return bool(user.is_active and user.has_perm("executions.change_machineaccount"))


@transaction.atomic
def make(actor: Actor, name: str, description: str) -> User:
    """Make the account of a program. Raises IntegrityError when the name is taken."""
    user = get_user_model()(username=name)
    user.set_unusable_password()
    user.save()
    mark(user, actor, description)
    audit.record(
        actor, "make-machine-account", subject=user, after={"name": name, "for": description}
    )
    return user


def mark(user: User, actor: Actor, description: str) -> MachineAccount:
    """Make a user one that never signs in."""
    return MachineAccount.objects.create(
        user=user, description=description, created_by_id=actor.user_id
    )


@transaction.atomic
def set_active(actor: Actor, user: User, *, active: bool) -> None:
    """Stop the tokens of the account of a program, or let them work again."""
    before, user.is_active = user.is_active, active
    user.save(update_fields=["is_active"])
    command = "start-machine-account" if active else "stop-machine-account"
    after = {"is_active": active}
    audit.record(actor, command, subject=user, before={"is_active": before}, after=after)
