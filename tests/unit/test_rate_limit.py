"""How often a row is sent."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from executions.live.rate_limit import APART, UPDATES, WINDOW, RateLimit

#: Seconds between two looks at a row that changes all the time.
looks = st.lists(st.floats(0.001, 0.7), min_size=1, max_size=60)


def sendings(waits: list[float]) -> list[float]:
    """When a row is sent that is looked at after each of these waits."""
    pace, now, sent = RateLimit(), 100.0, []
    for wait in waits:
        now += wait
        if pace.allowed_at("row") <= now:
            pace.record("row", now)
            sent.append(now)
    return sent


@given(looks)
def test_at_most_four_in_any_second_and_never_close(waits: list[float]) -> None:
    sent = sendings(waits)
    assert all(b - a >= APART for a, b in pairwise(sent))
    assert all(b - a >= WINDOW for a, b in zip(sent, sent[UPDATES:], strict=False))


@given(looks)
def test_nobody_waits_for_longer_than_the_pace_asks(waits: list[float]) -> None:
    pace, now = RateLimit(), 100.0
    for wait in waits:
        now += wait
        due = pace.allowed_at("row")
        assert due <= now - wait + WINDOW - (UPDATES - 1) * APART
        if due <= now:
            pace.record("row", now)


def test_one_that_changes_four_times_a_second_hardly_waits() -> None:
    assert len(sendings([0.25] * 40)) == 40


def test_what_was_sent_long_ago_is_forgotten() -> None:
    pace = RateLimit()
    for number in range(100):
        pace.record(str(number), number * 0.1)
    assert len(pace._sent) <= WINDOW / 0.1 + 2
