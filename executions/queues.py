"""The Celery queues of executions, and in which order a worker takes from them.

People share the workers by turns, and the flows that one person runs share that person's turns:
each execution goes into a queue of who started it and of its flow, hashed to a fixed number. One
that has used up its time slice goes into another queue of the same person, so that what has just
been started need not wait for loops.

With Redis, the order is `ByTurns`; with another broker, it is the broker's.
"""

from collections.abc import Iterable
from zlib import crc32

PEOPLE = 8
FLOWS = 3
#: Where executions went before, and what names none of them.
DEFAULT = "celery"
_PREFIX = "executions"


def queue_of(initiator_id: int | None, flow_name: str, *, slice_used: bool = False) -> str:
    """The queue of an execution; `slice_used` when it comes from a worker that others wait for."""
    kind = "long" if slice_used else str(crc32(flow_name.encode()) % FLOWS)
    return f"{_PREFIX}.{(initiator_id or 0) % PEOPLE}.{kind}"


EXECUTIONS = tuple(
    f"{_PREFIX}.{person}.{kind}"
    for person in range(PEOPLE)
    for kind in (*(str(flow) for flow in range(FLOWS)), "long")
)
#: Every queue of which a worker takes.
ALL = (DEFAULT, "upkeep", "jobs", *EXECUTIONS)


class FairRoundRobin:
    """The order in which kombu asks Redis for the queues' messages (`queue_order_strategy`): the
    group that was served longest ago comes first, and in it the queue that was served longest ago.
    A group are the queues of one person; any other queue is one by itself."""

    def __init__(self, it: Iterable[str] | None = None) -> None:
        self.groups: dict[str, list[str]] = {}
        self._order: list[str] = []
        self.update(it or ())

    def update(self, it: Iterable[str]) -> None:
        """Take turns among these queues."""
        self.groups = {}
        for queue in it:
            self.groups.setdefault(self._group(queue), []).append(queue)
        self._order = self._flat()

    def consume(self, n: int) -> list[str]:
        """The first `n` queues to ask, in this order."""
        return self._order[:n]

    def rotate(self, last_used: str) -> str:
        """A message has come from this queue: it and its group are the last ones now."""
        group = self._group(last_used)
        queues = self.groups.pop(group, None)
        if queues is not None:
            if last_used in queues:
                queues.remove(last_used)
                queues.append(last_used)
            self.groups[group] = queues
            self._order = self._flat()
        return last_used

    def _flat(self) -> list[str]:
        return [queue for queues in self.groups.values() for queue in queues]

    def _group(self, queue: str) -> str:
        return queue.rpartition(".")[0] if queue.startswith(f"{_PREFIX}.") else queue
