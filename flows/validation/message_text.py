"""Parts of messages: what a block is called, and which name was probably meant. Pure."""

from collections.abc import Iterable
from difflib import get_close_matches

from flows.graph import BlockNode, WorkspaceNode, document_path


def did_you_mean(wanted: str, known: Iterable[str]) -> str:
    """Return the end of a sentence about an unknown name: a question when a known one is close."""
    folded = {name.casefold(): name for name in known}
    close = get_close_matches(wanted.casefold(), folded, n=1)
    return f"; did you mean '{folded[close[0]]}'?" if close else "."


def block_label(node: BlockNode) -> str:
    """Return what messages call a block."""
    return f"Block {node.description or node.key}"


def workspace_path(workspace: WorkspaceNode) -> tuple[str | int, ...]:
    """Return where a workspace is in the flow document."""
    return document_path(workspace.key) if workspace.key else ()
