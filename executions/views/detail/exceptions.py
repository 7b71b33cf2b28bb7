"""The exceptions of an execution's page."""

from functools import cached_property
from typing import Any

from executions.models import ExceptionRecord
from executions.store import reads
from executions.views.detail.subject import Subject
from flows import pretty


class Exceptions:
    def __init__(self, subject: Subject) -> None:
        self._subject = subject

    @property
    def count(self) -> int:
        """How many there are, or were then; the newest are shown."""
        if self._subject.is_live:
            return self._subject.counts.exceptions
        return self._subject.past.exception_count

    @property
    def count_text(self) -> str:
        """Their number on the tab, as far as they are counted."""
        limited = self._subject.is_live and self.count >= reads.COUNTED
        return f"{reads.COUNTED - 1}+" if limited else f"{self.count:,}"

    @cached_property
    def shown(self) -> list[dict[str, Any]]:
        """The newest, each with the blocks that threw and handled it."""
        return [self._told(record) for record in self._subject.past.exceptions]

    def _told(self, record: ExceptionRecord) -> dict[str, Any]:
        value = pretty.decoded(record.data)
        graph, address = self._subject.graph, self._subject.address
        return {
            "record": record,
            "value": value,
            "text": pretty.text(value),
            "short": record.type.rpartition(".")[2],
            "block": graph.blocks.get(record.block),
            "block_url": address.block_url(graph, record.block),
            "step_url": address.url(tab="steps", step=record.step),
            "handler": graph.blocks.get(record.handled_by) or record.handled_by,
        }
