"""Messages to the web processes: ids, a revision and columns, never HTML."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Self

#: What a message of the channel layer is about: its `type`.
EXECUTIONS_CHANGED = "executions.changed"
WATCHES_CHANGED = "watches.changed"
BULK_JOB_CHANGED = "bulk.changed"
FAILURES_CHANGED = "failures.changed"
NOTIFICATIONS_CHANGED = "notifications.changed"
#: What is asked of people, or of which of them.
QUESTIONS_CHANGED = "questions.changed"
#: What pages show beside executions: the message names its subjects.
SUBJECTS_CHANGED = "subjects.changed"
#: Whether a user may sign in, or one of their sessions: their connections are checked at once.
USER_CHANGED = "user.changed"
#: What users may do: the connections of those concerned are checked at once.
RIGHTS_CHANGED = "rights.changed"


#: What a page shows, and fetches again when it has changed: a kind, and what that is found by.
Subject = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExecutionChanged:
    """A committed change of an execution: every column that a grid row needs.

    `lease_owner` begins with the name of the worker's machine and a colon. `waiting_for` says what
    a parked execution waits for (`executions.store.lifecycle.wait_text`). `exception_types` are
    the types of all its exceptions, one a line; `unhandled` says that it Ended because nothing
    handled one. `retried_as` is the id of its newest retry, and `retry_state` what became of it. A
    receiver that knows the same or a newer `revision` of `id` drops the event.
    Times are aware datetimes; `published_at` is the sender's clock in seconds since the epoch, for
    the measured delay.
    """

    id: str
    revision: int
    status: str
    reason: str
    place: str
    parent_id: str | None
    root_id: str
    depth: int
    child_count: int
    flow_name: str
    version_number: int
    block: str
    block_type: str
    block_description: str
    workspace_name: str
    started_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    due_at: datetime | None
    initiator_id: int | None
    initiator_name: str
    trigger: str
    error_type: str
    error_message: str
    step_count: int
    lease_owner: str = ""
    waiting_for: str = ""
    debugged_by_id: int | None = None
    debugged_by_name: str = ""
    failure: str | None = None
    first_claimed_at: datetime | None = None
    unhandled: bool = False
    exception_types: str = ""
    failed_descendants: int = 0
    retried_as: str | None = None
    retry_state: str = ""
    schedule_id: int | None = None
    published_at: float = 0.0

    def pack(self) -> dict[str, Any]:
        """Return the event with plain values only, for the channel layer."""
        # Not asdict, which copies every value deeply.
        values = {name: getattr(self, name) for name in (*COLUMNS, "published_at")}
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in values.items()
        }

    @classmethod
    def unpack(cls, packed: dict[str, Any]) -> Self:
        """Return the event that was packed."""
        values: dict[str, Any] = dict(packed)
        for name, value in packed.items():
            if name.endswith("_at") and isinstance(value, str):
                values[name] = datetime.fromisoformat(value)
        return cls(**values)


#: The columns that are ids, as text in an event.
IDS = ("id", "parent_id", "root_id", "failure", "retried_as")
#: The columns that the store returns for an event, in the order of the fields.
COLUMNS = tuple(field.name for field in fields(ExecutionChanged) if field.name != "published_at")
