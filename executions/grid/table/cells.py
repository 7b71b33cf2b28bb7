"""What the cells of the grid hold, as HTML: one function a column that needs more than its value
as text. Nothing here asks the database."""

from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from django.utils.html import format_html

from executions import appearance
from executions.events import ExecutionChanged
from executions.grid.table.links import (
    execution_address,
    filter_address,
    flow_address,
    on_worker_address,
    question_address,
)
from executions.models import Execution
from executions.states import Reason, RetryState, Status
from executions.store.lifecycle import wait_text, worker_limits
from executions.store.read.variables_by_path import LargeValue
from flows import values
from flows.blocks import BY_TYPE
from flows.formatting import icon, moment, ticking
from flows.values import MASK, Masked

#: Characters of a variable's value in a cell.
CELL_LIMIT = 200

#: For cells that depend on a few words which many executions have in common.
_cached = lru_cache(maxsize=4096)


def of_value(value: Any) -> str:
    """The cell of a column that shows its value as it is."""
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, int):
        return f"{value:,}"
    return _text(value)


@_cached
def _text(text: str) -> str:
    return format_html('<span title="{0}">{0}</span>', text)


def status_icon(event: ExecutionChanged) -> str:
    return _status_icon(event.status, event.place, event.reason, event.unhandled)


@_cached
def _status_icon(status: str, place: str, reason: str, unhandled: bool) -> str:
    return format_html(
        '<span class="st-{}" title="{}">{}</span>',
        appearance.css_class(status, unhandled=unhandled),
        appearance.description(status, place, reason, unhandled=unhandled),
        icon(appearance.icon_name(status, place, unhandled=unhandled), "s"),
    )


def started_at(event: ExecutionChanged) -> str:
    return format_html(
        '<a href="{}" tabindex="-1">{}</a>', execution_address(event.id), moment(event.started_at)
    )


def status(event: ExecutionChanged) -> str:
    """The status; of one that waits for a person, for whom, with a link to the question."""
    if event.status == Status.RUNNING and event.reason == Reason.PERSON:
        return _question_link(event, "Waits for ")
    word = appearance.label(event.status, event.place, event.reason, unhandled=event.unhandled)
    return format_html('<span title="{0}">{0}</span>', word) if event.unhandled else word


def block_type(event: ExecutionChanged) -> str:
    return _block_type(event.block_type)


@_cached
def _block_type(name: str) -> str:
    block = BY_TYPE.get(name.casefold())
    if block is None:
        return name
    shape = icon(f"shape-{block.shape.value}", "xs")
    return format_html('{0}<span title="{1}">{1}</span>', shape, name)


def block_description(event: ExecutionChanged) -> str:
    text = event.block_description or event.block_type
    if not text:  # it has not come to a block yet
        return ""
    return format_html(
        '<a href="{}" tabindex="-1" title="{}">{}</a>',
        execution_address(event.id),
        event.block_description,
        text,
    )


def flow_name(event: ExecutionChanged) -> str:
    """The flow's name, which links to the execution, and beside it a link to the flow."""
    name = event.flow_name
    return format_html(
        '<a href="{}" tabindex="-1" title="{}" data-open>{}</a>{}',
        execution_address(event.id),
        name,
        name,
        _flow_link(name, event.version_number),
    )


@_cached
def _flow_link(name: str, version: int) -> str:
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


@_cached
def _initiator(name: str, trigger: str, parent: str) -> str:
    """Who started it, with a link to their executions; or its parent, with a link to that."""
    symbol = icon(appearance.initiator_icon(trigger, is_child=bool(parent)), "xs")
    address = execution_address(parent) if parent else filter_address("initiator", name)
    link = '{0}<a href="{3}" tabindex="-1" title="{1}, {2}">{1}</a>'
    return format_html(link, symbol, name, trigger, address)


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
    title = _trigger_labels().get(event.trigger)
    return format_html('<span title="{}">{}</span>', title, event.trigger)


@cache
def _trigger_labels() -> dict[str, str]:
    return {str(value): str(label) for value, label in Execution.Trigger.choices}


def worker(event: ExecutionChanged) -> str:
    """The machine of the worker that holds the execution."""
    host, _, rest = event.lease_owner.partition(":")
    process = rest.partition(":")[0]
    return host and _filter_link("worker", host, f"{host}, process {process}", f"{host}:*")


