"""The diagram on a flow's page: a workspace of one version, and the executions at its blocks."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from executions import access
from executions.grid.query.lexemes import words
from executions.states import LIVE, Status
from executions.store.read import block_counts
from flows.diagram.drawing import Drawing, draw
from flows.graph import BlockNode, FlowGraph
from flows.models import Flow, FlowVersion

#: The numbers at a block: their statuses, icon, label at the block and label of the total.
PILLS: dict[str, tuple[tuple[Status, ...], str, str, str]] = {
    "running": (
        (Status.QUEUED, Status.RUNNING, Status.PAUSING, Status.STOPPING),
        "play",
        "running",
        "Running",
    ),
    "paused": ((Status.PAUSED,), "paused", "paused", "Paused"),
    "exception": ((Status.EXCEPTION,), "exception", "at an exception", "Exception"),
    "error": (
        (Status.ERROR,),
        "error",
        f"failed in {block_counts.ERROR_HOURS} h",
        f"Errors, {block_counts.ERROR_HOURS} h",
    ),
}
_APART = 4


@dataclass(frozen=True, slots=True)
class Pill:
    """Executions of one kind at one block."""

    kind: str
    icon: str
    text: str
    x: float
    y: float
    width: float
    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Tab:
    key: str
    name: str
    url: str
    shown: bool
    #: Live executions that are in this workspace.
    live: int


class FlowDiagram:
    """One workspace of one version of a flow, as one user sees it at one address."""

    def __init__(
        self,
        user: Any,
        flow: Flow,
        version: FlowVersion | None,
        graph: FlowGraph,
        asked: Mapping[str, str],
    ) -> None:
        self.flow = flow
        self.version = version
        self.graph = graph
        workspace = asked.get("workspace", "")
        self.workspace = workspace if workspace in graph.workspaces else ""
        #: Whether only the executions of the version that is shown are counted.
        self.only_shown = asked.get("counts") == "version"
        self._asked_version = asked.get("version", "")
        self._initiator = access.seen(user).whose(flow.name)

    # What is drawn ----------------------------------------------------------------------------

    @cached_property
    def drawing(self) -> Drawing:
        return draw(self.graph, self.workspace)

    @property
    def source(self) -> str:
        """What the drawing is made of."""
        return f"{self.version.pk if self.version else ''} {self.workspace}"

    @property
    def links(self) -> dict[str, str]:
        return {key: self.url(workspace=key) for key in self.graph.workspaces if key}

    @property
    def blocks(self) -> list[BlockNode]:
        return [self.graph.blocks[block.key] for block in self.drawing.blocks]

    @property
    def scopes(self) -> list[Any]:
        """The workspaces that have variables."""
        return [node for _, node in sorted(self.graph.workspaces.items()) if node.variables]

    def url(self, **changes: str) -> str:
        """The page with another workspace, or with other counts."""
        asked = {
            "version": self._asked_version,
            "workspace": self.workspace,
            "counts": "version" if self.only_shown else "",
        } | changes
        query = urlencode({name: value for name, value in asked.items() if value}, safe="/")
        base = reverse("flow", args=[self.flow.name])
        return f"{base}?{query}" if query else base

    @property
    def live_url(self) -> str:
        return reverse("flow-live", args=[self.flow.name])

    # What is counted --------------------------------------------------------------------------

    @cached_property
    def counted(self) -> block_counts.BlockCounts:
        return block_counts.count_by_block(self.flow.name, self._initiator)

    @cached_property
    def _by_block(self) -> Counter[tuple[str, str]]:
        """(block, status) → executions, of the versions that are asked for."""
        found: Counter[tuple[str, str]] = Counter()
        shown = self.version.number if self.version else None
        for (version, block, status), number in self.counted.positions.items():
            if not self.only_shown or version == shown:
                found[block, status] += number
        return found

    @property
    def numbers(self) -> list[tuple[str, str, str]]:
        """The kinds with their totals: label, number, and the grid so filtered."""
        found = []
        for statuses, _, _, label in PILLS.values():
            total = sum(n for (_, status), n in self._by_block.items() if status in statuses)
            found.append((label, self._format(total), self._grid(statuses)))
        return found

    @property
    def live(self) -> str:
        """The number of live executions."""
        return self._format(sum(n for (_, s), n in self._by_block.items() if s != Status.ERROR))

    def _format(self, number: int) -> str:
        return f"{number:,}+" if number and self.counted.capped else f"{number:,}"

    @property
    def elsewhere(self) -> int:
        """Live ones at blocks that the version that is shown does not have."""
        known = self.graph.blocks
        return sum(
            number
            for (block, status), number in self._by_block.items()
            if block not in known and status in LIVE
        )

    @cached_property
    def tabs(self) -> list[Tab]:
        """The workspaces with the live executions in each."""
        live: Counter[str] = Counter()
        for (block, status), number in self._by_block.items():
            if status in LIVE and block in self.graph.blocks:
                live[self.graph.blocks[block].workspace] += number
        return [
            Tab(key, node.name, self.url(workspace=key), key == self.workspace, live[key])
            for key, node in sorted(self.graph.workspaces.items())
        ]

    @cached_property
    def at_blocks(self) -> dict[str, list[tuple[str, int]]]:
        """Block of the workspace that is shown → kinds with their numbers. What is inside of a
        nested workspace counts at its block."""
        found: dict[str, Counter[str]] = {}
        prefix = f"{self.workspace}/" if self.workspace else ""
        kinds = {status: kind for kind, (statuses, *_) in PILLS.items() for status in statuses}
        for (block, status), number in self._by_block.items():
            if not block.startswith(prefix):
                continue
            key = prefix + block.removeprefix(prefix).partition("/")[0]
            if key in self.drawing.by_key:
                found.setdefault(key, Counter())[kinds[Status(status)]] += number
        return {
            key: [(kind, numbers[kind]) for kind in PILLS if numbers[kind]]
            for key, numbers in found.items()
        }

    @cached_property
    def pills(self) -> list[Pill]:
        """The counts where tokens stand."""
        pills = []
        for block in self.drawing.blocks:
            x, y = block.before
            for number, (kind, total) in enumerate(self.at_blocks.get(block.key, [])):
                statuses, icon, told, _ = PILLS[kind]
                text = f"{total:,}" if total < 10_000 else f"{total // 1000}k"
                width = 24 + 6.6 * len(text)
                left = x - width / 2 if not number else x
                pills.append(
                    Pill(
                        kind=kind,
                        icon=icon,
                        text=text,
                        x=left,
                        y=y - 10,
                        width=width,
                        title=f"{total:,} {told} at {block.title}",
                        url=self.url(workspace=block.opens)
                        if block.opens
                        else self._grid(statuses, block.key),
                    )
                )
                x = left + width + _APART
        return pills

    def _grid(self, statuses: tuple[Status, ...], block: str = "") -> str:
        """The grid of executions with those only. It knows no keys of blocks: their workspace,
        type and title are asked for."""
        query = [("flow", self.flow.name)]
        if self.only_shown and self.version:
            query.append(("version", str(self.version.number)))
        if node := self.graph.blocks.get(block):
            query.append(("workspace", self.graph.workspaces[node.workspace].name))
            query.append(("block", node.block.type))
            if words(node.title):
                query.append(("description", node.title))
        if Status.ERROR in statuses:
            # What Ended because nothing handled an exception counts too.
            query += [("is", "failed"), ("started", f">-{block_counts.ERROR_HOURS}h")]
        else:
            query += [("status", status.value) for status in statuses]
        return f"{reverse('executions')}?{urlencode(query)}"

    @property
    def choices(self) -> list[tuple[str, str, bool]]:
        """Whose executions are counted: words, address, whether it is chosen."""
        shown = f"v{self.version.number}" if self.version else "this version"
        return [
            ("All versions", self.url(counts=""), not self.only_shown),
            (shown, self.url(counts="version"), self.only_shown),
        ]
