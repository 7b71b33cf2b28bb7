"""What is counted of executions. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from executions.states import Status
from executions.statistics.histograms import Histogram, repacked

#: The kinds of events, as the triggers write them, and what an end adds one to beside `ended`.
STARTED, CLAIMED, DELETED, UNHANDLED = "started", "claimed", "deleted", "unhandled"
ENDS = {
    Status.ENDED.value: None,
    UNHANDLED: "unhandled",
    Status.ERROR.value: "errors",
    Status.STOPPED.value: "stopped",
}
#: Them, as parameters of SQL statements.
KIND_PARAMS = {f"kind_{kind}": kind for kind in (STARTED, CLAIMED, DELETED, UNHANDLED)}
#: The numbers, in the order of the columns of `StatisticsTotal`.
NUMBERS = ("started", "ended", "unhandled", "errors", "stopped")


class Total(NamedTuple):
    """Counts as they are stored: `NUMBERS`, and packed histograms."""

    numbers: Sequence[int]
    durations: bytes
    waits: bytes

    def plus(self, counts: "Counts") -> "Total":
        """Return the total to which counts were added."""
        numbers = [mine + more for mine, more in zip(self.numbers, counts.numbers, strict=True)]
        durations = repacked(self.durations, counts.durations)
        return Total(numbers, durations, repacked(self.waits, counts.waits))


NOTHING = Total([0] * len(NUMBERS), b"", b"")


@dataclass(slots=True)
class Numbers:
    """How many executions started and ended, and how they ended."""

    started: int = 0
    #: Whatever the outcome.
    ended: int = 0
    #: Ended by an exception that nothing handled, in the status Ended.
    unhandled: int = 0
    #: Ended in the status Error.
    errors: int = 0
    #: Somebody stopped them.
    stopped: int = 0

    @property
    def failed(self) -> int:
        return self.unhandled + self.errors

    @property
    def succeeded(self) -> int:
        return self.ended - self.failed - self.stopped

    @property
    def failure_rate(self) -> float | None:
        """The part that failed of those that ended by themselves; None where none did."""
        by_themselves = self.ended - self.stopped
        return self.failed / by_themselves if by_themselves else None

    @property
    def is_empty(self) -> bool:
        return not (self.started or self.ended)

    @property
    def numbers(self) -> list[int]:
        return [getattr(self, name) for name in NUMBERS]

    def add_ends(self, kind: str, number: int) -> None:
        """Add executions that ended in one way."""
        self.ended += number
        if outcome := ENDS[kind]:
            setattr(self, outcome, getattr(self, outcome) + number)


@dataclass(slots=True)
class Counts(Numbers):
    """The numbers, and how long executions took.

    `durations` has those that ended by themselves, and `waits` how long executions waited for a
    worker when one first took them.
    """

    durations: Histogram = field(default_factory=Histogram)
    waits: Histogram = field(default_factory=Histogram)

    @property
    def is_empty(self) -> bool:
        return not (self.started or self.ended or self.waits)

    def add(self, other: "Counts") -> None:
        """Add other counts to these."""
        self.started += other.started
        self.ended += other.ended
        self.unhandled += other.unhandled
        self.errors += other.errors
        self.stopped += other.stopped
        self.durations.merge(other.durations)
        self.waits.merge(other.waits)

    @property
    def total(self) -> Total:
        """The counts as they are stored."""
        return NOTHING.plus(self)

    def add_total(self, total: Total, sign: int = 1) -> None:
        """Add a running total, or subtract it where the sign is -1."""
        started, ended, unhandled, errors, stopped = total.numbers
        self.started += sign * started
        self.ended += sign * ended
        self.unhandled += sign * unhandled
        self.errors += sign * errors
        self.stopped += sign * stopped
        self.durations.add(total.durations, sign)
        self.waits.add(total.waits, sign)

    def add_events(self, kind: str, number: int, bins: Mapping[int, int], sign: int) -> None:
        """Add events of one kind, or take them back where the sign is -1."""
        if kind == STARTED:
            self.started += sign * number
        elif kind == CLAIMED:
            self.waits.add(bins, sign)
        else:
            self.add_ends(kind, sign * number)
            self.durations.add(bins, sign)
