"""The columns of the grid, declared once: headers, cells and live rows follow from here.

To add one, write its cell and name it in COLUMNS.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import mark_safe

from executions import appearance
from executions.events import ExecutionChanged
from executions.grid.query.filter_terms import VALUE_LIMIT
from executions.models import Execution
from executions.states import Reason, Status
from executions.store.lifecycle import wait_text, worker_limits
from executions.store.read.variables_by_path import Large
from flows import value_paths, values
from flows.blocks import BY_TYPE
from flows.formatting import icon, moment, ticking
from flows.values import MASK, Masked

#: Characters of a variable's value in a cell.
CELL_LIMIT = 200

#: What has a place of its own on a card, where nobody needs to be told what it is.
PLACED = frozenset({"icon", "description", "duration", "status", "flow", "error"})


@dataclass(frozen=True)
class Column:
    """A column: what heads it and what its cells hold.

    `width` is what it takes unless somebody has resized it, in pixels. `emphasis` marks what a
    reader looks at first; the rest steps back. A `zoned` one holds times, so that its cells differ
    between time zones.
    """

    key: str
    label: str
    cell: Callable[[ExecutionChanged], str]
    width: int = 120
    emphasis: bool = False
    numeric: bool = False
    zoned: bool = False
    #: Headed by nothing visible: the label is for screen readers.
    quiet: bool = False
    #: The path of the variable that it shows, for such a column.
    variable: str = ""

    @property
    def on_card(self) -> bool:
        """Whether it says its label on the card that a row is on a phone (static/css/cards.css);
        the others have their place there."""
        return self.key not in PLACED

    @cached_property
    def classes(self) -> str:
        name = "var" if self.variable else self.key
        marks = ((self.emphasis, "k"), (self.numeric, "num"))
        return " ".join([f"c-{name}", *(name for wanted, name in marks if wanted)])

    def in_row(self, cell: str) -> str:
        """The table cell around what it holds."""
        return self._opening + conditional_escape(cell) + _CLOSING

    @cached_property
    def _opening(self) -> str:
        label = format_html(' data-label="{}"', self.label) if self.on_card else ""
        return format_html('<td role="gridcell" class="{}"{}>', self.classes, label)


_CLOSING = mark_safe("</td>")

#: For cells that follow from a few words which many executions have in common.
_kept = lru_cache(maxsize=4096)


def status_icon(event: ExecutionChanged) -> str:
    return _status_icon(event.status, event.place, event.reason, event.unhandled)


@_kept
def _status_icon(status: str, place: str, reason: str, unhandled: bool) -> str:
    return format_html(
        '<span class="st-{}" title="{}">{}</span>',
        appearance.tone(status, unhandled=unhandled),
        appearance.explanation(status, place, reason, unhandled=unhandled),
        icon(appearance.icon_name(status, place, unhandled=unhandled), "s"),
    )


def started_at(event: ExecutionChanged) -> str:
    return format_html(
        '<a href="{}" tabindex="-1">{}</a>', execution_address(event.id), moment(event.started_at)
    )


def updated_at(event: ExecutionChanged) -> str:
    return moment(event.updated_at)


def status(event: ExecutionChanged) -> str:
    word = appearance.word(event.status, event.place, event.reason, unhandled=event.unhandled)
    return format_html('<span title="{0}">{0}</span>', word) if event.unhandled else word


def block_type(event: ExecutionChanged) -> str:
    return _block_type(event.block_type)


@_kept
def _block_type(name: str) -> str:
    block = BY_TYPE.get(name.casefold())
    if block is None:
        return name
    shape = icon(f"shape-{block.shape.value}", "xs")
    return format_html('{0}<span title="{1}">{1}</span>', shape, name)


def block_description(event: ExecutionChanged) -> str:
    words = event.block_description or event.block_type
    if not words:  # it has not come to a block yet
        return ""
    return format_html(
        '<a href="{}" tabindex="-1" title="{}">{}</a>',
        execution_address(event.id),
        event.block_description,
        words,
    )


def workspace_name(event: ExecutionChanged) -> str:
    return _workspace_name(event.workspace_name)


@_kept
def _workspace_name(name: str) -> str:
    return format_html('<span title="{0}">{0}</span>', name)


def flow_name(event: ExecutionChanged) -> str:
    """The link that opens the execution, by the name of its flow; beside it one to the flow."""
    name = event.flow_name
    return format_html(
        '<a href="{}" tabindex="-1" title="{}" data-open>{}</a>{}',
        execution_address(event.id),
        name,
        name,
        _to_flow(name, event.version_number),
    )


@_kept
def _to_flow(name: str, version: int) -> str:
    return format_html(
        '<a class="to-flow" href="{0}" tabindex="-1" title="Flow {1}, version {2}" '
        'aria-label="Flow {1}">{3}</a>',
        flow_address(name),
        name,
        version,
        icon("nav-flow", "xs"),
    )


def duration(event: ExecutionChanged) -> str:
    return ticking(event.started_at, event.ended_at)


def initiator(event: ExecutionChanged) -> str:
    return _initiator(event.initiator_name, event.trigger, event.parent_id or "")


@_kept
def _initiator(name: str, trigger: str, parent: str) -> str:
    """Who, or which parent, started it, with a link to what else they have, or to that parent."""
    of = icon("tree" if parent else "user", "xs")
    address = execution_address(parent) if parent else finding("initiator", name)
    link = '{0}<a href="{3}" tabindex="-1" title="{1}, {2}">{1}</a>'
    return format_html(link, of, name, trigger, address)


def flow_version(event: ExecutionChanged) -> str:
    return format_html(
        '<a href="{}?version={}" tabindex="-1" title="{}, version {}">v{}</a>',
        flow_address(event.flow_name),
        event.version_number,
        event.flow_name,
        event.version_number,
        event.version_number,
    )


def trigger(event: ExecutionChanged) -> str:
    return format_html('<span title="{}">{}</span>', _triggers().get(event.trigger), event.trigger)


def worker(event: ExecutionChanged) -> str:
    """The machine whose worker holds it."""
    host, _, rest = event.lease_owner.partition(":")
    process = rest.partition(":")[0]
    return host and _found("worker", host, f"{host}, process {process}", f"{host}:*")


def execution_id(event: ExecutionChanged) -> str:
    return _link(event.id)


def parent(event: ExecutionChanged) -> str:
    return _link(event.parent_id) if event.parent_id else ""


def root(event: ExecutionChanged) -> str:
    return _link(event.root_id) if event.root_id != event.id else ""


def waiting_for(event: ExecutionChanged) -> str:
    """What a parked execution waits for, with a link where that has a page."""
    if event.status == Status.QUEUED and event.reason == Reason.LIMIT:
        return _limit(event)
    if event.status != Status.RUNNING:
        return ""
    match event.reason:
        case Reason.TIME if event.due_at:
            return format_html("until {}", moment(event.due_at))
        case Reason.SEMAPHORE:
            # /tenant/system/*/package/*/flow/name: the end tells semaphores apart.
            name = event.waiting_for.rpartition("/")[2] or "a semaphore"
            title = f"Semaphore {event.waiting_for}: who waits for it"
            return _found("semaphore", name, title, event.waiting_for)
        case Reason.CHILDREN:
            count, one = wait_text.tasks(event.waiting_for)
            if count == 1:
                return format_html("child {}", _link(one))
            return format_html(
                '<a href="{}?tab=children" tabindex="-1" title="{}">{} tasks</a>',
                execution_address(event.id),
                f"The last of the {count} child executions that it waits for wakes it.",
                count or "its",
            )
    return ""


def _limit(event: ExecutionChanged) -> str:
    """Whose limit leaves it no worker, and who holds those."""
    of_flow = event.waiting_for == worker_limits.FLOW
    name = event.flow_name if of_flow else event.initiator_name
    return format_html(
        '<a href="{}" tabindex="-1" title="Executions of {} that hold a worker">limit of {}</a>',
        at_work("flow" if of_flow else "initiator", name),
        name,
        name,
    )


def error(event: ExecutionChanged) -> str:
    """The message, which says what is wrong, before the type."""
    if not event.error_type:
        return ""
    return format_html(
        '<span title="{1} ({0})"><b>{1}</b> <a href="{2}" tabindex="-1">{0}</a></span>',
        event.error_type,
        event.error_message or "No message.",
        finding("error", event.error_type),
    )


def debugged_by(event: ExecutionChanged) -> str:
    name = event.debugged_by_name
    return name and format_html("{}{}", icon("bug", "xs"), _found("debugger", name))


def steps(event: ExecutionChanged) -> str:
    return f"{event.step_count:,}"


def variable(value: Any) -> str:
    """The cell of a variable's column; whatever leads nowhere has none."""
    if isinstance(value, Large):
        return format_html('<span class="mut">{}</span>', f"{value.size:,} bytes")
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, Masked):
        return format_html('<span aria-hidden="true">{}</span><span class="vh">secret</span>', MASK)
    text = values.storable(value) if isinstance(value, str) else values.summary(value, CELL_LIMIT)
    text = " ".join(text[: CELL_LIMIT + 1].split())
    return format_html('<span title="{0}">{0}</span>', text[:CELL_LIMIT])


