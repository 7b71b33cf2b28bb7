"""The declaration of a kind of rules: what its form asks, what it finds, how it reads."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import Q

from executions import workers
from executions.access import User
from executions.models import AlertRule, Observation
from executions.statistics import read
from executions.statistics.counts import Numbers
from executions.statistics.spans import Span
from executions.workers import Worker
from flows.models import Flow
from flows.queries import flows_in

#: Findings that an alert keeps and a message names; more are counted.
NAMED = 20
#: Findings that are looked through for those that somebody may see.
SHOWN = 200
#: Findings up to which they are counted.
COUNTED = 1_000
#: How far back "would have fired" looks.
HISTORY = timedelta(days=7)
#: Rows that one such question reads at most.
HISTORY_ROWS = 5_000
#: Minutes of a step of the statistics that it reads, and flows that it reads them of.
HISTORY_STEP = 15
HISTORY_FLOWS = 50
#: What p95 is taken of, and how many runs that takes.
USUAL_SPAN = timedelta(days=7)
USUAL_RUNS = 20

#: From when until when a condition held; None is until now.
Interval = tuple[datetime, datetime | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A number that a rule of the kind has."""

    name: str
    label: str
    default: int
    least: int = 1
    most: int = 1_000_000
    help: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that a rule is about now.

    `group` is what belongs together: a flow, a failure, a worker. A message goes out when a group
    joins, not for each finding. The ids say who may see it.
    """

    group: str
    text: str
    address: str
    flow: str = ""
    execution_id: str = ""
    failure_id: str = ""

    def as_json(self) -> dict[str, str]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(slots=True)
class Found:
    """What a check finds: the first findings, and how many there are."""

    findings: list[Finding] = field(default_factory=list)
    count: int = 0

    @classmethod
    def of(cls, findings: Iterable[Finding]) -> "Found":
        found = list(findings)
        return cls(found[:SHOWN], min(len(found), COUNTED))


class Round:
    """One evaluation of all rules: its moment, and what several rules ask for."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._numbers: dict[timedelta, dict[int, Numbers]] = {}
        self._failures: dict[timedelta, dict[UUID, int]] = {}
        self._flows_in: dict[tuple[int | None, int | None], list[int]] = {}

    def numbers(self, length: timedelta, flow: int | None = None) -> dict[int, Numbers]:
        """Return the numbers of each flow in the time until now. They are read once for all rules;
        for one that names a `flow`, of that alone where nobody else has asked."""
        if length not in self._numbers:
            span = Span.last(length, self.now)
            if flow is not None:
                return read.numbers_by_flow(span, [flow])
            self._numbers[length] = read.numbers_by_flow(span)
        return self._numbers[length]

    def failures(self, length: timedelta) -> dict[UUID, int]:
        """Return how often each failure was seen in the time until now."""
        if length not in self._failures:
            counts = read.by_failure(Span.last(length, self.now))
            self._failures[length] = {pk: one.failed for pk, one in counts.items()}
        return self._failures[length]

    def flows_in(self, folder: int | None, label: int | None) -> list[int]:
        """Return the ids of the flows of a folder or a label."""
        key = folder, label
        if key not in self._flows_in:
            labels = [] if label is None else [label]
            self._flows_in[key] = flows_in(folder=folder, labels=labels)
        return self._flows_in[key]

    @cached_property
    def silent_workers(self) -> list[Worker]:
        return [one for one in workers.read() or () if one.is_silent]

    @cached_property
    def usual(self) -> dict[int, float]:
        """The p95 in seconds of each flow that has run often enough to say what is usual."""
        counts = read.by_flow(Span.last(USUAL_SPAN, self.now))
        found = {pk: one.durations for pk, one in counts.items() if one.ended >= USUAL_RUNS}
        return {
            pk: p95
            for pk, durations in found.items()
            if len(durations) >= USUAL_RUNS and (p95 := durations.quantile(0.95)) is not None
        }

    @cached_property
    def flows(self) -> dict[int, Flow]:
        return {flow.pk: flow for flow in Flow.objects.defer("description")}


