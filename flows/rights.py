"""What a person may do with which flows: read once a request, in one statement.

`flows.access` and `executions.access` ask here; everything else asks them.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from django.db import connection

from flows.models import Flow
from flows.roles import PERMISSIONS, SITE_PERMISSIONS, Role

#: Ids of flows; None means every flow.
FlowIds = frozenset[int] | None

_READ = """
WITH RECURSIVE held AS MATERIALIZED (
    SELECT role, flow_id, folder_id
    FROM flows_grant
    WHERE user_id = %(user)s
       OR group_id IN (SELECT group_id FROM auth_user_groups WHERE user_id = %(user)s)
), folders AS (
    SELECT folder_id, role FROM held WHERE folder_id IS NOT NULL
    UNION
    SELECT folder.id, folders.role
    FROM flows_folder folder JOIN folders ON folder.parent_id = folders.folder_id
), flows AS (
    SELECT flow_id, role FROM held WHERE flow_id IS NOT NULL
    UNION ALL
    SELECT flow.id, folders.role
    FROM flows_flow flow JOIN folders ON flow.folder_id = folders.folder_id
)
SELECT 'flow', flow.id, flow.name, max(flows.role)
FROM flows JOIN flows_flow flow ON flow.id = flows.flow_id
GROUP BY flow.id
UNION ALL
SELECT 'folder', folder_id, '', max(role) FROM folders GROUP BY folder_id
UNION ALL
SELECT 'site', 0, '', role FROM held WHERE flow_id IS NULL AND folder_id IS NULL
"""


@dataclass(frozen=True)
class Rights:
    """The rights of one person, or of one of their API tokens."""

    #: The highest role on the whole site; 0 for none.
    site: int = 0
    #: The highest role on each flow that a grant names, by the flow's id.
    roles: Mapping[int, int] = field(default_factory=dict)
    #: The highest role on each folder that a grant names, and on those below it.
    folders: Mapping[int, int] = field(default_factory=dict)
    #: The names of flows whose ids stand here.
    names: Mapping[int, str] = field(default_factory=dict)
    #: Those of `PERMISSIONS` that they have.
    permissions: frozenset[str] = frozenset()
    #: What they may do at most, and with which flows: less than everything for an API token, and
    #: nothing for those who have not signed in.
    most: int = Role.ADMINISTER
    within: FlowIds = None

    def flow_ids(self, role: Role) -> FlowIds:
        """Return the flows on which they have a role."""
        return self._ids(role, SITE_PERMISSIONS.get(role, ""))

    def flows_with(self, permission: str) -> FlowIds:
        """Return the flows on which they may do what one of `PERMISSIONS` allows on all."""
        return self._ids(PERMISSIONS[permission], permission)

    def own_flow_ids(self, role: Role) -> FlowIds:
        """Return the flows on whose executions they have a role because they started them."""
        return self.within if role <= min(self.most, Role.OPERATE) else frozenset()

    def may(self, role: Role, flow_id: int) -> bool:
        """Return whether they have a role on a flow."""
        ids = self.flow_ids(role)
        return ids is None or flow_id in ids

    def folder_ids(self, role: Role) -> frozenset[int] | None:
        """Return the folders on all flows of which they have a role; None for every folder."""
        if self.within is not None or role > self.most:
            return frozenset()
        if self.site >= role or SITE_PERMISSIONS.get(role, "") in self.permissions:
            return None
        return frozenset(one for one, held in self.folders.items() if held >= role)

    def has(self, permission: str) -> bool:
        """Return whether they may do what a permission allows, on the whole site."""
        return self.flows_with(permission) is None

    def names_of(self, ids: FlowIds) -> frozenset[str] | None:
        """Return the names of flows that these rights are about; None for every flow."""
        return None if ids is None else frozenset(self.names[one] for one in ids)

    def limited_to(self, role: int, flow_ids: FlowIds = None) -> "Rights":
        """Return these rights, up to a role, and with some flows only."""
        within = self.within if flow_ids is None else flow_ids
        if flow_ids is not None and self.within is not None:
            within = self.within & flow_ids
        names = dict(self.names)
        if within is not None and (unknown := within - names.keys()):
            names |= Flow.objects.filter(pk__in=unknown).values_list("pk", "name")
            within &= names.keys()
        return replace(self, most=min(self.most, role), within=within, names=names)

    @cached_property
    def _known(self) -> dict[tuple[Role, str], FlowIds]:
        return {}

    def _ids(self, role: Role, permission: str) -> FlowIds:
        key = (role, permission)
        if key not in self._known:
            self._known[key] = self._limited(role, permission)
        return self._known[key]

    def _limited(self, role: Role, permission: str) -> FlowIds:
        if role > self.most:
            return frozenset()
        if self.site >= role or permission in self.permissions:
            return self.within
        granted = frozenset(one for one, held in self.roles.items() if held >= role)
        return granted if self.within is None else granted & self.within


#: Those of people who have not signed in, or may not.
NO_RIGHTS = Rights(most=0, within=frozenset())
_SITE_ADMINISTRATOR = Rights(site=Role.ADMINISTER, permissions=frozenset(PERMISSIONS))


def rights_of(user: Any) -> Rights:
    """Return what a user may do. It is read once for each user object, so once a request.

    A user who came with an API token, `user.api_token`, may do no more than that allows: it names
    `scopes`, of which those that are roles count, and `flow_ids()`.
    """
    if not (user.is_authenticated and user.is_active):
        return NO_RIGHTS
    known: Rights | None = getattr(user, "_rights", None)
    if known is None:
        known = user._rights = _limited_by_token(_read(user), getattr(user, "api_token", None))
    return known


def _read(user: Any) -> Rights:
    if user.is_superuser:
        return _SITE_ADMINISTRATOR
    permissions = frozenset(one for one in PERMISSIONS if user.has_perm(one))
    if not getattr(user, "has_grants", True):  # read with the user of a request
        return Rights(permissions=permissions)
    held: dict[str, dict[int, int]] = {"flow": {}, "folder": {}, "site": {}}
    names = dict[int, str]()
    with connection.cursor() as cursor:
        cursor.execute(_READ, {"user": user.pk})
        for kind, key, name, role in cursor.fetchall():
            held[kind][key] = max(role, held[kind].get(key, 0))
            if kind == "flow":
                names[key] = name
    site = held["site"].get(0, 0)
    return Rights(site, held["flow"], held["folder"], names, permissions)


def _limited_by_token(rights: Rights, token: Any) -> Rights:
    if token is None:
        return rights
    return rights.limited_to(highest(token.scopes), token.flow_ids())


def highest(scopes: Collection[str]) -> int:
    """Return the highest role that some scopes name; 0 for none."""
    return max((role for role in Role if role.name.lower() in scopes), default=0)