COLUMNS: tuple[Column, ...] = (
    Column("icon", "Status icon", status_icon, 26, quiet=True),
    Column("flow", "Flow Name", flow_name, 168, emphasis=True),
    Column("started", "Started At", started_at, 96, emphasis=True, zoned=True),
    Column("updated", "Updated At", updated_at, 102, zoned=True),
    Column("status", "Status", status, 126, emphasis=True),
    Column("type", "Block Type", block_type, 138),
    Column("description", "Block Description", block_description, 164, emphasis=True),
    Column("workspace", "Workspace Name", workspace_name, 100),
    Column("version", "Flow Version", flow_version, 92, numeric=True),
    Column("duration", "Duration", duration, 80, numeric=True),
    Column("initiator", "Initiator", initiator, 108),
    Column("trigger", "Trigger", trigger, 100),
    Column("worker", "Worker", worker, 120),
    Column("id", "Execution Id", execution_id, 128),
    Column("parent", "Parent", parent, 128),
    Column("root", "Root", root, 128),
    Column("waiting", "Waiting For", waiting_for, 160, zoned=True),
    Column("error", "Error Summary", error, 160),
    Column("debugger", "Debugged By", debugged_by, 108),
    Column("steps", "Steps", steps, 72, numeric=True),
)

#: What is shown to who has chosen nothing.
DEFAULT_COLUMNS = (
    "icon", "flow", "started", "updated", "status", "type", "description", "workspace",
    "duration", "initiator", "error",
)  # fmt: skip

