"""Saves documents as drafts, and publishes drafts."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from django.db import transaction
from django.utils import timezone

from flows import files, queries
from flows.blocks import BY_TYPE
from flows.blocks.base import Port
from flows.graph import FlowGraph, InvalidFlow, Message, build
from flows.models import Block, Connection, Flow, FlowVersion, Note, Variable, Workspace
from flows.validation import reachable, validate
from flows.validation.message_text import block_label
from flows.value_sources import Literal

Document = Mapping[str, Any]


class DraftExists(Exception):
    """The flow already has a draft; it may have only one."""


class SavedDraft(NamedTuple):
    """The version that holds a document, and whether saving has changed it."""

    version: FlowVersion
    changed: bool


def validation_messages(document: Document) -> list[Message]:
    """Return the messages that prevent a document from being published."""
    graph, found = build(document)
    return found + validate(graph) + _processes_run(graph)


def _processes_run(graph: FlowGraph) -> list[Message]:
    """Return a message for each block of an activity that runs a process (semantics 66).

    The kind of a flow never changes. Flows that an expression names, or that are added later,
    are checked when the block runs.
    """
    if graph.kind == Flow.Kind.PROCESS:
        return []
    named = [
        (graph.blocks[key], name, str(source.value))
        for key in reachable(graph)
        for name, source in graph.blocks[key].sources.items()
        if name == "Flow" and isinstance(source, Literal)
    ]
    flows = Flow.objects.filter(name__in=[flow for *_, flow in named], kind=Flow.Kind.PROCESS)
    processes = set(flows.values_list("name", flat=True))
    return [
        Message(
            block_label(node),
            f"'{flow}' is a process, which an activity cannot run.",
            "Make this flow a process too, or run an activity.",
            (*node.path, "properties", name),
        )
        for node, name, flow in named
        if flow in processes
    ]


@transaction.atomic
def save_draft(document: Document) -> SavedDraft:
    """Save a canonical document as its flow's draft, replacing the one that is there.

    When the newest version holds the same document, nothing changes. The document must be
    structurally valid, as `flows.files` ensures. Raises InvalidFlow when it changes the kind.
    """
    flow, created = Flow.objects.get_or_create(
        name=document["flow"],
        defaults={
            "kind": document.get("kind", Flow.Kind.ACTIVITY),
            "description": document.get("description", ""),
        },
    )
    flow = Flow.objects.select_for_update().get(pk=flow.pk)
    newest = flow.versions.select_related("flow").order_by("-number").first()
    if not created and document.get("kind", Flow.Kind.ACTIVITY) != flow.kind:
        raise InvalidFlow(
            [
                Message(
                    f"Flow {flow.name}",
                    f"The kind of this flow is {flow.kind}, and cannot change.",
                    "Write that kind, or give the flow another name.",
                    ("kind",),
                )
            ]
        )
    wanted = files.digest(document)
    if newest and digest_of(newest) == wanted:
        return SavedDraft(newest, changed=False)
    if newest is None or not newest.is_draft:
        newest = FlowVersion(flow=flow, number=newest.number + 1 if newest else 1)
    else:
        newest.workspaces.all().delete()
    newest.description = document.get("description", "")
    newest.digest = wanted
    newest.save()
    _insert(newest, document)
    return SavedDraft(newest, changed=True)


@transaction.atomic
def new_draft(version: FlowVersion) -> FlowVersion:
    """Copy a version to a new draft of its flow. Raises DraftExists."""
    flow = Flow.objects.select_for_update().get(pk=version.flow_id)
    newest = flow.versions.order_by("-number").first()
    assert newest is not None
    if newest.is_draft:
        raise DraftExists(f"There is already a draft, {newest}. Edit or delete that one.")
    draft = FlowVersion.objects.create(
        flow=flow,
        number=newest.number + 1,
        description=version.description,
        digest=version.digest,
    )
    _insert(draft, queries.document(version))
    return draft


@transaction.atomic
def publish(version: FlowVersion, user: Any = None) -> FlowVersion:
    """Publish a draft, permanently. A published version is returned unchanged.

    Raises InvalidFlow with the messages that prevent it.
    """
    locked = (
        FlowVersion.objects.select_related("flow")
        .select_for_update(of=("self",))
        .get(pk=version.pk)
    )
    if not locked.is_draft:
        return locked
    document = queries.document(locked)
    found = validation_messages(document)
    if found:
        raise InvalidFlow(found)
    locked.digest = files.digest(document)
    locked.published_at = timezone.now()
    locked.published_by = user
    locked.save(update_fields=["digest", "published_at", "published_by"])
    Flow.objects.filter(pk=locked.flow_id).update(description=locked.description)
    return locked


def digest_of(version: FlowVersion) -> str:
    """Return the digest of a version; a draft's is computed, since the admin edits its rows."""
    return files.digest(queries.document(version)) if version.is_draft else version.digest


