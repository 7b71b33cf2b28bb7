"""The diagram of an execution's page: the open workspaces, their drawing, and what moves on it."""

from dataclasses import dataclass
from functools import cached_property

from executions.states import Place
from executions.views import visits
from executions.views.detail.subject import Subject
from flows.blocks.base import Port
from flows.diagram.drawing import BlockDrawing, Drawing, Visited, draw


@dataclass(frozen=True, slots=True)
class WorkspaceTab:
    key: str
    name: str
    url: str
    shown: bool
    #: Whether a token is inside.
    live: bool


@dataclass(frozen=True, slots=True)
class TokenDrawing:
    """A token where it stands in the workspace that is shown."""

    level: int
    block: str
    x: float
    y: float
    icon: str
    inner: bool
    title: str
    #: "block port" of the newest steps of its level: the way that it came.
    trail: str


class Diagram:
    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._graph = subject.graph
        self._address = subject.address

    @cached_property
    def workspaces(self) -> list[WorkspaceTab]:
        """The top-level workspace, those that a token is in, and the one that is asked for."""
        tokens, shown = self._subject.tokens, self._subject.workspace
        live = {token.workspace for token in tokens}
        keys = dict.fromkeys(["", *(t.workspace for t in tokens), shown])
        return [
            WorkspaceTab(
                key,
                self._graph.workspaces[key].name,
                self._address.url(workspace=key),
                key == shown,
                key in live,
            )
            for key in keys
            if key in self._graph.workspaces
        ]

    @property
    def follows(self) -> bool:
        """Whether the diagram opens the workspaces that the token enters."""
        return self._address.workspace is None

    @property
    def follow_url(self) -> str:
        """Switches following the token on or off."""
        return self._address.url(workspace=self._subject.workspace if self.follows else None)

    @cached_property
    def drawing(self) -> Drawing:
        return draw(self._graph, self._subject.workspace)

    @property
    def visited(self) -> Visited:
        """What is drawn as visited."""
        return self._subject.visits.drawn(self._subject.workspace)

    @cached_property
    def links(self) -> dict[str, str]:
        """Where the blocks lead that open a workspace."""
        return {
            block.opens: self._address.url(workspace=block.opens)
            for block in self.drawing.blocks
            if block.opens
        }

    @cached_property
    def hits(self) -> list[tuple[BlockDrawing, str, float]]:
        """The visited blocks of the workspace with how often, and how wide the pill is."""
        visited = self._subject.visits
        counted = ((block, visited.hits(block.key)) for block in self.drawing.blocks)
        told = ((block, visits.short(number)) for block, number in counted if number)
        return [(block, text, 10 + 6.6 * len(text)) for block, text in told]

    @cached_property
    def tokens(self) -> list[TokenDrawing]:
        """The tokens in the workspace that is shown."""
        execution, tokens = self._subject.execution, self._subject.tokens
        drawn = []
        for token in tokens:
            if token.workspace != self._subject.workspace:
                continue
            inner = token is tokens[-1]
            place = self.drawing.token_place(token.block, self._port() if inner else None)
            if place is None:
                continue
            node = self._graph.blocks[token.block]
            drawn.append(
                TokenDrawing(
                    level=token.level,
                    block=token.block,
                    x=place[0],
                    y=place[1],
                    icon=visits.token_icon(execution, inner),
                    inner=inner,
                    title=f"Token at {node.title}: {execution.status}"
                    if inner
                    else f"Token in the workspace {node.title}",
                    trail=",".join(
                        f"{step.block} {step.port}"
                        for step in self._subject.recent
                        if step.level == token.level
                    ),
                )
            )
        return drawn

    def _port(self) -> Port | None:
        """The port on which the position stands, when it is not before its block."""
        execution = self._subject.execution
        if execution.place == Place.EXCEPTION_PORT:
            return Port.EXCEPTION
        if execution.place == Place.PORT:
            steps = self._subject.recent
            left = [step.port for step in steps if step.block == execution.block and step.port]
            return Port(left[-1]) if left else Port.BOTTOM
        return None
