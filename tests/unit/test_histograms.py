"""Histograms: any quantile is right within 2 %, however many are merged and subtracted."""

import math
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executions.statistics.histograms import Histogram, bin_of, binned, pack, unpack, upper_edge

#: From a microsecond to a year.
DURATIONS = st.lists(st.integers(1, 31_536_000_000_000), min_size=1, max_size=200)


def exact(microseconds: list[int], part: float) -> float:
    """The smallest duration that so large a part does not exceed, in seconds."""
    return sorted(microseconds)[max(0, math.ceil(part * len(microseconds)) - 1)] / 1e6


@given(st.lists(DURATIONS, min_size=1, max_size=5), st.sampled_from([0.0, 0.5, 0.95, 0.99, 1.0]))
def test_quantiles_of_merged_histograms(parts: list[list[int]], part: float) -> None:
    merged = Histogram()
    for durations in parts:
        merged.add(pack(binned(durations)))
    quantile = merged.quantile(part)
    assert quantile == pytest.approx(exact([*chain(*parts)], part), rel=0.02)


@given(DURATIONS, DURATIONS)
def test_what_is_subtracted_is_gone(earlier: list[int], later: list[int]) -> None:
    difference = Histogram()
    difference.add(pack(binned(earlier + later)))
    difference.add(pack(binned(earlier)), -1)
    plain = Histogram()
    plain.add(binned(later))
    assert difference == plain
    assert len(difference) == len(later)
    assert difference.quantile(0.5) == pytest.approx(exact(later, 0.5), rel=0.02)


@given(st.lists(DURATIONS, min_size=2, max_size=6))
def test_what_parts_share_is_not_counted_twice(parts: list[list[int]]) -> None:
    """Each part is the difference of two totals; the one in between is added and subtracted."""
    totals = [pack(binned([*chain(*parts[:end])])) for end in range(len(parts) + 1)]
    whole, plain = Histogram(), Histogram()
    for number, durations in enumerate(parts):
        part = Histogram()
        part.add(totals[number + 1])
        part.add(totals[number], -1)
        if number % 2:
            assert len(part) == len(durations)
        whole.merge(part)
        plain.add(binned(durations))
    assert whole == plain


@given(st.dictionaries(st.integers(0, 2000), st.integers(-(2**62), 2**62)))
def test_packing_loses_nothing(counts: dict[int, int]) -> None:
    assert unpack(pack(counts)) == {number: count for number, count in counts.items() if count}


@given(st.integers(0, 2**62))
def test_a_duration_lies_in_its_bin(microseconds: int) -> None:
    number = bin_of(microseconds)
    assert microseconds / 1e6 <= upper_edge(number) * (1 + 1e-9)
    assert number <= 1 or microseconds / 1e6 > upper_edge(number - 1) * (1 - 1e-9)


def test_no_durations_have_no_quantile() -> None:
    empty = Histogram()
    assert empty.quantile(0.5) is None
    assert not empty
    assert pack({}) == b""


def test_no_time_at_all_counts() -> None:
    histogram = Histogram()
    histogram.add(binned([0, 0, -5, 1_000_000]))
    assert histogram.quantile(0.5) == 0
    assert histogram.quantile(1.0) == pytest.approx(1, rel=0.02)
