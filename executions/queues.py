"""The Celery queues of executions, and the order in which a worker takes from them.

Users share the workers by turns, and the flows of one user share that user's turns: each execution
goes into a queue of its initiator and its flow, hashed to a fixed number. An execution that has
used up its time slice goes into another queue of the same user, so that what has just been started
does not wait for loops.

With Redis the order is `FairRoundRobin`; other brokers have their own.
"""

from collections.abc import Iterable
from zlib import crc32

PEOPLE = 8
FLOWS = 3
#: The queue of messages that name no other.
DEFAULT = "celery"
_PREFIX = "executions"


def queue_of(initiator_id: int | None, flow_name: str, *, slice_used: bool = False) -> str:
    """Return the queue of an execution. `slice_used`: it gave up its worker because others wait."""
    kind = "long" if slice_used else str(crc32(flow_name.encode()) % FLOWS)
    return f"{_PREFIX}.{(initiator_id or 0) % PEOPLE}.{kind}"


EXECUTIONS = tuple(
    f"{_PREFIX}.{person}.{kind}"
    for person in range(PEOPLE)
    for kind in (*(str(flow) for flow in range(FLOWS)), "long")
)
#: Every queue that a worker takes from.
ALL = (DEFAULT, "upkeep", "jobs", "deliveries", *EXECUTIONS)


class FairRoundRobin:
    """The order in which kombu asks Redis for messages (`queue_order_strategy`): the group that was
    served longest ago comes first, and in it the queue that was served longest ago.

    The queues of one user are a group; any other queue is a group by itself.
    """

    def __init__(self, it: Iterable[str] | None = None) -> None:
        self.groups: dict[str, list[str]] = {}
        self._order: list[str] = []
        self.update(it or ())

    def update(self, it: Iterable[str]) -> None:
        """Replace the queues."""
        self.groups = {}
        for queue in it:
            self.groups.setdefault(self._group(queue), []).append(queue)
        self._order = self._flat()

    def consume(self, n: int) -> list[str]:
        """Return the first `n` queues, in the order to ask them."""
        return self._order[:n]

    def rotate(self, last_used: str) -> str:
        """Put a queue, from which a message has come, and its group last."""
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
