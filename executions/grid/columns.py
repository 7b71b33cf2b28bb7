"""The columns of the grid, declared once: headers, cells and live rows follow from here.

To add one, write its cell and name it in COLUMNS; its width is `.c-<key>` in static/css/grid.css.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

from django.urls import reverse
from django.utils.html import format_html

from executions import appearance
from executions.live.events import ExecutionChanged
from flows.blocks import BY_TYPE
from flows.display import icon, moment, ticking


@dataclass(frozen=True)
class Column:
    """A column: what heads it and what its cells hold.

    `order` is its aria-sort when the rows are sorted by it. `emphasis` marks what a reader looks
    at first; the rest steps back.
    """

    key: str
    label: str
    cell: Callable[[ExecutionChanged], str]
    order: str = ""
    emphasis: bool = False
    numeric: bool = False
    #: Headed by nothing visible: the label is for screen readers.
    quiet: bool = False

    @cached_property
    def classes(self) -> str:
        marks = ((self.emphasis, "k"), (self.numeric, "num"))
        return " ".join([f"c-{self.key}", *(name for wanted, name in marks if wanted)])


def status_icon(event: ExecutionChanged) -> str:
    return format_html(
        '<span class="st-{}" title="{}">{}</span>',
        event.status.lower(),
        appearance.explanation(event.status, event.place, event.reason),
        icon(appearance.icon_name(event.status, event.place), "s"),
    )


def started_at(event: ExecutionChanged) -> str:
    return format_html(
        '<a href="{}" tabindex="-1" data-open>{}</a>',
        execution_address(event.id),
        moment(event.started_at),
    )


def updated_at(event: ExecutionChanged) -> str:
    return moment(event.updated_at)


def status(event: ExecutionChanged) -> str:
    return appearance.word(event.status, event.place, event.reason)


def block_type(event: ExecutionChanged) -> str:
    block = BY_TYPE.get(event.block_type.casefold())
    if block is None:
        return event.block_type
    return format_html(
        '{}<span title="{}">{}</span>',
        icon(f"shape-{block.shape.value}", "xs"),
        event.block_type,
        event.block_type,
    )


def block_description(event: ExecutionChanged) -> str:
    return format_html(
        '<a href="{}" tabindex="-1" title="{}">{}</a>',
        execution_address(event.id),
        event.block_description,
        event.block_description or event.block_type,
    )


def workspace_name(event: ExecutionChanged) -> str:
    return format_html('<span title="{0}">{0}</span>', event.workspace_name)


def flow_name(event: ExecutionChanged) -> str:
    return format_html(
        '<a href="{}" tabindex="-1" title="{}, version {}">{}</a>',
        flow_address(event.flow_name),
        event.flow_name,
        event.version_number,
        event.flow_name,
    )


def duration(event: ExecutionChanged) -> str:
    return ticking(event.started_at, event.ended_at)


def initiator(event: ExecutionChanged) -> str:
    return format_html(
        '{}<span title="{}, {}">{}</span>',
        icon("tree" if event.parent_id else "user", "xs"),
        event.initiator_name,
        event.trigger,
        event.initiator_name,
    )


def error(event: ExecutionChanged) -> str:
    if not event.error_type:
        return ""
    return format_html(
        '<span title="{0}: {1}"><b>{0}</b> {1}</span>', event.error_type, event.error_message
    )


COLUMNS: tuple[Column, ...] = (
    Column("icon", "Status icon", status_icon, quiet=True),
    Column("started", "Started At", started_at, order="descending", emphasis=True),
    Column("updated", "Updated At", updated_at),
    Column("status", "Status", status, emphasis=True),
    Column("type", "Block Type", block_type),
    Column("description", "Block Description", block_description, emphasis=True),
    Column("workspace", "Workspace Name", workspace_name),
    Column("flow", "Flow Name", flow_name, emphasis=True),
    Column("duration", "Duration", duration, numeric=True),
    Column("initiator", "Initiator", initiator),
    Column("error", "Error Summary", error),
)


def execution_address(execution_id: str) -> str:
    return _execution_pattern().replace(_ANY_ID, execution_id)


_ANY_ID = "00000000-0000-0000-0000-000000000000"


@lru_cache
def _execution_pattern() -> str:
    # Resolving an address costs as much as the rest of the row.
    return reverse("execution", args=[_ANY_ID])


@lru_cache(maxsize=1024)
def flow_address(name: str) -> str:
    return reverse("flow", args=[name])
