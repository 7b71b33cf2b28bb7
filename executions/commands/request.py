"""What a command is given, and what it gives back."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from executions.access import User
from executions.commands.actor import Actor
from executions.events import ExecutionChanged
from executions.models import Execution


@dataclass(frozen=True, slots=True)
class CommandRequest:
    """A command for one execution. `fields` are what it takes beside, as a form sends it."""

    execution: Execution
    user: User
    actor: Actor
    fields: Mapping[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        return self.fields.get(name, "").strip()

    def ticked(self, name: str) -> bool:
        return self.text(name).lower() in ("1", "true", "on", "yes")


@dataclass(frozen=True, slots=True)
class Done:
    """What changed, for publishing, and what the audit entry and the person are told."""

    changed: list[ExecutionChanged]
    detail: str = ""


class Refused(Exception):
    """A command does not apply to what was asked for; the text is a sentence that says why."""
