"""The compiled form of a flow version: workspaces, blocks, ports and variables by key.

Pure. It is built from a flow document (see docs/flow-files.md); `flows.validation` says what is
wrong with one. Keys are paths: "report/check" is the block `check` in the workspace that the block
`report` opens; the top-level workspace has the key "".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from flows import value_sources
from flows.blocks import BY_TYPE, types_named
from flows.blocks.base import Block, Port, Property
from flows.blocks.missing import MissingBlock
from flows.expressions import ExpressionError
from flows.output_targets import Target, targets_of
from flows.value_sources import Source

#: What people read when they name a block that a flow does not have.
NO_SUCH_BLOCK = "This block does not exist in the flow."


@dataclass(frozen=True, slots=True)
class Message:
    """Something wrong with a flow (semantics 91): where, what in short, and what to do.

    `path` leads to it in the flow document, e.g. ("blocks", "read", "properties", "Text").
    """

    location: str
    summary: str
    details: str
    path: tuple[str | int, ...] = ()


class InvalidFlow(Exception):
    """A flow that cannot be compiled or started. `messages` say why."""

    def __init__(self, messages: list[Message]) -> None:
        super().__init__("; ".join(f"{m.location}: {m.summary}" for m in messages))
        self.messages = messages


@dataclass(frozen=True, slots=True)
class VariableNode:
    name: str
    description: str
    type: str
    has_default: bool
    default: Source
    is_input: bool
    is_output: bool
    #: Its value is never shown (docs/secrets.md).
    is_secret: bool = False

    def __post_init__(self) -> None:
        """A variable for a secret text is secret itself."""
        if self.type == "Secret Text":
            object.__setattr__(self, "is_secret", True)


@dataclass(frozen=True, slots=True)
class BlockNode:
    """A block: `sources` holds every property of its type, defaults included."""

    key: str
    block: Block
    description: str
    workspace: str
    sources: Mapping[str, Source]
    #: Where its output properties are saved.
    targets: tuple[Target, ...]
    ports: Mapping[Port, str]
    position: tuple[int, int] | None

    @property
    def title(self) -> str:
        return self.description or self.block.name

    @property
    def path(self) -> tuple[str | int, ...]:
        return document_path(self.key)


@dataclass(frozen=True, slots=True)
class NoteNode:
    """A text on the canvas of a workspace."""

    text: str
    #: The whole key of the block that it is about, or "".
    block: str
    #: Its upper left corner, and its width and height, in pixels.
    at: tuple[int, int] | None
    size: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class WorkspaceNode:
    key: str
    name: str
    parent: str | None
    variables: tuple[VariableNode, ...]
    blocks: tuple[str, ...]
    #: The block at which a token begins: Start Flow or Start Workspace.
    start: str
    #: Its Handle Workspace Exception block, or "".
    handler: str
    notes: tuple[NoteNode, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class FlowGraph:
    """A whole flow. Graphs are compared, and cached for, by identity."""

    name: str
    kind: str
    description: str
    workspaces: Mapping[str, WorkspaceNode]
    blocks: Mapping[str, BlockNode]
    #: The Handle Flow Exception block, or "": then an unhandled exception just ends the flow, as
    #: the original's default handler does (semantics 43, 44).
    flow_handler: str = ""

    @property
    def top(self) -> WorkspaceNode:
        return self.workspaces[""]

    @property
    def inputs(self) -> tuple[VariableNode, ...]:
        return tuple(v for v in self.top.variables if v.is_input)

    @property
    def outputs(self) -> tuple[VariableNode, ...]:
        return tuple(v for v in self.top.variables if v.is_output)

    def receivers(self, workspace: str) -> dict[str, str]:
        """Return the receivers of a workspace: key or description, as a Wireless Sender names it →
        full key. Of two with the same description, the first counts."""
        nodes = [self.blocks[key] for key in self.workspaces[workspace].blocks]
        found = [node for node in nodes if node.block.type == "Wireless Receiver"]
        called = {node.description: node.key for node in reversed(found) if node.description}
        return called | {node.key.rpartition("/")[2]: node.key for node in found}

    def scopes(self, workspace: str) -> Iterator[WorkspaceNode]:
        """Return the workspace and its ancestors, closest first (semantics 15, 17)."""
        key: str | None = workspace
        while key is not None:
            node = self.workspaces[key]
            yield node
            key = node.parent


def document_path(key: str) -> tuple[str | int, ...]:
    """Return the path of a block in the flow document: "a/b" → blocks, a, blocks, b."""
    path: list[str | int] = []
    for part in key.split("/"):
        path += ["blocks", part]
    return tuple(path)


@dataclass(slots=True)
class _Builder:
    document: Mapping[str, Any]
    #: Whether a block of an unknown type keeps its place.
    keeps_missing: bool = False
    messages: list[Message] = field(default_factory=list)
    workspaces: dict[str, WorkspaceNode] = field(default_factory=dict)
    blocks: dict[str, BlockNode] = field(default_factory=dict)
    flow_handler: str = ""
    #: Workspaces in the order in which the document opens them.
    opened: list[str] = field(default_factory=list)

    def say(self, location: str, summary: str, details: str, *path: str | int) -> None:
        self.messages.append(Message(location, summary, details, path))

    def source(self, raw: Any, location: str, path: tuple[str | int, ...]) -> Source:
        try:
            return value_sources.parse(raw)
        except ExpressionError as error:
            self.say(location, "The expression is not valid.", str(error), *path)
        except (TypeError, ValueError) as error:
            self.say(location, "The value is not valid.", str(error), *path)
        return value_sources.Literal(None)

    def targets(
        self, title: str, prop: Property, source: Source, path: tuple[str | int, ...]
    ) -> tuple[Target, ...]:
        """Where an output property is saved; what is read and saved back is one variable."""
        try:
            found = targets_of(prop.name, source)
            if prop.reads and any(target.taken for target in found):
                raise ValueError(f"{prop.name} is read and written. It needs one variable.")
        except ValueError as problem:
            apart = "" if prop.reads else " {Key: ($)Name} takes it apart."
            how = f"Write ($)Name, ($)Name.Part[0], or ($)_ to discard it.{apart}"
            self.say(title, str(problem), how, *path)
            return ()
        return found

    def workspace(self, key: str, name: str, parent: str | None, part: Mapping[str, Any]) -> None:
        self.opened.append(key)
        path = document_path(key) if key else ()
        variables = tuple(
            self.variable(name, definition or {}, (*path, "variables", name))
            for name, definition in (part.get("variables") or {}).items()
        )
        keys = []
        for local, definition in (part.get("blocks") or {}).items():
            full = f"{key}/{local}" if key else str(local)
            if self.block(full, key, definition):
                keys.append(full)
        of_type = {self.blocks[k].block.type: k for k in keys}
        self.workspaces[key] = WorkspaceNode(
            key=key,
            name=name,
            parent=parent,
            variables=variables,
            blocks=tuple(keys),
            start=of_type.get("Start Flow" if parent is None else "Start Workspace", ""),
            handler=of_type.get("Handle Workspace Exception", "") if parent is not None else "",
            notes=tuple(_note(key, definition) for definition in part.get("notes") or ()),
        )
        if parent is None:
            self.flow_handler = of_type.get("Handle Flow Exception", "")

    def variable(
        self, name: str, definition: Mapping[str, Any], path: tuple[str | int, ...]
    ) -> VariableNode:
        has_default = "default" in definition
        return VariableNode(
            name=name,
            description=definition.get("description", ""),
            type=definition.get("type", ""),
            has_default=has_default,
            default=self.source(definition.get("default"), f"Variable {name}", (*path, "default")),
            is_input=bool(definition.get("input")),
            is_output=bool(definition.get("output")),
            is_secret=bool(definition.get("secret")),
        )

    def block(self, key: str, workspace: str, definition: Mapping[str, Any]) -> bool:
        path = document_path(key)
        kind = BY_TYPE.get(str(definition["type"]).casefold())
        if kind is None and self.keeps_missing:
            kind = MissingBlock(str(definition["type"]))
            definition = {**definition, "properties": {}}
        if kind is None:
            self.say(
                f"Block {key}",
                *unknown_type(definition["type"]),
                *path,
                "type",
            )
            return False
        title = f"Block {definition.get('description') or key}"
        given = definition.get("properties") or {}
        known = {prop.name: prop for prop in kind.properties}
        for name in given:
            if name not in known:
                wanted = ", ".join(known) or "none"
                self.say(
                    title,
                    f"{kind.type} has no property {name}.",
                    f"Its properties are: {wanted}.",
                    *path,
                    "properties",
                    name,
                )
        inputs: dict[str, Source] = {}
        targets: list[Target] = []
        for name, prop in known.items():
            raw = given.get(name, prop.default)
            where = (*path, "properties", name)
            source = self.source(raw, title, where)
            if prop.reads:
                inputs[name] = source
            if prop.writes and name in given:
                targets += self.targets(title, prop, source, where)
        self.blocks[key] = BlockNode(
            key=key,
            block=kind,
            description=definition.get("description", ""),
            workspace=workspace,
            sources=inputs,
            targets=tuple(targets),
            ports={
                Port(port): f"{workspace}/{definition[port]}" if workspace else definition[port]
                for port in Port
                if port in definition
            },
            position=tuple(definition["position"]) if "position" in definition else None,
        )
        if kind.opens_workspace:
            self.workspace(key, definition.get("description") or kind.type, workspace, definition)
        return True


def _note(workspace: str, definition: Mapping[str, Any]) -> NoteNode:
    block = definition.get("block", "")
    return NoteNode(
        text=definition["text"],
        block=f"{workspace}/{block}" if workspace and block else block,
        at=tuple(definition["at"]) if "at" in definition else None,
        size=tuple(definition["size"]) if "size" in definition else None,
    )


def build(
    document: Mapping[str, Any], *, keeps_missing: bool = False
) -> tuple[FlowGraph, list[Message]]:
    """The graph of a structurally valid flow document, and what could not be compiled of it.

    The document's structure is what docs/flow.schema.json says; hold it against that first. With
    `keeps_missing`, a block whose type is unknown keeps its place and throws.
    """
    builder = _Builder(document, keeps_missing)
    builder.workspace("", "Top-level", None, document)
    graph = FlowGraph(
        name=document["flow"],
        kind=document.get("kind", "activity"),
        description=document.get("description", ""),
        workspaces={key: builder.workspaces[key] for key in builder.opened},
        blocks=builder.blocks,
        flow_handler=builder.flow_handler,
    )
    return graph, builder.messages


def unknown_type(name: str) -> tuple[str, str]:
    """Return what is said about a type that no block has, or that several have."""
    if choices := types_named(name):
        return (
            f"Several palettes have a block {name}.",
            f"Write one of: {', '.join(choices)}.",
        )
    return f"There is no block type {name}.", "The block types are listed in docs/blocks.md."
