"""Whose secrets an execution holds or may hold. Others must not make it reveal them.

A flow gets secrets from its inputs, from its blocks (a file, a response), and from the flows that
it runs. An execution also counts as holding the secrets of those above it, because its outputs go
to them.
"""

from collections.abc import Iterable
from uuid import UUID

from executions import access
from executions.engine import secrets
from executions.store.lifecycle import secret_storage
from flows import queries
from flows.graph import FlowGraph
from flows.models import Variable
from flows.value_sources import Literal


def holds_secrets_of_others(execution_id: UUID, user: access.User) -> bool:
    """Whether the execution, or one above it, holds a secret that the user did not provide, or runs
    a flow that may get one."""
    family = secret_storage.givers(execution_id)
    if any(holds and giver != user.pk for _, holds, giver in family):
        return True
    return may_gain_secrets(version_id for version_id, _, _ in family)


def may_gain_secrets(version_ids: Iterable[int]) -> bool:
    """Whether one of these flow versions, or a flow that they run, gets secrets other than by its
    inputs. An expression may name any flow."""
    ahead, seen = list(version_ids), set[int]()
    while ahead:
        version_id = ahead.pop()
        if version_id in seen:
            continue
        seen.add(version_id)
        graph = queries.compiled(version_id)
        if secrets.may_acquire_secrets(graph):
            return True
        for name in _runs(graph):
            if name is None:
                if Variable.objects.filter(is_secret=True).exists():
                    return True
            elif (version := queries.latest_published(name)) is not None:
                ahead.append(version.pk)
    return False


def _runs(graph: FlowGraph) -> set[str | None]:
    """The names of the flows that a flow runs; None among them where one is computed."""
    found: set[str | None] = set()
    for node in graph.blocks.values():
        if node.block.type in ("Run Flow", "Run Flow Async"):
            source = node.sources.get("Flow")
            name = source.value if isinstance(source, Literal) else None
            found.add(name if isinstance(name, str) else None)
    return found
