"""The exceptions of an execution's page."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from executions.failures import grouping
from executions.grid.table.links import filter_address
from executions.models import ExceptionRecord, Execution, FailureGroup
from executions.states import Place, Status
from executions.store.lifecycle.failures import Failure
from executions.store.read import records
from executions.views.detail.subject import Subject
from flows import pretty_json
from flows.failure_fingerprints import template
from flows.values import ExceptionValue

#: Failures elsewhere count as recent for this long.
LATELY = timedelta(days=7)


class Exceptions:
    def __init__(self, subject: Subject) -> None:
        self._subject = subject

    @property
    def count(self) -> int:
        """The number of exceptions up to the moment shown."""
        if self._subject.is_live:
            return self._subject.counts.exceptions
        return self._subject.past.exception_count

    @property
    def count_text(self) -> str:
        """The number on the tab, up to the limit of the count."""
        return _text(self.count) if self._subject.is_live else f"{self.count:,}"

    @property
    def records(self) -> list[ExceptionRecord]:
        """The newest of them, a limited number."""
        return self._subject.past.exceptions

    @cached_property
    def chosen(self) -> ExceptionRecord | None:
        """The exception that is shown in full: the requested one, else the newest."""
        wanted = self._subject.address.exception
        if wanted is None:
            return self.records[0] if self.records else None
        of_this = ExceptionRecord.objects.filter(execution_id=self._subject.execution.pk)
        return of_this.filter(pk=wanted).first()

    @cached_property
    def others(self) -> list[dict[str, Any]]:
        """The other newest exceptions, each in a line."""
        return [
            {
                "record": record,
                "short": record.type.rpartition(".")[2],
                "others_url": filter_address("error", record.type.rpartition(".")[2]),
                "url": self._subject.address.url(exception=record.pk),
            }
            for record in self.records
            if self.chosen is None or record.pk != self.chosen.pk
        ]

    @property
    def older_url(self) -> str:
        """The moment before the oldest of these; "" when there are no older ones."""
        if len(self.records) >= self.count or not self.records:
            return ""
        return self._subject.address.url(step=max(0, self.records[-1].step - 1), exception=None)

    @cached_property
    def whole(self) -> dict[str, Any]:
        """Everything about the chosen exception."""
        record = self.chosen
        assert record is not None
        graph, address = self._subject.graph, self._subject.address
        handler = graph.blocks.get(record.handled_by)
        return {
            "record": record,
            "value": pretty_json.decode(record.data),
            "short": record.type.rpartition(".")[2],
            "others_url": filter_address("error", record.type.rpartition(".")[2]),
            "block": graph.blocks.get(record.block),
            "block_url": address.block_url(graph, record.block),
            "step_url": address.url(tab="steps", step=record.step, exception=record.pk),
            "handler": handler.title if handler else record.handled_by,
            "handler_url": address.block_url(graph, record.handled_by) if handler else "",
            "is_pending": self._is_pending(record),
            "traceback": record.traceback if self._subject.user.is_superuser else "",
            "text_url": self._url(record, "text"),
            "json_url": self._url(record, "json"),
            "link": f"{self._subject.execution.get_absolute_url()}"
            f"{address.url(panel='exceptions', exception=record.pk)}",
        }

    def _is_pending(self, record: ExceptionRecord) -> bool:
        """Whether the token still waits on its exception port."""
        execution = self._subject.execution
        at_port = execution.status == Status.EXCEPTION or execution.place == Place.EXCEPTION_PORT
        return at_port and record.step == execution.step_count and not record.handled_by

    def _url(self, record: ExceptionRecord, form: str) -> str:
        key = self._subject.execution.pk
        return f"{reverse('execution-exception', args=[key, record.pk])}?as={form}"

    def _failure(self, record: ExceptionRecord) -> UUID:
        """What it has in common with others: where the execution failed by it, its group."""
        execution = self._subject.execution
        if execution.failure and grouping.ended_by(execution, record):
            return execution.failure
        thrown = Failure(execution.flow_name, record.block, record.type, template(record.message))
        return thrown.fingerprint

    @cached_property
    def elsewhere(self) -> "SameFailures":
        """The executions whose last failure is the same, of those that the user may see."""
        record = self.chosen
        assert record is not None
        execution = self._subject.execution
        failure = self._failure(record)
        same = self._subject.visible.filter(failure=failure)
        oldest = same.order_by("started_at", "id").values_list("started_at", flat=True)
        return SameFailures(
            count := _count(same),
            oldest.first() if count else None,
            _count(same.filter(started_at__gt=timezone.now() - LATELY)),
            is_alone=count == 1 and execution.failure == failure,
            url=f"{reverse('executions')}?failure={failure}",
            group=FailureGroup.objects.select_related("owner").filter(pk=failure).first(),
        )


@dataclass(frozen=True, slots=True)
class SameFailures:
    """How many executions failed alike, in all and lately, each counted up to `reads.COUNTED`; when
    the first of them was started; and the grid with them."""

    count: int
    first: datetime | None
    lately: int
    is_alone: bool
    url: str
    #: None where all of them went on, because something handled the exception.
    group: FailureGroup | None = None

    @property
    def count_text(self) -> str:
        return _text(self.count)

    @property
    def lately_text(self) -> str:
        return _text(self.lately)

    @property
    def first_url(self) -> str:
        """The grid with the oldest of them at its top."""
        return f"{self.url}&sort=started"

    @property
    def lately_url(self) -> str:
        return f"{self.url}&started={quote(f'>-{LATELY.days}d')}"


def _count(rows: QuerySet[Execution]) -> int:
    return rows.order_by().values("pk")[: records.COUNT_CAP].count()


def _text(count: int) -> str:
    return f"{records.COUNT_CAP - 1}+" if count >= records.COUNT_CAP else f"{count:,}"


def as_text(value: Any) -> str:
    """Return an exception as text in full, with its causes."""
    if not isinstance(value, ExceptionValue):
        return pretty_json.text(value)
    lines = [f"{value.type}: {value.message}" if value.message else value.type]
    for label, told in (
        ("Category", value.category),
        ("Error code", value.error_code),
        ("Help", value.help_link),
    ):
        if told is not None:
            lines.append(f"{label}: {told}")
    if value.details is not None:
        lines.append(f"Details: {pretty_json.text(value.details)}")
    lines += [f"{name}: {pretty_json.text(part)}" for name, part in value.extra.items()]
    if value.inner is not None:
        lines += ["caused by", as_text(value.inner)]
    return "\n".join(lines)
