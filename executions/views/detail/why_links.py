"""Links to the objects that the sentence of `executions.why` names, if the reader may see them."""

from dataclasses import dataclass

from django.db.models import Q
from django.utils.text import Truncator

from executions.grid.table.links import on_worker_address, question_address
from executions.models import SemaphoreTicket
from executions.states import TERMINAL, Place, Reason, Status
from executions.store.lifecycle import wait_text, worker_limits
from executions.views.detail.subject import Subject
from executions.why import NAMED


@dataclass(frozen=True, slots=True)
class Link:
    words: str
    url: str


def links(subject: Subject) -> list[Link]:
    """The links of the sentence."""
    execution, address = subject.execution, subject.address
    if execution.reason == Reason.CHILDREN and execution.status == Status.RUNNING:
        return [*_children(subject), Link("Show children", address.url(tab="children"))]
    if execution.reason == Reason.SEMAPHORE and execution.status == Status.RUNNING:
        return _holders(subject)
    if execution.reason == Reason.PERSON and execution.status == Status.RUNNING:
        question, _ = wait_text.parse_question(execution.waiting_for)
        return [Link("Show the question", question_address(question))]
    if execution.reason == Reason.LIMIT and execution.status == Status.QUEUED:
        return _at_work(subject)
    if execution.status == Status.EXCEPTION:
        return [Link("Show the exception", address.url(panel="exceptions", exception=None))]
    if execution.status == Status.PAUSED and execution.block in subject.graph.blocks:
        words = "Show the breakpoint" if execution.place == Place.BREAKPOINT else "Show the block"
        link = Link(words, address.block_url(subject.graph, execution.block))
        return [link, Link("Who did what", address.url(tab="audit"))]
    return []


def _children(subject: Subject) -> list[Link]:
    """The children that the execution waits for, oldest first."""
    waits = subject.execution.state.get("waits") or {}
    ids = [key for key in waits.get("tasks") or [waits.get("child")] if key]
    rows = subject.visible.filter(pk__in=ids).exclude(status__in=TERMINAL).order_by("started_at")
    found = rows.only("id", "flow_name")[:NAMED]
    return [Link(Truncator(row.flow_name).chars(32), row.get_absolute_url()) for row in found]


def _holders(subject: Subject) -> list[Link]:
    """The executions that hold the semaphore."""
    tickets = SemaphoreTicket.objects.filter(execution=subject.execution, stage="waiting")
    holding = SemaphoreTicket.objects.filter(semaphore__in=tickets.values("semaphore"))
    ids = holding.exclude(stage="waiting").values("execution_id")
    found = subject.visible.filter(pk__in=ids).order_by("started_at").only("id", "flow_name")
    return [
        Link(f"Held by {Truncator(row.flow_name).chars(32)}", row.get_absolute_url())
        for row in found[:NAMED]
    ]


def _at_work(subject: Subject) -> list[Link]:
    """The executions that hold the workers of its limit, and the grid of all of them."""
    execution = subject.execution
    if execution.waiting_for == worker_limits.FLOW:
        same, field, value = Q(flow_name=execution.flow_name), "flow", execution.flow_name
    else:
        same = Q(initiator=execution.initiator_id)
        field, value = "initiator", execution.initiator_name
    holding = subject.visible.filter(same).exclude(lease_owner="").order_by("started_at")
    named = [
        Link(f"Worker held by {Truncator(row.flow_name).chars(32)}", row.get_absolute_url())
        for row in holding.only("id", "flow_name")[:NAMED]
    ]
    return [*named, Link("Show all that hold one", on_worker_address(field, value))]