#: What the key of a variable's column begins with; its path follows.
VARIABLE = "var."
#: Longer paths are none.
PATH_LIMIT = 200

_BY_KEY = {column.key: column for column in COLUMNS}


@lru_cache(maxsize=1024)
def column_of(key: str) -> Column | None:
    """The column of that key, also of a variable; None where there is none."""
    if not key.startswith(VARIABLE):
        return _BY_KEY.get(key)
    path = key.removeprefix(VARIABLE).strip()
    keys = value_paths.split(path)
    if not all(keys) or not keys or len(path) > PATH_LIMIT or not path.isprintable():
        return None
    path = value_paths.join(keys)
    return Column(VARIABLE + path, path, lambda event: "", 140, zoned=True, variable=path)


def execution_address(execution_id: str) -> str:
    return _execution_pattern().replace(_ANY_ID, execution_id)


_ANY_ID = "00000000-0000-0000-0000-000000000000"


@lru_cache(maxsize=1024)
def finding(field: str, value: str) -> str:
    """The address of the executions of which a field is that."""
    if len(value) > VALUE_LIMIT:
        value = value[: VALUE_LIMIT - 1] + "*"
    return f"{reverse('executions')}?{urlencode({field: value})}"


def at_work(field: str, value: str) -> str:
    """The address of the executions that hold a worker and of which a field is that."""
    return f"{finding(field, value)}&{urlencode({'worker': '*'})}"


def _found(field: str, name: str, title: str = "", value: str = "") -> str:
    """A name that leads to the executions which it has in common."""
    return name and format_html(
        '<a href="{}" tabindex="-1" title="{}">{}</a>',
        finding(field, value or name),
        title or name,
        name,
    )


def _link(execution_id: str) -> str:
    """A link to an execution, by the end of its id: the beginning is the time it was made at."""
    return format_html(
        '<a class="mono" href="{}" tabindex="-1" title="{}">{}</a>',
        execution_address(execution_id),
        execution_id,
        execution_id[-12:],
    )


@lru_cache
def _triggers() -> dict[str, str]:
    return {str(value): str(label) for value, label in Execution.Trigger.choices}


@lru_cache
def _execution_pattern() -> str:
    # Resolving an address costs as much as the rest of the row.
    return reverse("execution", args=[_ANY_ID])


@lru_cache(maxsize=1024)
def flow_address(name: str) -> str:
    return reverse("flow", args=[name])
