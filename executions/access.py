"""Who may see, control and debug which executions. Pages, WebSockets, admin and commands ask here.

Signed-in users see and control what they started; roles on flows, on folders and on the whole site
allow more (`flows.rights`, docs/permissions.md). Functions take the name of an execution's flow,
which every row, event and log line of an execution has.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.db.models import CharField, Lookup, Q, QuerySet
from django.http import Http404

from executions.models import Execution
from flows.rights import FlowIds, rights_of
from flows.roles import Role

User = AbstractUser | AnonymousUser

#: The permission to debug, for which the role of that name stands.
DEBUG = "executions.debug_execution"
#: What people read about an execution that is not there for them.
NOT_FOUND = "This execution does not exist, or you may not see it."


@CharField.register_lookup
class AnyOf(Lookup):
    """One of a list that is one parameter: with hundreds of names, `in` takes longer to be written
    down than to be answered."""

    lookup_name = "any_of"

    def get_prep_lookup(self) -> list[str]:
        return list(self.rhs)

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        column, params = self.process_lhs(compiler, connection)
        return f"{column} = ANY(%s::text[])", [*params, self.rhs]


def _of_flows(names: frozenset[str]) -> Q:
    # Of one flow, the index also gives the order.
    return Q(flow_name=next(iter(names))) if len(names) == 1 else Q(flow_name__any_of=sorted(names))


@dataclass(frozen=True, slots=True)
class ExecutionSet:
    """The executions of some flows, and those that a user started. Users with equal sets see the
    same."""

    #: The names of the flows; None for every flow.
    flows: frozenset[str] | None
    #: Who started the others, and of which flows they count; None for every flow.
    initiator_id: int | None = None
    own_flows: frozenset[str] | None = None

    @property
    def is_all(self) -> bool:
        """Whether these are all executions."""
        return self.flows is None

    def includes(self, initiator_id: int | None, flow_name: str) -> bool:
        """Return whether an execution of that initiator and flow is one of them."""
        if self.flows is None or flow_name in self.flows:
            return True
        if initiator_id is None or initiator_id != self.initiator_id:
            return False
        return self.own_flows is None or flow_name in self.own_flows

    def whose(self, flow_name: str) -> int | None:
        """Return who has started those of a flow: None for everybody, 0 for nobody."""
        if self.flows is None or flow_name in self.flows:
            return None
        if self.own_flows is not None and flow_name not in self.own_flows:
            return 0
        return self.initiator_id or 0

    def condition(self) -> Q:
        """Return the condition for executions, and for tables with the same two columns."""
        if self.flows is None:
            return Q()
        return self._own | _of_flows(self.flows) if self.flows else self._own

    @property
    def _own(self) -> Q:
        if self.initiator_id is None:
            return Q(pk__in=[])
        own = Q(initiator_id=self.initiator_id)
        return own if self.own_flows is None else own & _of_flows(self.own_flows)

    def parts(self, most: int) -> list["ExecutionSet"]:
        """Return smaller sets that are this one together: each flow, and what the user started.
        Each has an index in the order of time, and they may overlap. The set itself, where there
        were more than so many."""
        if not self.flows or len(self.flows) >= most:
            return [self]
        own = [] if self.initiator_id is None else [replace(self, flows=frozenset())]
        return [*(ExecutionSet(frozenset({flow})) for flow in sorted(self.flows)), *own]

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of `SEEN`."""
        return {
            "seen_all": self.flows is None,
            "seen_flows": sorted(self.flows or ()),
            "seen_initiator": self.initiator_id,
            "seen_own": None if self.own_flows is None else sorted(self.own_flows),
        }


EVERY_EXECUTION = ExecutionSet(None)
#: `ExecutionSet.condition` in SQL, with its `params`.
SEEN = """(
    %(seen_all)s OR flow_name = ANY(%(seen_flows)s::text[]) OR (
        initiator_id = %(seen_initiator)s
        AND (%(seen_own)s::text[] IS NULL OR flow_name = ANY(%(seen_own)s::text[]))
    )
)"""


@lru_cache(maxsize=10_000)
def _interned(executions: ExecutionSet) -> ExecutionSet:
    """Return one object for all sets that are equal: comparing large ones takes time."""
    return executions


