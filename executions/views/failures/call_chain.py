"""How an execution came to be called: the flows above it, and the block of each that called."""

from dataclasses import dataclass, replace

from executions import access
from executions.models import Execution, FailureGroup
from flows import queries

#: Executions above it that are told.
LONGEST = 20
_COLUMNS = ("pk", "flow_name", "version_id", "parent_id", "called_by")


@dataclass(frozen=True, slots=True)
class Call:
    """An execution of the chain, and the block that called the next one, or threw: its icon and
    title. `guides` are as many as are above it."""

    flow: str
    shape: str
    block: str
    url: str
    guides: range = range(0)


def call_chain(user: access.User, execution: Execution, group: FailureGroup) -> list[Call]:
    """Return the calls from the outermost execution that the user may see down to the block that
    threw."""
    calls = [_call(execution, group.block)]
    below, visible = execution, access.visible(user).only(*_COLUMNS)
    while below.parent_id is not None and len(calls) < LONGEST:
        parent = visible.filter(pk=below.parent_id).first()
        if parent is None:
            break
        calls.append(_call(parent, below.called_by))
        below = parent
    return [replace(call, guides=range(depth)) for depth, call in enumerate(reversed(calls))]


def _call(execution: Execution, key: str) -> Call:
    node = queries.compiled(execution.version_id).blocks.get(key)
    return Call(
        execution.flow_name,
        f"shape-{node.block.shape if node else 'action'}",
        node.title if node else "",
        execution.get_absolute_url(),
    )
