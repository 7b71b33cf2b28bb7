"""Histograms of durations whose quantiles are right within 2 %, however many are merged. Pure.

Bins are log-spaced, as in DDSketch: a bin's upper edge is 1.04 times that of the bin before, so its
middle differs by less than 2 % from whatever lies in it. Counts are added and subtracted by bin.
"""

import math
import struct
import sys
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

#: An upper edge, by that of the bin before.
GROWTH = 1.04
_LOG_GROWTH = math.log(GROWTH)
#: Where in a bin its values count as being, by its upper edge.
_MIDDLE = 2 / (GROWTH + 1)
_MICROSECONDS = 1_000_000
#: How the counts are packed, by the largest that fits.
_WIDTHS = (("b", 2**7), ("h", 2**15), ("i", 2**31), ("q", 2**63))
_SIZES = {code: struct.calcsize(f"<{code}") for code, _ in _WIDTHS}


def bin_of(microseconds: int) -> int:
    """Return the number of the bin; 0 is no time at all."""
    return 0 if microseconds <= 0 else 1 + math.ceil(math.log(microseconds) / _LOG_GROWTH)


def upper_edge(number: int) -> float:
    """Return the longest duration of a bin, in seconds."""
    return GROWTH ** (number - 1) / _MICROSECONDS if number else 0.0


def pack(counts: Mapping[int, int]) -> bytes:
    """Return the counts by bin as bytes: the code of their width, the bins, the counts."""
    bins = sorted(number for number, count in counts.items() if count)
    if not bins:
        return b""
    packed = [counts[number] for number in bins]
    most = max(map(abs, packed))
    code = next(code for code, limit in _WIDTHS if most < limit)
    return code.encode() + struct.pack(f"<{len(bins)}H{len(bins)}{code}", *bins, *packed)


def unpack(packed: bytes) -> dict[int, int]:
    """Return the counts by bin that `pack` has made bytes of."""
    if not packed:
        return {}
    code = chr(packed[0])
    size = (len(packed) - 1) // (2 + _SIZES[code])
    bins, counts = array("H", packed[1 : 1 + 2 * size]), array(code, packed[1 + 2 * size :])
    if sys.byteorder == "big":
        bins.byteswap()
        counts.byteswap()
    return dict(zip(bins, counts, strict=True))


def binned(microseconds: Iterable[int]) -> Counter[int]:
    """Return how many durations lie in each bin."""
    return Counter(map(bin_of, microseconds))


class Histogram:
    """Durations of which only the bins are known.

    Packed histograms that are added or subtracted are unpacked when somebody asks.
    """

    __slots__ = ("_added", "_packed", "_subtracted")

    def __init__(self) -> None:
        self._added: dict[int, int] = {}
        self._subtracted: dict[int, int] = {}
        self._packed: list[tuple[int, bytes]] = []

    def merge(self, other: "Histogram") -> None:
        """Add the durations of another histogram."""
        self._packed += other._packed
        for sign, bins in ((1, other._added), (-1, other._subtracted)):
            if bins:
                self.add(bins, sign)

    def add(self, bins: Mapping[int, int] | bytes, sign: int = 1) -> None:
        """Add counts by bin, or subtract them where the sign is -1."""
        if isinstance(bins, bytes):
            self._packed.append((sign, bins))
            return
        counts = self._added if sign > 0 else self._subtracted
        for number, count in bins.items():
            counts[number] = counts.get(number, 0) + count

    @property
    def bins(self) -> Mapping[int, int]:
        """The counts by bin, in order."""
        added, subtracted = self._unpacked()
        if not subtracted:
            return {number: added[number] for number in sorted(added)}
        counts = {
            number: added.get(number, 0) - subtracted.get(number, 0)
            for number in sorted({**subtracted, **added})
        }
        return {number: count for number, count in counts.items() if count}

    def _unpacked(self) -> tuple[Mapping[int, int], Mapping[int, int]]:
        """Return what was added, and what was subtracted."""
        packed, self._packed = self._packed, []
        if len(packed) > 2:
            packed = _remaining(packed)
        for sign, one in packed:
            # Most often there is one of each, which is not worth a loop.
            if sign > 0 and not self._added:
                self._added = unpack(one)
            elif sign < 0 and not self._subtracted:
                self._subtracted = unpack(one)
            else:
                self.add(unpack(one), sign)
        return self._added, self._subtracted

    def __len__(self) -> int:
        return sum(self.bins.values())

    def __bool__(self) -> bool:
        return bool(self.bins)

    def __iter__(self) -> Iterator[tuple[float, int]]:
        """Yield the upper edge of each bin, in seconds, and its count."""
        return ((upper_edge(number), count) for number, count in self.bins.items())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Histogram) and self.bins == other.bins

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Histogram({self.bins})"

    def quantile(self, part: float) -> float | None:
        """Return the seconds that so large a part of the durations does not exceed: 0.95 for the
        95th percentile. None where there are none."""
        added, subtracted = self._unpacked()
        number = sum(added.values()) - sum(subtracted.values())
        longer = number - max(1, math.ceil(part * number))
        # What is subtracted was added before, so its bins are mostly among the others.
        bins = added if subtracted.keys() <= added.keys() else {**subtracted, **added}
        # The longest come first: of a 95th percentile few bins are looked at.
        for bin_number in sorted(bins, reverse=True):
            longer -= added.get(bin_number, 0) - subtracted.get(bin_number, 0)
            if longer < 0 < number:
                return upper_edge(bin_number) * _MIDDLE
        return None


def _remaining(packed: Iterable[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """Return what is left where the same is added and subtracted: of the parts of a span that are
    merged, the total at its end and that at its start."""
    times: Counter[bytes] = Counter()
    for sign, one in packed:
        times[one] += sign
    return [
        (1 if number > 0 else -1, one) for one, number in times.items() for _ in range(abs(number))
    ]


def repacked(packed: bytes, more: Histogram) -> bytes:
    """Return a packed histogram to which another was added."""
    bins = more.bins
    if not bins:
        return packed
    counts = unpack(packed)
    for number, count in bins.items():
        counts[number] = counts.get(number, 0) + count
    return pack(counts)
