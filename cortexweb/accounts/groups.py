"""Puts people into the groups that their identity provider or directory names."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction
from django.http import HttpRequest

from cortexweb.accounts.audit import record
from cortexweb.accounts.group_map import GroupMap


@transaction.atomic
def synchronize(user: Any, names: Iterable[str], group_map: GroupMap) -> tuple[set[str], set[str]]:
    """Put a user into the groups that these names stand for, which are made when missing, and out
    of the others that the map manages. Returns which they have joined, and which they have left."""
    if not group_map:
        return set(), set()
    wanted = group_map.groups_of(names)
    held = {name for name in _names_of(user) if group_map.manages(name)}
    joined, left = wanted - held, held - wanted
    for name in sorted(joined):
        group, _ = Group.objects.get_or_create(name=name)
        user.groups.add(group)
    if left:
        user.groups.remove(*Group.objects.filter(name__in=left))
    return joined, left


def follow(request: HttpRequest, user: Any, names: Iterable[str], group_map: GroupMap) -> None:
    """Put a user who signs in into their groups, with an entry of the audit trail."""
    joined, left = synchronize(user, names, group_map)
    told = [("joined", joined), ("left", left)]
    detail = "; ".join(f"{what} {', '.join(sorted(which))}" for what, which in told if which)
    if detail:
        record(request, "follow-groups", user, detail=detail)


def names_in(claim: object) -> list[str]:
    """Return the names in a claim: providers send a list, or one name."""
    if isinstance(claim, str):
        return [claim]
    if isinstance(claim, list | tuple):
        return [str(name) for name in claim if isinstance(name, str | int)]
    return []


def _names_of(user: Any) -> Iterable[str]:
    names: Iterable[str] = user.groups.values_list("name", flat=True)
    return names
