"""What the page of one execution shows, gathered from the rows and the version that ran."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from uuid import UUID

from django.urls import reverse

from executions import access
from executions.models import ExceptionRecord, Step, Token
from executions.states import APPLIES, Place, Status, refusal, words
from executions.store import families, reads, why
from executions.store.plans import plan_of
from executions.views import lists, panel, visits
from executions.views.address import PANELS, TABS, Address
from flows import pretty, queries
from flows.blocks.base import Port
from flows.diagram.drawing import BlockDrawing, Drawing, Visited, draw
from flows.graph import BlockNode, FlowGraph

#: The commands of the toolbar: icon, key.
COMMANDS = {
    "continue": ("play", "c"),
    "pause": ("pause", "p"),
    "step": ("step", "s"),
    "step-over": ("skip", "o"),
    "step-out": ("up", "u"),
    "stop": ("stop", "S"),
    "force-stop": ("stop", ""),
    "retry": ("retry", ""),
}


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


@dataclass(frozen=True, slots=True)
class Variable:
    name: str
    level: int
    stored: reads.StoredValue | None
    value: Any
    changed: bool


@dataclass(frozen=True, slots=True)
class Scope:
    name: str
    variables: list[Variable]
    entered: bool = True


class DrillDown:
    """One execution as one user sees it, at one address of its page. Reads on demand."""

    def __init__(self, user: Any, execution_id: UUID, address: Address) -> None:
        self.user = user
        self.execution = access.get(user, execution_id)
        self.graph: FlowGraph = queries.compiled(self.execution.version_id)
        self.tokens: list[Token] = [
            t for t in reads.tokens(execution_id) if t.block in self.graph.blocks
        ]
        known = address.workspace in self.graph.workspaces
        self.address = address if known else replace(address, workspace=None)
        self.visible = access.visible(user)

    def context(self) -> dict[str, Any]:
        """Everything that the templates of the page take."""
        relatives = reads.relatives(self.execution, self.visible)
        return {
            "section": "executions",
            "page": self,
            "execution": self.execution,
            "address": self.address,
            "status": Status(self.execution.status),
            "parent": relatives.get(self.execution.parent_id) if self.execution.parent_id else None,
            "root": relatives.get(self.execution.root_id),
        }

    @cached_property
    def counts(self) -> reads.Counts:
        """The numbers on the tabs."""
        return reads.counts(self.execution.pk)

    # Header and controls ----------------------------------------------------------------------

    @cached_property
    def explained(self) -> why.Explained:
        """Why it is not moving."""
        return why.explain(self.execution)

    @cached_property
    def commands(self) -> list[dict[str, Any]]:
        """The toolbar: each command with why it does not apply, or ""."""
        allowed = access.may_control(self.user, self.execution.initiator_id)
        status = Status(self.execution.status)
        return [
            {
                "name": name,
                "words": words(name),
                "icon": icon,
                "key": key,
                "refusal": refusal(name, status)
                if allowed
                else "You may look at it, but not control it.",
            }
            for name, (icon, key) in COMMANDS.items()
            if name in APPLIES
        ]

    @property
    def block(self) -> BlockNode | None:
        """The block of the position."""
        return self.graph.blocks.get(self.execution.block)

    # The diagram ------------------------------------------------------------------------------

    @property
    def workspace(self) -> str:
        """The workspace that is shown: the asked one, else the one of the position."""
        if self.address.workspace is not None:
            return self.address.workspace
        return self.tokens[-1].workspace if self.tokens else ""

    @cached_property
    def workspaces(self) -> list[WorkspaceTab]:
        """The top-level workspace, those that a token is in, and the one that is asked for."""
        live = {token.workspace for token in self.tokens}
        keys = dict.fromkeys(["", *(t.workspace for t in self.tokens), self.workspace])
        return [
            WorkspaceTab(
                key,
                self.graph.workspaces[key].name,
                self.address.url(workspace=key),
                key == self.workspace,
                key in live,
            )
            for key in keys
            if key in self.graph.workspaces
        ]

    @cached_property
    def drawing(self) -> Drawing:
        return draw(self.graph, self.workspace)

    @cached_property
    def visits(self) -> visits.Visits:
        return visits.Visits(self.graph, reads.visits(self.execution))

    @property
    def visited(self) -> Visited:
        """What the diagram draws as visited."""
        return self.visits.drawn(self.workspace)

    @cached_property
    def links(self) -> dict[str, str]:
        """Where the blocks lead that open a workspace."""
        return {
            block.opens: self.address.url(workspace=block.opens)
            for block in self.drawing.blocks
            if block.opens
        }

    @cached_property
    def hits(self) -> list[tuple[BlockDrawing, str, float]]:
        """The visited blocks of the workspace with how often, and how wide the pill is."""
        counted = ((block, self.visits.hits(block.key)) for block in self.drawing.blocks)
        told = ((block, visits.short(number)) for block, number in counted if number)
        return [(block, text, 10 + 6.6 * len(text)) for block, text in told]

    @cached_property
    def recent(self) -> list[Step]:
        return reads.recent_steps(self.execution)

    @cached_property
    def drawn_tokens(self) -> list[TokenDrawing]:
        """The tokens in the workspace that is shown."""
        drawn = []
        for token in self.tokens:
            if token.workspace != self.workspace:
                continue
            inner = token is self.tokens[-1]
            place = self.drawing.token_place(token.block, self._port() if inner else None)
            if place is None:
                continue
            node = self.graph.blocks[token.block]
            drawn.append(
                TokenDrawing(
                    level=token.level,
                    block=token.block,
                    x=place[0],
                    y=place[1],
                    icon=visits.token_icon(self.execution, inner),
                    inner=inner,
                    title=f"Token at {node.title}: {self.execution.status}"
                    if inner
                    else f"Token in the workspace {node.title}",
                    trail=",".join(
                        f"{step.block} {step.port}"
                        for step in self.recent
                        if step.level == token.level
                    ),
                )
            )
        return drawn

    def _port(self) -> Port | None:
        """The port on which the position stands, when it is not before its block."""
        if self.execution.place == Place.EXCEPTION_PORT:
            return Port.EXCEPTION
        if self.execution.place == Place.PORT:
            left = [s.port for s in self.recent if s.block == self.execution.block and s.port]
            return Port(left[-1]) if left else Port.BOTTOM
        return None

    # The panel on the right -------------------------------------------------------------------

    @cached_property
    def scopes(self) -> list[Scope]:
        """The variables of every token, the innermost scope first."""
        stored = {(v.level, v.name): v for v in reads.stored_values(self.execution.pk)}
        held_values = families.shown(
            self.execution.root_id,
            {key: pretty.decoded(v.form) for key, v in stored.items() if not v.large},
        )
        just = {name.casefold() for s in self.recent[-1:] for name in (s.changes or {})}
        scopes = []
        for token in reversed(self.tokens):
            workspace = self.graph.workspaces[token.workspace]
            variables = []
            for declared in workspace.variables:
                held = stored.get((token.level, declared.name.casefold()))
                value = held_values.get((token.level, declared.name.casefold()))
                changed = held is not None and declared.name.casefold() in just
                variables.append(Variable(declared.name, token.level, held, value, changed))
            scopes.append(Scope(workspace.name, variables))
        return scopes

    @cached_property
    def exceptions(self) -> list[dict[str, Any]]:
        """Every exception with the blocks that threw and handled it."""
        return [self._exception(record) for record in reads.exceptions(self.execution.pk)]

    def _exception(self, record: ExceptionRecord) -> dict[str, Any]:
        value = pretty.decoded(record.data)
        return {
            "record": record,
            "value": value,
            "text": pretty.text(value),
            "short": record.type.rpartition(".")[2],
            "block": self.graph.blocks.get(record.block),
            "block_url": self.address.block_url(self.graph, record.block),
            "step_url": self.address.url(tab="steps", at=str(record.step)),
            "handler": self.graph.blocks.get(record.handled_by) or record.handled_by,
        }

    @cached_property
    def inputs(self) -> list[tuple[str, Any]]:
        return _named(self.execution.inputs)

    @cached_property
    def outputs(self) -> list[tuple[str, Any]]:
        return _named(self.execution.outputs)

    # The panel at the bottom ------------------------------------------------------------------

    @cached_property
    def tabs(self) -> list[dict[str, Any]]:
        """The tabs of the bottom panel with their numbers."""
        numbers = {
            "steps": self.execution.step_count,
            "children": self.execution.child_count,
            "logs": self.counts.logs,
            "audit": self.counts.audit,
        }
        return [
            {
                "name": name,
                "count": _limited(numbers.get(name, 0), name in ("logs", "audit")),
                "url": self.address.url(tab=name),
                "shown": name == self.address.tab,
            }
            for name in TABS
        ]

    @cached_property
    def steps(self) -> dict[str, Any]:
        """The page of steps that is asked for."""
        return lists.steps(self.execution, self.graph, self.address)

    @cached_property
    def children(self) -> dict[str, Any]:
        """The page of child executions."""
        return lists.children(self.execution, self.visible, self.address)

    @cached_property
    def logs(self) -> dict[str, Any]:
        """The page of log entries."""
        return lists.logs(self.execution, self.graph, self.address)

    @cached_property
    def audit(self) -> dict[str, Any]:
        """The page of audit entries."""
        return lists.audit(self.execution, self.address)

    @cached_property
    def blocks(self) -> list[dict[str, Any]]:
        """The blocks of the workspace that is shown, in words."""
        here = {token.block for token in self.tokens}
        plan = plan_of(self.execution.debug)
        return lists.blocks(self.graph, self.workspace, self.visits, here, self.links, plan)

    @property
    def debugging(self) -> panel.Debugging:
        """The panel of what is debugged with."""
        return panel.Debugging(self.execution, self.graph)

    # Addresses --------------------------------------------------------------------------------

    @property
    def key(self) -> str:
        return str(self.execution.pk)

    @property
    def short_id(self) -> str:
        return f"{self.key[:8]}…{self.key[-4:]}"

    @property
    def follows(self) -> bool:
        """Whether the diagram opens the workspaces that the token enters."""
        return self.address.workspace is None

    @property
    def follow_url(self) -> str:
        """Switches following the token on or off."""
        return self.address.url(workspace=self.workspace if self.follows else None)

    @property
    def panel_urls(self) -> dict[str, str]:
        return {panel: self.address.url(panel=panel) for panel in PANELS}

    @property
    def children_url(self) -> str:
        return self.address.url(tab="children")

    @property
    def exceptions_url(self) -> str:
        return self.panel_urls["exceptions"]

    @property
    def live_url(self) -> str:
        return reverse("execution-live", args=[self.execution.pk])

    @property
    def value_url(self) -> str:
        return reverse("execution-value", args=[self.execution.pk])

    @property
    def flow_url(self) -> str:
        url = reverse("flow", args=[self.execution.flow_name])
        return f"{url}?version={self.execution.version_number}"


def _named(forms: Any) -> list[tuple[str, Any]]:
    value = pretty.decoded(forms)
    return list(value.items()) if isinstance(value, dict) else []


def _limited(number: int, counted: bool) -> str:
    if not number:
        return ""
    return f"{reads.COUNTED - 1}+" if counted and number >= reads.COUNTED else f"{number:,}"
