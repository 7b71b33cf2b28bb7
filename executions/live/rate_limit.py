"""The rate limit of a row: at most four updates in any second, however often it changes."""

from collections import OrderedDict, deque

#: A row is sent at most `UPDATES` times in `WINDOW` seconds, and `APART` seconds apart: a row that
#: changes four times a second hardly waits, and one that changes all the time never long.
UPDATES = 4
WINDOW = 1.0
APART = 0.2


class RateLimit:
    """When each row was sent lately."""

    def __init__(self) -> None:
        self._sent: OrderedDict[str, deque[float]] = OrderedDict()

    def allowed_at(self, row: str) -> float:
        """Return when the row may be sent again, on the clock of `record`."""
        sent = self._sent.get(row)
        if sent is None:
            return 0.0
        again = sent[-1] + APART
        return again if len(sent) < UPDATES else max(again, sent[0] + WINDOW)

    def record(self, row: str, now: float) -> None:
        """Record that a row is sent now, and forget rows that may be sent again by now."""
        self._sent.setdefault(row, deque(maxlen=UPDATES)).append(now)
        self._sent.move_to_end(row)
        while next(iter(self._sent.values()))[-1] < now - WINDOW:
            self._sent.popitem(last=False)