def execution_id(event: ExecutionChanged) -> str:
    return _execution_link(event.id)


def parent(event: ExecutionChanged) -> str:
    return _execution_link(event.parent_id) if event.parent_id else ""


def root(event: ExecutionChanged) -> str:
    return _execution_link(event.root_id) if event.root_id != event.id else ""


def retried_as(event: ExecutionChanged) -> str:
    """The newest retry, with an icon and a title that say what became of it."""
    if not event.retried_as:
        return ""
    status, text = appearance.RETRY_STATES[RetryState(event.retry_state)]
    return format_html(
        '<span class="st-{}" title="{}">{}<span class="visually-hidden">{}</span></span>{}',
        appearance.css_class(status),
        text,
        icon(appearance.icon_name(status), "xs"),
        text,
        _execution_link(event.retried_as),
    )


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
            title = f"Executions that wait for the semaphore {event.waiting_for}"
            return _filter_link("semaphore", name, title, event.waiting_for)
        case Reason.PERSON:
            return _question_link(event)
        case Reason.SIGNAL:
            return f"signal {event.waiting_for}"
        case Reason.CHILDREN:
            count, one = wait_text.parse_children(event.waiting_for)
            if count == 1:
                return format_html("child {}", _execution_link(one))
            return format_html(
                '<a href="{}?tab=children" tabindex="-1" title="{}">{} tasks</a>',
                execution_address(event.id),
                f"It goes on when the last of {count} child executions has ended.",
                count or "its",
            )
        case Reason.TIME | Reason.NONE:
            return ""
    return event.waiting_for


def _question_link(event: ExecutionChanged, before: str = "") -> str:
    """Who is asked, with a link to the question."""
    question, assignee = wait_text.parse_question(event.waiting_for)
    return format_html(
        '<a href="{0}" tabindex="-1" title="Waits for {2} to answer">{1}{2}</a>',
        question_address(question),
        before,
        assignee,
    )


def _limit(event: ExecutionChanged) -> str:
    """Whose limit of workers is used up, with a link to the executions that hold them."""
    of_flow = event.waiting_for == worker_limits.FLOW
    name = event.flow_name if of_flow else event.initiator_name
    return format_html(
        '<a href="{}" tabindex="-1" title="Executions of {} that hold a worker">limit of {}</a>',
        on_worker_address("flow" if of_flow else "initiator", name),
        name,
        name,
    )


def error(event: ExecutionChanged) -> str:
    """The message of the exception, which says what is wrong, before its type."""
    if not event.error_type:
        return ""
    return format_html(
        '<span title="{1} ({0})"><b>{1}</b> <a href="{2}" tabindex="-1">{0}</a></span>',
        event.error_type,
        event.error_message or "No message.",
        filter_address("error", event.error_type),
    )


def debugged_by(event: ExecutionChanged) -> str:
    name = event.debugged_by_name
    return name and format_html("{}{}", icon("bug", "xs"), _filter_link("debugger", name))


def variable(value: Any) -> str:
    """The value of a variable. A row whose path leads nowhere has no such cell."""
    if isinstance(value, LargeValue):
        return format_html('<span class="muted">{}</span>', f"{value.size:,} bytes")
    if isinstance(value, datetime) and value.tzinfo is not None:
        return moment(value)
    if isinstance(value, Masked):
        return format_html(
            '<span aria-hidden="true">{}</span><span class="visually-hidden">secret</span>', MASK
        )
    text = values.storable(value) if isinstance(value, str) else values.summary(value, CELL_LIMIT)
    text = " ".join(text[: CELL_LIMIT + 1].split())
    return format_html('<span title="{0}">{0}</span>', text[:CELL_LIMIT])


def _filter_link(field: str, name: str, title: str = "", value: str = "") -> str:
    """A name that links to all executions which have it."""
    return name and format_html(
        '<a href="{}" tabindex="-1" title="{}">{}</a>',
        filter_address(field, value or name),
        title or name,
        name,
    )


def _execution_link(execution_id: str) -> str:
    """A link to an execution by the end of its id: the beginning is the time it was made at."""
    return format_html(
        '<a class="mono" href="{}" tabindex="-1" title="{}">{}</a>',
        execution_address(execution_id),
        execution_id,
        execution_id[-12:],
    )