def _executions(user: User, flows: FlowIds, role: Role) -> ExecutionSet:
    """The executions of some flows, and those that the user started, where that gives the role."""
    if flows is None:
        return EVERY_EXECUTION
    rights = rights_of(user)
    own, names = rights.own_flow_ids(role), rights.names_of(flows)
    initiator_id = user.pk if own is None or own else None
    return _interned(ExecutionSet(names, initiator_id, rights.names_of(own)))


def seen(user: User) -> ExecutionSet:
    """Return the executions that the user may see."""
    return _executions(user, rights_of(user).flow_ids(Role.SEE), Role.SEE)


def own(user: User) -> ExecutionSet:
    """Return the executions that the user may see because they started them."""
    return _executions(user, frozenset(), Role.SEE)


def controlled(user: User) -> ExecutionSet:
    """Return the executions that the user may control, if they see them."""
    return _executions(user, rights_of(user).flow_ids(Role.OPERATE), Role.OPERATE)


def sees_all(user: User) -> bool:
    """Return whether the user may see every execution."""
    return seen(user).is_all


def sees_some(user: User) -> bool:
    """Return whether the user may see every execution of at least one flow."""
    flows = seen(user).flows
    return flows is None or bool(flows)


def seen_flows(user: User) -> FlowIds:
    """Return the ids of the flows of which the user may see every execution; None for all."""
    return rights_of(user).flow_ids(Role.SEE)


def visible(user: User) -> QuerySet[Execution]:
    """Return the executions that the user may see."""
    return Execution.objects.filter(seen(user).condition())


def seen_ids(user: User, ids: Iterable[UUID | None]) -> set[UUID]:
    """Return those of some ids whose executions exist and the user may see."""
    asked = [one for one in ids if one is not None]
    return set(visible(user).filter(pk__in=asked).values_list("pk", flat=True)) if asked else set()


def get_or_404(user: User, execution_id: Any) -> Execution:
    """Return an execution that the user may see. Raises Http404 when there is none."""
    execution = visible(user).select_related("version__flow").filter(pk=execution_id).first()
    if execution is None:
        raise Http404(NOT_FOUND)
    return execution


def may_control(user: User, initiator_id: int | None, flow_name: str) -> bool:
    """Return whether the user may pause, continue, step or stop such an execution."""
    return controlled(user).includes(initiator_id, flow_name)


def condition(user: User, *permissions: str) -> Q:
    """Return the condition for the executions that the user controls, if they see them, and for
    whose flows they have some permissions, or the roles that stand for these."""
    rights = rights_of(user)
    found = controlled(user).condition()
    for permission in permissions:
        names = rights.names_of(rights.flows_with(permission))
        if names is not None:
            found &= _of_flows(names)
    return found


def allows(user: User, permission: str, flow_name: str) -> bool:
    """Return whether the user has a permission, or the role that stands for it on a flow."""
    rights = rights_of(user)
    names = rights.names_of(rights.flows_with(permission))
    return names is None or flow_name in names


def allows_somewhere(user: User, permission: str) -> bool:
    """Return whether the user has a permission, or the role that stands for it on any flow."""
    ids = rights_of(user).flows_with(permission)
    return ids is None or bool(ids)


def may_start(user: User, flow_name: str) -> bool:
    """Return whether the user may start a flow, given its name."""
    return allows(user, "flows.start_flow", flow_name)


def has_debug_permission(user: User, flow_name: str) -> bool:
    """Return whether the user may debug the executions of a flow that they control: step, set
    breakpoints, start paused, and change how one continues."""
    return allows(user, DEBUG, flow_name)


def may_debug(user: User, initiator_id: int | None, flow_name: str) -> bool:
    """Return whether the user may debug such an execution."""
    return may_control(user, initiator_id, flow_name) and has_debug_permission(user, flow_name)


def next_debugger(asker_id: int | None, asker: str, execution: Execution) -> tuple[int | None, str]:
    """Return who has asked to debug an execution, if they still may; else nobody."""
    user = get_user_model()._default_manager.filter(pk=asker_id).first() if asker_id else None
    may = user and may_debug(user, execution.initiator_id, execution.flow_name)
    return (asker_id, asker) if may else (None, "")


def has_debug_secrets_permission(user: User) -> bool:
    """Return whether the user may also change how executions with secrets of others continue."""
    return rights_of(user).has("executions.debug_secrets")
