"""Events may be aggregated in any order and in any batches: the totals are the same."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from executions.statistics.aggregation import Events, totals_after
from executions.statistics.counts import NOTHING, Counts, Total
from executions.statistics.histograms import binned

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
KINDS = st.sampled_from(["started", "claimed", "Ended", "unhandled", "Error", "Stopped"])
#: The end of its minute, its kind, and how long it took.
EVENTS = st.lists(
    st.tuples(st.integers(0, 6), KINDS, st.integers(0, 10**9), st.sampled_from([1, 1, 1, -1])),
    min_size=1,
)


@given(st.lists(EVENTS, max_size=6))
def test_totals_do_not_depend_on_the_order(batches: list[list[tuple[int, str, int, int]]]) -> None:
    stored: dict[datetime, Total] = {}
    everything: list[tuple[datetime, Events]] = []
    for batch in batches:
        changes: dict[datetime, list[Events]] = {}
        for minute, kind, took, sign in batch:
            bins = binned([took] if kind != "started" else [])
            events = Events(kind, 1, bins, sign)
            changes.setdefault(NOW + timedelta(minutes=minute), []).append(events)
            everything.append((NOW + timedelta(minutes=minute), events))
        first = min(changes)
        before = [until for until in stored if until < first][-1:]
        tail = {until: total for until, total in stored.items() if until >= first}
        stored |= totals_after({**{until: stored[until] for until in before}, **tail}, changes)
        stored = dict(sorted(stored.items()))
    last = NOTHING
    for minute in range(8):
        until = NOW + timedelta(minutes=minute)
        last = stored.get(until, last)
        plain = Counts()
        for at, one in everything:
            if at <= until:
                plain.add_events(one.kind, one.number, one.bins, one.sign)
        assert last == plain.total
