"""The diagram on the page of an execution: open workspaces, their drawing, and its overlays.

The drawing never changes and is sent once. Visits, times, breakpoints and tokens are separate parts
that lie over it.
"""

from dataclasses import dataclass
from functools import cached_property

from executions.engine.debugging import Breakpoint
from executions.retention.trimming import trimmed_steps
from executions.views import visits
from executions.views.address import OPEN, OVERLAYS
from executions.views.detail.rows import trimmed_text
from executions.views.detail.subject import Subject
from executions.views.detail.tokens import (
    ChildStack,
    Ghost,
    TokenDrawing,
    drawn,
    ghosts,
    of_children,
)
from flows.diagram.drawing import BlockDrawing, Drawing, Visited, draw

#: Steps of colour for the time that blocks took.
HEAT = 5


@dataclass(frozen=True, slots=True)
class WorkspaceTab:
    key: str
    name: str
    url: str
    shown: bool
    #: Whether a token is inside.
    live: bool
    #: The page without it, when it can be closed.
    close_url: str


@dataclass(frozen=True, slots=True)
class Mark:
    """The text beside a block, the width of its pill, and the block's heat (0 for none)."""

    block: BlockDrawing
    text: str
    width: float
    title: str
    heat: int = 0


@dataclass(frozen=True, slots=True)
class BreakpointBar:
    """A breakpoint."""

    block: BlockDrawing
    x: float
    y: float
    enabled: bool
    title: str


class Diagram:
    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._graph = subject.graph
        self._address = subject.address

    # The workspaces ---------------------------------------------------------------------------

    @cached_property
    def workspaces(self) -> list[WorkspaceTab]:
        """The top-level workspace, those that a token is in, those kept open, and the one that is
        asked for. Each one's address keeps the others open."""
        shown = self._subject.workspace
        live = dict.fromkeys(token.workspace for token in self._subject.tokens)
        keys = list(dict.fromkeys(["", *live, *self._address.open, shown]))
        opened = [key for key in keys if key and key not in live]
        return [
            WorkspaceTab(
                key,
                self._graph.workspaces[key].name,
                self._address.url(workspace=key, open=_others(opened, key)),
                key == shown,
                key in live,
                self._close_url(key, opened) if key in opened else "",
            )
            for key in keys
        ]

    def _close_url(self, key: str, opened: list[str]) -> str:
        parent = self._graph.workspaces[key].parent or ""
        there = parent if key == self._subject.workspace else self._address.workspace
        return self._address.url(workspace=there, open=_others(opened, key))

    @property
    def follows(self) -> bool:
        """Whether the diagram opens the workspaces that the token enters."""
        return self._address.workspace is None

    @property
    def follow_url(self) -> str:
        """Switches following the token on or off."""
        return self._address.url(workspace=self._subject.workspace if self.follows else None)

    # The drawing ------------------------------------------------------------------------------

    @cached_property
    def drawing(self) -> Drawing:
        return draw(self._graph, self._subject.workspace)

    @property
    def source(self) -> str:
        """What the drawing is made of: a version never changes."""
        return f"{self._subject.past.version_id} {self._subject.workspace}"

    @property
    def links(self) -> dict[str, str]:
        """Where the blocks lead that open a workspace: only what that changes of the address."""
        opened = (block.opens for block in self.drawing.blocks if block.opens)
        return {key: f"?workspace={key}" for key in opened}

    @cached_property
    def visited(self) -> Visited:
        """What is drawn as visited."""
        return self._subject.visits.drawn(self._subject.workspace)

    @property
    def visited_blocks(self) -> str:
        """The keys of the visited blocks, for the script that marks them on the drawing."""
        return ",".join(sorted(self.visited.blocks))

    @property
    def visited_wires(self) -> str:
        return ",".join(sorted(f"{key} {port}" for key, port in self.visited.wires))

    # What lies over it ------------------------------------------------------------------------

    @cached_property
    def marks(self) -> list[Mark]:
        """What is written beside the visited blocks."""
        if self._address.overlay == "none":
            return []
        if self._address.overlay == "time":
            return self._times()
        visited = self._subject.visits
        return [
            _mark(block, visits.short_count(number), f"{block.title}: {number:,} visits")
            for block in self.drawing.blocks
            if (number := visited.hits(block.key))
        ]

    @cached_property
    def durations(self) -> dict[str, int]:
        """The microseconds that the blocks of the workspace had taken at the moment shown."""
        subject = self._subject
        return visits.times(subject.past.durations, self._graph, subject.workspace)

    def _times(self) -> list[Mark]:
        longest = max(self.durations.values(), default=0)
        marks = []
        for block in self.drawing.blocks:
            if not self._subject.visits.hits(block.key):
                continue
            microseconds = self.durations[block.key]
            text = visits.step_duration(microseconds)
            heat = 1 + min(HEAT - 1, HEAT * microseconds // longest) if longest else 1
            marks.append(_mark(block, text, f"{block.title}: {text} in all", heat))
        return marks

    @property
    def longest(self) -> str:
        """The time of the block that took longest, for the legend; "" when none is shown."""
        if self._address.overlay != "time" or not self.marks:
            return ""
        return visits.step_duration(max(self.durations.values(), default=0))

    @property
    def trimmed_text(self) -> str:
        """What the times leave out, in words; "" for nothing."""
        if self._address.overlay != "time":
            return ""
        step, count = self._subject.past.step, self._subject.execution.step_count
        trimmed = trimmed_text(count) if step >= trimmed_steps(count).start else ""
        return f"{trimmed} Their times are left out." if trimmed else ""

    @property
    def overlays(self) -> list[tuple[str, str, bool]]:
        """What may be written beside the blocks: name, address, whether it is shown."""
        return [
            (name, self._address.url(overlay=name), name == self._address.overlay)
            for name in OVERLAYS
        ]

    @cached_property
    def bars(self) -> list[BreakpointBar]:
        """The breakpoints of the workspace that is shown."""
        plan = self._subject.plan
        return [
            BreakpointBar(block, *block.bar, held.enabled, _breakpoint_title(block, held))
            for block in self.drawing.blocks
            if (held := plan.breakpoints.get(block.key))
        ]

    @cached_property
    def tokens(self) -> list[TokenDrawing]:
        """The tokens in the workspace that is shown."""
        return drawn(self._subject, self.drawing)

    @cached_property
    def ghosts(self) -> list[Ghost]:
        """Where the tokens are now, while a moment of the past is shown."""
        return ghosts(self._subject, self.drawing)

    @cached_property
    def children(self) -> list[ChildStack]:
        """The tokens of children, when they are asked for."""
        if not self._address.children or not self._subject.is_live:
            return []
        return of_children(self._subject, self.drawing)

    @property
    def children_url(self) -> str:
        """Shows or hides the tokens of children."""
        return self._address.url(children=not self._address.children)


def _others(keys: list[str], key: str) -> tuple[str, ...]:
    return tuple(other for other in keys if other != key)[-OPEN:]


def _mark(block: BlockDrawing, text: str, title: str, heat: int = 0) -> Mark:
    return Mark(block, text, 10 + 6.6 * len(text), title, heat)


def _breakpoint_title(block: BlockDrawing, held: Breakpoint) -> str:
    title = f"Breakpoint at {block.title}"
    if held.condition:
        title += f", when {held.condition}"
    if held.hits > 1:
        title += f", from hit {held.hits} on"
    return title if held.enabled else f"{title}, disabled"
