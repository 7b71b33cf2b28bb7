"""What a command gets, and what it gives back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from executions.access import User
from executions.commands.actor import Actor
from executions.events import ExecutionChanged
from executions.models import Execution
from executions.states import Status


@dataclass(frozen=True, slots=True)
class CommandRequest:
    """A command for one execution. `fields` are the further fields of the form. `seen` is the
    status that the page showed, if it is known; a refusal says what has changed since."""

    execution: Execution
    user: User
    actor: Actor
    fields: Mapping[str, str] = field(default_factory=dict)
    seen: Status | None = None

    def text(self, name: str) -> str:
        """A field without the spaces around it."""
        return self.fields.get(name, "").strip()

    def is_checked(self, name: str) -> bool:
        """Whether a checkbox is checked."""
        return self.text(name).lower() in ("1", "true", "on", "yes")


@dataclass(frozen=True, slots=True)
class Changes:
    """What a command has changed, for publishing, and what its audit entry and its user read.
    `deleted` says that the execution is no longer there; `started` is one that was started instead
    of it."""

    events: list[ExecutionChanged]
    detail: str = ""
    deleted: bool = False
    started: UUID | None = None


class CommandRefused(Exception):
    """A command makes no sense for what was asked. The text is a sentence that says why."""