class Check:
    """A rule, the flows that it is about, and the round in which it is evaluated."""

    def __init__(self, rule: AlertRule, evaluation: Round) -> None:
        self.rule = rule
        self.round = evaluation

    @property
    def now(self) -> datetime:
        return self.round.now

    @cached_property
    def flow_ids(self) -> list[int] | None:
        """The ids of the flows; None is all."""
        rule = self.rule
        if rule.flow_id is not None:
            return [rule.flow_id]
        if rule.folder_id is not None or rule.label_id is not None:
            return self.round.flows_in(rule.folder_id, rule.label_id)
        return None

    def numbers(self, length: timedelta) -> dict[int, Numbers]:
        """Return the numbers of each of the flows in the time until now."""
        found = self.round.numbers(length, self.rule.flow_id)
        if self.flow_ids is None:
            return found
        return {pk: found[pk] for pk in self.flow_ids if pk in found}

    @property
    def flow_filter(self) -> dict[str, Any]:
        """The condition on a model with a flow."""
        return {} if self.flow_ids is None else {"flow__in": self.flow_ids}

    @property
    def name_filter(self) -> dict[str, Any]:
        """The condition on executions."""
        if self.flow_ids is None:
            return {}
        names = [self.round.flows[pk].name for pk in self.flow_ids if pk in self.round.flows]
        return {"flow_name__in": names}

    @property
    def selection(self) -> read.Selection:
        return read.Selection(flows=self.flow_ids)

    def number(self, name: str) -> int:
        """Return a parameter."""
        return int(self.rule.parameters[name])

    def minutes(self, name: str) -> timedelta:
        return timedelta(minutes=self.number(name))

    @property
    def history(self) -> Span:
        """The days of which it is asked how often the rule would have fired."""
        return Span.last(HISTORY, self.now)

    def flow_name(self, flow_id: int) -> str:
        flow = self.round.flows.get(flow_id)
        return flow.name if flow else "a flow that was deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of rules. Each is declared at the end of a file in `executions.alerts.kinds`."""

    name: str
    #: What happens, as in the list of kinds and on the account page.
    label: str
    #: A second line below it.
    hint: str = ""
    icon: str = "bell"
    parameters: tuple[Parameter, ...]
    #: The condition as a sentence, with its parameters.
    sentence: Callable[[Mapping[str, int]], str]
    #: What the rule finds now. It reads a bounded number of rows.
    check: Callable[[Check], Found]
    #: When, in the last days, its condition held.
    history: Callable[[Check], list[Interval]]
    #: Whether it is about flows.
    has_scope: bool = True
    #: Which findings a person may see.
    visible: Callable[[User, Sequence[Finding]], list[Finding]]
    #: Whether it also comes in the quiet hours of a person.
    is_urgent: bool = False
    #: What is seen only while it lasts: the key, the flow and the beginning of each.
    observe: Callable[[Round], Collection[tuple[str, int | None, datetime]]] | None = None

    def defaults(self) -> dict[str, int]:
        return {parameter.name: parameter.default for parameter in self.parameters}


def merge_intervals(intervals: Iterable[Interval], now: datetime) -> list[Interval]:
    """Return intervals in order, those that touch as one: as many as there would be alerts."""
    found: list[list[datetime]] = []
    for start, end in sorted((start, end or now) for start, end in intervals):
        if found and start <= found[-1][1]:
            found[-1][1] = max(found[-1][1], end)
        else:
            found.append([start, end])
    return [(start, None if end >= now else end) for start, end in found]


def intervals_that_lasted(asked: Check, kind: str, length: timedelta) -> list[Interval]:
    """Return when, in the last days, something that was observed had lasted longer than a time."""
    seen = Observation.objects.filter(
        Q(until=None) | Q(until__gte=asked.history.start), kind=kind, **asked.flow_filter
    ).order_by("-id")
    return [
        (since + length, until)
        for since, until in seen.values_list("since", "until")[:HISTORY_ROWS]
        if (until or asked.now) - since > length
    ]
