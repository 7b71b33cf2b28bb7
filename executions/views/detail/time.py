"""The time slider on the page of an execution: the step that is shown, and links to others."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from math import log1p

from django.urls import reverse

from executions.retention.trimming import trimmed_steps
from executions.store.history import clock_snapshots, timeline
from executions.views import visits
from executions.views.detail.subject import Subject
from flows.graph import BlockNode

#: Bars of the slider, and the height of the highest.
BARS, HEIGHT = 200, 14
#: Times that are written below it.
LABELS = 5


@dataclass(frozen=True, slots=True)
class SliderTick:
    """`x` is in per cent of the slider."""

    x: float
    y: float
    height: float
    passed: bool


@dataclass(frozen=True, slots=True)
class ExceptionMark:
    """Exceptions at one place of the slider."""

    x: float
    step: int
    title: str
    url: str


class TimeSlider:
    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self.step = subject.past.step
        self.count = int(subject.execution.step_count)

    @property
    def is_live(self) -> bool:
        return self._subject.is_live

    @property
    def is_kept(self) -> bool:
        return self._subject.past.is_kept

    @property
    def trimmed_text(self) -> str:
        """The text that stands for a moment that is not kept."""
        trimmed = self._subject.past.trimmed
        if not trimmed:
            return ""
        return (
            f"Step {self.step:,} is not kept. Steps {trimmed[0]:,} to {trimmed[-1]:,} were dropped."
        )

    @cached_property
    def block(self) -> BlockNode | None:
        """The block of the step."""
        made = self._subject.past.last_step
        if made is None:
            return None
        # It ran in the version before, where people moved the execution after this step.
        return self._subject.graph.blocks.get(made.block)

    @cached_property
    def at(self) -> datetime:
        """The time of this moment; for now, the end of the last step."""
        made = self._subject.past.last_step
        if made is None:
            started: datetime = self._subject.execution.started_at
            return started
        moment: datetime = made.at + timedelta(microseconds=made.duration)
        return moment

    @property
    def text(self) -> str:
        """The text of the slider for screen readers."""
        text = f"Step {self.step:,} of {self.count:,}"
        if self.trimmed_text:
            return f"{text}, not kept"
        if self.block is not None:
            text += f", {self.block.title}"
        return f"{text}, live" if self.is_live else text

    # The way to other moments -------------------------------------------------------------------

    @property
    def first_url(self) -> str:
        return self._url(0)

    @property
    def previous_url(self) -> str:
        """The address of the previous step that is kept; "" at the beginning."""
        trimmed = trimmed_steps(self.count)
        step = self.step - 1
        return "" if step < 0 else self._url(trimmed.start - 1 if step in trimmed else step)

    @property
    def next_url(self) -> str:
        """One step on; the last step of an execution that goes on is live. "" there."""
        if self.is_live:
            return ""
        trimmed = trimmed_steps(self.count)
        step = self.step + 1
        if step >= self.count:
            return self.live_url
        return self._url(trimmed.stop if step in trimmed else step)

    @property
    def live_url(self) -> str:
        return self._subject.address.url(step=None)

    @cached_property
    def _exceptions(self) -> tuple[int | None, int | None]:
        return timeline.exception_steps(self._subject.execution.pk, self.step)

    @property
    def exception_before_url(self) -> str:
        step = self._exceptions[0]
        return "" if step is None else self._url(step)

    @property
    def exception_after_url(self) -> str:
        step = self._exceptions[1]
        return "" if step is None or self.is_live else self._url(step)

    @property
    def mark_url(self) -> str:
        """The address that shows the differences from this moment on."""
        return self._subject.address.url(since=self.step, tab="differences")

    @property
    def times_url(self) -> str:
        return reverse("execution-times", args=[self._subject.execution.pk])

    def _url(self, step: int) -> str:
        return self._subject.address.url(step=step)

    # The slider ---------------------------------------------------------------------------------

    @property
    def percent(self) -> float:
        """The place of the moment on the slider."""
        return round(self.step / self.count * 100, 2) if self.count else 100.0

    @cached_property
    def _parts(self) -> dict[int, timeline.TimelineSegment]:
        return timeline.segments(self._subject.execution, min(BARS, max(1, self.count)))

    @cached_property
    def bars(self) -> list[SliderTick]:
        """How long the parts of the steps took, on a scale that shows the short ones too."""
        longest = max((log1p(part.duration) for part in self._parts.values()), default=0)
        found = []
        for place, part in sorted(self._parts.items()):
            height = round(2 + (HEIGHT - 2) * log1p(part.duration) / longest, 1) if longest else 2
            x = round(place * 100 / min(BARS, max(1, self.count)), 2)
            found.append(SliderTick(x, round(HEIGHT - height, 1), height, x < self.percent))
        return found

    @cached_property
    def thrown(self) -> list[ExceptionMark]:
        """The exceptions on the slider."""
        return [
            ExceptionMark(
                round((part.thrown_at or part.first) / max(1, self.count) * 100, 2),
                part.thrown_at or part.first,
                f"{part.thrown} exceptions from step {part.thrown_at} on"
                if part.thrown > 1
                else f"Exception at step {part.thrown_at}",
                self._url(part.thrown_at or part.first),
            )
            for _, part in sorted(self._parts.items())
            if part.thrown
        ]

    @property
    def labels(self) -> list[datetime]:
        """Times at even distances of steps."""
        places = sorted(self._parts)
        if not places:
            return []
        picked = [places[(len(places) - 1) * n // (LABELS - 1)] for n in range(LABELS)]
        return [self._parts[place].at for place in dict.fromkeys(picked)]

    # The executions below -----------------------------------------------------------------------

    @property
    def clock_url(self) -> str:
        """Shows or hides the executions below as they were then."""
        return self._subject.address.url(clock=not self._subject.address.clock)

    @cached_property
    def below(self) -> clock_snapshots.Descendants | None:
        """The executions below at this moment, when they are asked for."""
        if not self._subject.address.clock:
            return None
        moment = None if self.is_live else self.at
        return clock_snapshots.descendants_at(
            self._subject.execution, self._subject.visible, moment
        )

    @property
    def took(self) -> str:
        """How long the step took."""
        made = self._subject.past.last_step
        return "" if made is None else visits.step_duration(made.duration)
