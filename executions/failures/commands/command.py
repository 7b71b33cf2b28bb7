"""The declaration of a command on a failure group. Each command's file ends with one, named
`COMMAND`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from executions.access import User
from executions.appearance import command_label
from executions.commands.actor import Actor
from executions.models import FailureGroup

State = FailureGroup.State
UNSOLVED = frozenset(FailureGroup.UNSOLVED)
ANY = frozenset(State)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureRequest:
    """A command for a group, whose row is locked. `fields` are the further fields of the form.
    `seen` is the revision that the page showed, if it is known."""

    group: FailureGroup
    user: User
    actor: Actor
    now: datetime
    fields: Mapping[str, str] = field(default_factory=dict)
    seen: int | None = None

    def text(self, name: str) -> str:
        """A field without the spaces around it."""
        return self.fields.get(name, "").strip()


@dataclass(frozen=True, slots=True)
class Done:
    """What a command has done: a sentence that goes on after the name of who did it, and the names
    of users who are meant by it. An empty sentence stays out of the activity."""

    text: str
    mentions: Sequence[str] = ()
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureCommand:
    """Everything the application knows about a command on a failure group."""

    #: As in URLs and audit entries; at most 20 characters.
    name: str
    #: One sentence for tooltips and help: what the command does.
    summary: str
    icon: str
    #: The states of the groups that it applies to.
    applies_to: frozenset[State] = ANY
    #: Change the group, which the caller saves. Raises CommandRefused.
    execute: Callable[[FailureRequest], Done]
    #: Whether it changes what people decide: the state or the owner. It then requires the
    #: permission to handle failures, and is refused when that has changed meanwhile.
    is_change: bool = True

    @property
    def label(self) -> str:
        return command_label(self.name)

    def refusal(self, group: FailureGroup) -> str:
        """Why the command does not apply to a group as it is; empty when it does."""
        if group.state in self.applies_to:
            return ""
        return f"It is {group.get_state_display().lower()}: {self.label} does not apply to that."
