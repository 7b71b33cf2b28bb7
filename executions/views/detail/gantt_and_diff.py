"""A Gantt chart of an execution's blocks and children, and the differences between two steps."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.utils import timezone

from executions import appearance
from executions.store import history
from executions.store.history import variable_differences
from executions.store.history.gantt import Gantt, GanttBar, gantt
from executions.views.detail.subject import Subject
from flows import formatting

#: The Gantt view in units of its drawing: the names, the time, a line.
NAMES, WIDE, LINE = 220, 980, 22


@dataclass(frozen=True, slots=True)
class DrawnBar:
    x: float
    width: float
    title: str
    url: str
    kind: str


@dataclass(frozen=True, slots=True)
class DrawnLine:
    y: int
    title: str
    bars: list[DrawnBar]
    is_child: bool


class GanttAndDifferences:
    def __init__(self, subject: Subject) -> None:
        self._subject = subject

    # Gantt ----------------------------------------------------------------------------------------

    @cached_property
    def gantt(self) -> Gantt:
        subject = self._subject
        return gantt(subject.execution, subject.visible, timezone.now())

    @property
    def width(self) -> int:
        return NAMES + WIDE

    @property
    def height(self) -> int:
        return LINE * (len(self.lines) + 1)

    @cached_property
    def lines(self) -> list[DrawnLine]:
        """The blocks in the order of their first visits, then the children."""
        shown, graph = self.gantt, self._subject.graph
        lines: list[DrawnLine] = []
        for line in shown.lines:
            node = graph.blocks.get(line.block)
            title = node.title if node else line.block
            bars = [self._bar(title, bar) for bar in line.bars]
            lines.append(DrawnLine(LINE * (len(lines) + 1), title, bars, is_child=False))
        for child in shown.children:
            unhandled = child.unhandled
            word = appearance.label(child.status, child.place, child.reason, unhandled=unhandled)
            ends = child.ended_at or shown.ends
            x, width = self._place(child.started_at, ends)
            took = formatting.duration((ends - child.started_at).total_seconds())
            bar = DrawnBar(
                x,
                width,
                f"{child.flow_name}: {word}, {took}",
                child.get_absolute_url(),
                f"st-{appearance.css_class(child.status, unhandled=unhandled)}",
            )
            y = LINE * (len(lines) + 1)
            lines.append(DrawnLine(y, f"Child {child.flow_name}", [bar], is_child=True))
        return lines

    def _bar(self, title: str, bar: GanttBar) -> DrawnBar:
        x, width = self._place(bar.begins, bar.ends)
        took = formatting.duration((bar.ends - bar.begins).total_seconds())
        visits = (
            f"{bar.visits} visits from step {bar.step} on"
            if bar.visits > 1
            else (f"step {bar.step}")
        )
        return DrawnBar(
            x,
            width,
            f"{title}, {visits}: {took}" + (", threw" if bar.thrown else ""),
            self._subject.address.url(step=bar.step),
            "thrown" if bar.thrown else "visit",
        )

    def _place(self, begins: datetime, ends: datetime) -> tuple[float, float]:
        whole = max((self.gantt.ends - self.gantt.begins).total_seconds(), 0.001)
        first = (begins - self.gantt.begins).total_seconds() / whole
        width = (ends - begins).total_seconds() / whole
        x = NAMES + WIDE * min(max(first, 0.0), 1.0)
        return round(x, 1), round(max(2.0, min(WIDE * width, NAMES + WIDE - x)), 1)

    @property
    def now_x(self) -> float:
        """The place of the shown moment."""
        made = self._subject.past.last_step
        moment = made.at if made is not None else self.gantt.begins
        return self._place(moment, moment)[0]

    # Differences ----------------------------------------------------------------------------------

    @property
    def since(self) -> int:
        """The step from which differences are shown: the requested one, else the one before."""
        asked = self._subject.address.since
        last = int(self._subject.execution.step_count)
        return min(asked, last) if asked is not None else max(0, self._subject.past.step - 1)

    @cached_property
    def _ends(self) -> tuple[history.ExecutionAt, history.ExecutionAt]:
        """Both moments in the order of time."""
        subject = self._subject
        other = history.at(subject.execution, subject.now.graph, self.since)
        return (other, subject.past) if other.step <= subject.past.step else (subject.past, other)

    @property
    def first(self) -> int:
        return self._ends[0].step

    @property
    def last(self) -> int:
        return self._ends[1].step

    @property
    def is_known(self) -> bool:
        """Whether both moments are kept."""
        return all(end.is_kept for end in self._ends)

    @cached_property
    def differences(self) -> list[variable_differences.VariableDifference]:
        return variable_differences.of_variables(*self._ends)

    @cached_property
    def visited(self) -> list[dict[str, Any]]:
        """The blocks visited between, with how often and a way to the first visit."""
        subject = self._subject
        told = variable_differences.visited_between(subject.execution, self.first, self.last)
        return [
            {
                "title": node.title if (node := subject.graph.blocks.get(block)) else block,
                "visits": visits,
                "url": subject.address.url(step=step),
                "step": step,
            }
            for block, visits, step in told
        ]
