"""The tokens on the diagram of an execution, and those of its children."""

from dataclasses import dataclass
from itertools import groupby

from executions import appearance
from executions.models import Step
from executions.states import Place
from executions.store.history import TokenAt
from executions.store.read import relatives
from executions.views import visits
from executions.views.detail.subject import Subject
from flows.blocks.base import Port
from flows.diagram.drawing import Drawing

#: The most tokens of children that are drawn at one block; the others are counted.
DRAWN_CHILDREN = 3
#: Between the centres of two of them.
_APART = 15


@dataclass(frozen=True, slots=True)
class TokenDrawing:
    """A token where it stands in the workspace that is shown."""

    level: int
    block: str
    x: float
    y: float
    icon: str
    inner: bool
    selected: bool
    title: str
    #: Selects it; of the selected one, lists its steps alone, or all again.
    url: str
    #: "block port" of the newest steps of its level: the way that it came.
    trail: str
    #: Milliseconds between the newest two of them: a token that hurries jumps.
    pace: int


@dataclass(frozen=True, slots=True)
class ChildToken:
    """The token of a child, or of the first of several, at the block that started it."""

    key: str
    x: float
    y: float
    icon: str
    status: str
    title: str
    url: str


@dataclass(frozen=True, slots=True)
class ChildStack:
    """The tokens of the children of one block."""

    block: str
    tokens: list[ChildToken]
    #: How many are not drawn.
    more: int
    x: float
    y: float


def drawn(subject: Subject, drawing: Drawing) -> list[TokenDrawing]:
    """The tokens of the execution in the workspace that is shown."""
    found = []
    execution = subject.execution
    for token in subject.tokens:
        if token.workspace != drawing.workspace:
            continue
        inner = token is subject.tokens[-1]
        at_breakpoint = subject.is_live and inner and execution.place == Place.BREAKPOINT
        place = drawing.token_place(token.block, token.port, at_breakpoint)
        if place is None:
            continue
        trail = [step for step in subject.recent if step.level == token.level]
        found.append(
            TokenDrawing(
                level=token.level,
                block=token.block,
                x=place[0],
                y=place[1],
                icon=_icon(subject, token, inner),
                inner=inner,
                selected=token is subject.selected,
                title=_title(subject, token, inner),
                url=_url(subject, token, inner),
                trail=",".join(f"{step.block} {step.port}" for step in trail),
                pace=_pace(trail),
            )
        )
    return found


def of_children(subject: Subject, drawing: Drawing) -> list[ChildStack]:
    """The tokens of the children that have not ended, at the blocks that started them; of those
    that the user may see."""
    children = relatives.live_children(subject.execution.pk, subject.visible)
    # Children from before this was written down stand where their parent waits for them.
    block_of = {child.pk: child.called_by or subject.execution.block for child in children}
    children.sort(key=lambda child: block_of[child.pk])
    stacks = []
    for key, group in groupby(children, key=lambda child: block_of[child.pk]):
        block = drawing.by_key.get(key)
        if block is None:
            continue
        here = list(group)
        x, y = block.box.left - 4, block.box.bottom + 6
        tokens = [
            ChildToken(
                key=str(child.pk),
                x=x - number * _APART,
                y=y,
                icon=appearance.icon_name(child.status, child.place),
                status=child.status.lower(),
                title=f"Child {child.flow_name} at {child.block_description}: "
                f"{appearance.label(child.status, child.place, child.reason)}",
                url=child.get_absolute_url(),
            )
            for number, child in enumerate(here[:DRAWN_CHILDREN])
        ]
        more = len(here) - len(tokens)
        stacks.append(ChildStack(key, tokens, more, x - len(tokens) * _APART, y))
    return stacks


@dataclass(frozen=True, slots=True)
class Ghost:
    """The live position, while a moment of the past is shown."""

    x: float
    y: float
    title: str


def ghosts(subject: Subject, drawing: Drawing) -> list[Ghost]:
    """The live tokens in the workspace that is shown, where a past moment is."""
    if subject.is_live or subject.now.graph is not subject.graph:
        return []
    found = []
    for token in subject.now.tokens:
        if token.workspace != drawing.workspace:
            continue
        place = drawing.token_place(token.block, token.port)
        if place is not None:
            title = (
                f"Live, after step {subject.now.step}, at {subject.graph.blocks[token.block].title}"
            )
            found.append(Ghost(*place, title))
    return found


def _url(subject: Subject, token: TokenAt, inner: bool) -> str:
    if token is subject.selected:
        return subject.address.url(tab="steps", own=not subject.address.own)
    return subject.address.url(token=None if inner else token.level)


def _title(subject: Subject, token: TokenAt, inner: bool) -> str:
    execution, node = subject.execution, subject.graph.blocks[token.block]
    if not inner:
        return f"Token in the workspace {node.title}"
    word = (
        appearance.label(
            execution.status, execution.place, execution.reason, unhandled=execution.unhandled
        )
        if subject.is_live
        else f"after step {subject.past.step}"
    )
    on_port = token.port is Port.EXCEPTION
    return f"Token {'on the exception port of' if on_port else 'at'} {node.title}: {word}"


def _icon(subject: Subject, token: TokenAt, inner: bool) -> str:
    if subject.is_live or not inner:
        return visits.token_icon(subject.execution, inner)
    return "exception" if token.port is Port.EXCEPTION else "play"


def _pace(trail: list[Step]) -> int:
    if len(trail) < 2:
        return 1000
    return int((trail[-1].at - trail[-2].at).total_seconds() * 1000)
