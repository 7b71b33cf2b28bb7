"""The rows of the list of flows: which flows there are, what is said of each, and their order."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.urls import reverse

from executions import appearance
from executions.charts.scales import percent
from executions.charts.strips import bar_path
from executions.states import Status
from executions.statistics.counts import Numbers
from executions.statistics.read import Bucket
from executions.statistics.spans import Span
from executions.store.read.flow_counts import LastExecution
from executions.views.flow_diagram import PILLS
from executions.views.flow_list.query import UNFILED, FlowQuery
from flows import access, formatting
from flows.models import Block, FavoriteFlow, FlowVersion, Label, Variable

#: A flow is failing when so large a part of what ended in a day failed.
FAILING = 0.05
#: A sparkline: its size, and the part of an hour's room that a bar fills.
SPARK_WIDTH, SPARK_HEIGHT, _FILLED = 150, 26, 0.76
LIVE_PILLS = {kind: pill for kind, pill in PILLS.items() if kind != "error"}


@dataclass(frozen=True, slots=True)
class Spark:
    """The hours of a sparkline as SVG paths: what ran, before that what failed, and a hairline
    where nothing ran."""

    ran: str
    failed: str
    nothing: str


@dataclass(frozen=True, slots=True)
class LiveCountPill:
    """The live executions of a flow of one kind, and the grid with those."""

    kind: str
    icon: str
    number: int
    title: str
    url: str


@dataclass
class FlowRow:
    """A flow with all that the list says of it."""

    flow: Any
    folder: str
    labels: Sequence[Label]
    is_favorite: bool
    may_arrange: bool
    live: Mapping[Status, int]
    day: Numbers
    span: Span
    #: Of those of a day, in seconds; only of a row that is shown, or ordered by it.
    p95: float | None = None
    last: LastExecution | None = None
    #: When a schedule starts it next; `has_schedules` also where all of them are off.
    next_at: datetime | None = None
    has_schedules: bool = False
    hours: Sequence[Bucket] = field(default_factory=tuple)

    @property
    def runs_url(self) -> str:
        return self._grid(started=f">={_moment(self.span)}")

    @property
    def ended_url(self) -> str:
        return self._grid(ended=f">={_moment(self.span)}", **{"-status": Status.STOPPED.value})

    @property
    def failed_url(self) -> str:
        return self._grid(**{"is": "failed", "ended": f">={_moment(self.span)}"})

    @cached_property
    def _grid_of_flow(self) -> str:
        return f"{reverse('executions')}?{urlencode({'flow': self.flow.name})}"

    def _grid(self, **more: str) -> str:
        return f"{self._grid_of_flow}&{urlencode(more)}"

    @property
    def rate(self) -> float | None:
        return self.day.failure_rate

    @property
    def rate_text(self) -> str:
        return share_text(self.rate)

    @property
    def is_failing(self) -> bool:
        return (self.rate or 0) >= FAILING

    @property
    def p95_text(self) -> str:
        return "" if self.p95 is None else formatting.duration(self.p95)

    @cached_property
    def now(self) -> list[LiveCountPill]:
        return live_count_pills(self.flow.name, self.live)

    @property
    def total_live(self) -> int:
        return sum(self.live.values())

    def number_of(self, kind: str) -> int:
        """Return how many executions of a kind are live."""
        return number_of(kind, self.live)

    @property
    def last_icon(self) -> str:
        assert self.last
        return appearance.icon_name(
            self.last.status, self.last.place, unhandled=self.last.unhandled
        )

    @property
    def last_tone(self) -> str:
        assert self.last
        return appearance.css_class(self.last.status, unhandled=self.last.unhandled)

    @property
    def last_word(self) -> str:
        assert self.last
        return appearance.label(self.last.status, self.last.place, unhandled=self.last.unhandled)

    @property
    def spark(self) -> Spark:
        return spark(self.hours)

    @property
    def hours_text(self) -> str:
        """The sparkline in words."""
        most = max((one.counts.started for one in self.hours if one.counts), default=0)
        if not most:
            return "Nothing ran"
        worst = max(self.hours, key=lambda one: one.counts.failed if one.counts else 0)
        text = f"{self.day.started:,} runs, at most {most:,} in an hour"
        if worst.counts and worst.counts.failed:
            at = formatting.clock(worst.start)
            text += f"; {self.day.failed:,} failed, most at {at}"
        return text


def number_of(kind: str, live: Mapping[Status, int]) -> int:
    """Return how many live executions are of a kind."""
    return sum(live.get(status, 0) for status in LIVE_PILLS[kind][0]) if live else 0


def live_count_pills(flow: str, live: Mapping[Status, int]) -> list[LiveCountPill]:
    """Return the kinds of live executions that a flow has."""
    pills = []
    for kind, (statuses, icon, words, _) in LIVE_PILLS.items():
        if number := number_of(kind, live):
            query = urlencode([("flow", flow), *(("status", one.value) for one in statuses)])
            url = f"{reverse('executions')}?{query}"
            pills.append(LiveCountPill(kind, icon, number, f"{number:,} {words}", url))
    return pills


def spark(hours: Sequence[Bucket]) -> Spark:
    """Return the bars of a sparkline, as high as the busiest hour allows."""
    most = max((_height(one) for one in hours), default=0) or 1
    room = SPARK_WIDTH / max(len(hours), 1)
    paths: dict[str, list[str]] = {"ran": [], "failed": [], "nothing": []}

    def draw(kind: str, number: int, height: float) -> None:
        x, y = number * room, SPARK_HEIGHT - height
        paths[kind].append(bar_path(x, y, room * _FILLED, height))

    for number, bucket in enumerate(hours):
        ran, failed = _height(bucket), bucket.counts.failed if bucket.counts else 0
        if ran:
            draw("ran", number, max(2.0, SPARK_HEIGHT * ran / most))
        else:
            draw("nothing", number, 1.0)
        if failed:
            draw("failed", number, max(2.0, SPARK_HEIGHT * failed / most))
    return Spark(**{kind: "".join(bars) for kind, bars in paths.items()})


def _height(bucket: Bucket) -> int:
    return max(bucket.counts.started, bucket.counts.failed) if bucket.counts else 0


def share_text(share: float | None) -> str:
    """Return a share as text; nothing where there is none."""
    return "" if share is None else percent(100 * share)


def _moment(span: Span) -> str:
    return f"{span.start:%Y-%m-%dT%H:%M}Z"


# Which flows there are --------------------------------------------------------------------------


def flows_of(user: Any, search: str) -> list[Any]:
    """Return the flows that a user may see and that have each word of a search in their name or
    description, or in a block or variable of their newest version."""
    newest = FlowVersion.objects.filter(flow=OuterRef("pk")).order_by("-number")
    published = newest.filter(published_at__isnull=False)
    found: QuerySet[Any] = access.visible(user).annotate(
        latest=Subquery(published.values("number")[:1]),
        latest_by=Subquery(published.values("published_by_id")[:1]),
        draft=Subquery(newest.filter(published_at=None).values("number")[:1]),
        newest=Subquery(newest.values("pk")[:1]),
    )
    for word in search.split():
        blocks = Block.objects.filter(
            Q(description__icontains=word) | Q(type__icontains=word), version=OuterRef("newest")
        )
        variables = Variable.objects.filter(
            name__icontains=word, workspace__version=OuterRef("newest")
        )
        found = found.filter(
            Q(name__icontains=word)
            | Q(description__icontains=word)
            | Exists(blocks)
            | Exists(variables)
        )
    return list(found.order_by("name"))


def labels_of_flows() -> dict[int, list[Label]]:
    """Return the labels of each flow that has some. A prefetch makes a manager for each flow, which
    for a thousand takes longer than all the rest."""
    known = Label.objects.in_bulk()
    pairs = Label.flows.through.objects.order_by("label__name").values_list("flow_id", "label_id")
    found: dict[int, list[Label]] = {}
    for flow_id, label_id in pairs:
        if label_id in known:
            found.setdefault(flow_id, []).append(known[label_id])
    return found


def favorites_of(user: Any) -> set[int]:
    """Return the ids of the flows that a user has starred."""
    return set(FavoriteFlow.objects.filter(user_id=user.pk).values_list("flow_id", flat=True))


def path_of(flow: Any, ways: Mapping[int, tuple[str, ...]]) -> str:
    """Return the path of the folder that a flow lies in; "" for none."""
    return ways[flow.folder_id][-1] if flow.folder_id in ways else ""


def is_in(path: str, folder: str) -> bool:
    """Whether a path is that of a folder, or of one below it, in any case."""
    path, folder = path.casefold(), folder.casefold()
    return path == folder or path.startswith(f"{folder}/")


def narrowed(rows: Iterable[FlowRow], query: FlowQuery, user: Any) -> list[FlowRow]:
    """Return the rows that the address asks for, beside its search."""
    return [
        row
        for row in rows
        if is_shown(row, query.show, user)
        and (not query.folder or is_in(row.folder, query.folder))
        and (not query.label or has_label(row, query.label))
        and (not query.kind or row.flow.kind == query.kind)
        and (not query.state or is_in_state(row, query.state))
    ]


def is_shown(row: FlowRow, show: str, user: Any) -> bool:
    """Whether a row belongs to one of the groups above the folders."""
    match show:
        case "favorites":
            return row.is_favorite
        case "drafts":
            return row.flow.draft is not None
        case "mine":
            return bool(row.flow.latest_by == user.pk)
        case "failing":
            return row.is_failing
        case _:
            return show != UNFILED or not row.folder


def has_label(row: FlowRow, name: str) -> bool:
    """Whether a flow has a label, in any case."""
    return any(one.name.casefold() == name.casefold() for one in row.labels)


def is_in_state(row: FlowRow, state: str) -> bool:
    """Whether a flow is in one of the states of the filter."""
    if state == "failing":
        return row.is_failing
    if state == "quiet":
        return row.day.is_empty and not row.total_live
    return bool(row.number_of(state))


def in_order(rows: Iterable[FlowRow], sort: str) -> list[FlowRow]:
    """Return rows in an order; those of which nothing is known come last."""
    keys: dict[str, Callable[[FlowRow], Any]] = {
        "name": lambda row: row.flow.name.casefold(),
        "now": lambda row: row.total_live,
        "runs": lambda row: row.day.started,
        "failed": lambda row: row.rate,
        "p95": lambda row: row.p95,
        "last": lambda row: row.last and row.last.started_at,
    }
    key = keys[sort.removeprefix("-")]
    known = [(value, row) for row in rows if (value := key(row)) is not None]
    unknown = [row for row in rows if key(row) is None]
    known.sort(key=lambda pair: pair[0], reverse=sort.startswith("-"))
    return [row for _, row in known] + unknown