# Rows ----------------------------------------------------------------------------------------


def _insert(version: FlowVersion, document: Document) -> None:
    """Insert the rows of a document: one query for each depth of workspaces, and four more."""
    parts: dict[str, tuple[str | None, str, Document]] = {"": (None, "Top-level", document)}
    for key, block in _blocks(document, ""):
        if BY_TYPE[block["type"].casefold()].opens_workspace:
            name = block.get("description") or block["type"]
            parts[key] = (key.rpartition("/")[0], name, block)
    workspaces: dict[str, Workspace] = {}
    for depth in range(max(_depth(key) for key in parts) + 1):
        level = [
            Workspace(
                version=version,
                key=key,
                name=name,
                parent=None if parent is None else workspaces[parent],
            )
            for key, (parent, name, _) in parts.items()
            if _depth(key) == depth
        ]
        workspaces |= {w.key: w for w in Workspace.objects.bulk_create(level)}
    Variable.objects.bulk_create(
        _variable(workspaces[key], order, name, definition)
        for key, (_, _, part) in parts.items()
        for order, (name, definition) in enumerate((part.get("variables") or {}).items())
    )
    found = list(_blocks(document, ""))
    rows = Block.objects.bulk_create(
        _block(version, workspaces[key.rpartition("/")[0]], order, key, block)
        for order, (key, block) in enumerate(found)
    )
    by_key = {row.key: row for row in rows}
    Note.objects.bulk_create(
        _note(workspaces[key], order, definition, by_key)
        for key, (_, _, part) in parts.items()
        for order, definition in enumerate(part.get("notes") or ())
    )
    Connection.objects.bulk_create(
        Connection(
            source=by_key[key],
            port=port.value,
            target=by_key[_path(key.rpartition("/")[0], block[port])],
        )
        for key, block in found
        for port in Port
        if port in block
    )


def _blocks(part: Document, workspace: str) -> Iterator[tuple[str, Document]]:
    """Yield every block with its full key, in the order of the document."""
    for local, block in part["blocks"].items():
        key = _path(workspace, local)
        yield key, block
        if "blocks" in block:
            yield from _blocks(block, key)


def _path(workspace: str, local: str) -> str:
    return f"{workspace}/{local}" if workspace else local


def _depth(key: str) -> int:
    return key.count("/") + 1 if key else 0


def _variable(workspace: Workspace, order: int, name: str, definition: Document) -> Variable:
    return Variable(
        workspace=workspace,
        name=name,
        description=definition.get("description", ""),
        type=definition.get("type", ""),
        has_default="default" in definition,
        default=definition.get("default"),
        is_input=definition.get("input", False),
        is_output=definition.get("output", False),
        is_secret=definition.get("secret", False),
        order=order,
    )


def _note(
    workspace: Workspace, order: int, definition: Document, blocks: Mapping[str, Block]
) -> Note:
    about = definition.get("block")
    x, y = definition.get("at", (None, None))
    width, height = definition.get("size", (None, None))
    return Note(
        workspace=workspace,
        text=definition["text"],
        block=blocks[_path(workspace.key, about)] if about else None,
        x=x,
        y=y,
        width=width,
        height=height,
        order=order,
    )


def _block(
    version: FlowVersion, workspace: Workspace, order: int, key: str, block: Document
) -> Block:
    x, y = block.get("position", (None, None))
    return Block(
        workspace=workspace,
        version=version,
        key=key,
        type=block["type"],
        description=block.get("description", ""),
        properties=block.get("properties", {}),
        x=x,
        y=y,
        order=order,
    )
