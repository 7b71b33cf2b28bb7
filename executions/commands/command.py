"""The declaration of a command. Each command's file ends with one, named `COMMAND`; toolbars, keys,
menus, bulk jobs, refusals, audit labels, help and docs/commands.md are derived from it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from uuid import UUID

from executions import access
from executions.access import User
from executions.appearance import command_label
from executions.commands.request import Changes, CommandRequest
from executions.events import ExecutionChanged
from executions.states import TERMINAL, UNHANDLED, Status


class Effect(Enum):
    """What a command does to an execution's progress."""

    RESUMES = auto()
    PAUSES = auto()
    ENDS = auto()


class DebugLeaseRule(Enum):
    """How a command and the debug lease (who debugs the execution) get along."""

    #: Refused while somebody else holds the lease; checked with the execution's row locked.
    RESPECTS = auto()
    #: As RESPECTS; whoever gives it holds the lease from then on.
    TAKES = auto()
    #: Refused while somebody else holds the lease; the command locks the lease itself,
    #: because it locks the execution's family first.
    CHANGES = auto()
    #: Anyone who may control the execution may give it, whoever holds the lease.
    IGNORES = auto()


class Bulk(Enum):
    """Whether the grid offers a command."""

    NO = auto()
    #: For selected executions, in the menu of the action bar.
    SELECTED = auto()
    #: For selected executions and for all that match a filter, in the action bar.
    MATCHING = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Everything the application knows about a command on an existing execution."""

    #: As in URLs and audit entries; at most 20 characters.
    name: str
    #: One sentence for tooltips, help and docs: what the command does.
    summary: str
    #: Further sentences for docs/commands.md.
    details: str = ""
    #: The past tense: "Ada paused it", "12 executions were paused".
    past: str
    icon: str = ""

    #: The statuses from which the command applies (semantics 86).
    applies_to: frozenset[Status]
    #: Whether it also applies to an execution that Ended because nothing handled an exception: that
    #: one failed, although its status does not say so (semantics 44).
    applies_to_unhandled: bool = False
    #: Execute the command. None means that the execution had moved on meanwhile. Raises
    #: CommandRefused.
    execute: Callable[[CommandRequest], Changes | None]
    effect: Effect | None = None

    #: The permission that it requires beside control, such as "executions.delete_execution".
    permission: str = ""
    #: Whether it is for whole families, so that it applies to executions without a parent.
    for_roots: bool = False
    #: Whether it requires the permission to debug.
    debugs: bool = False
    #: Whether it makes an execution do other than its flow says, which could reveal its secrets.
    diverts: bool = False
    lease: DebugLeaseRule

    #: Position in the toolbar of an execution's page and in the grid's action bar; 0: not there.
    toolbar: int = 0
    #: Position in the toolbar's menu, for rarely used commands; 0: not there.
    menu: int = 0
    #: The key on an execution's page, of a command that has a place in the `toolbar`: its button
    #: listens to it. A test finds a key that is taken.
    key: str = ""
    #: Where the action bar lacks room, the lowest priority moves into its menu first. Its other
    #: buttons have 1 to 6.
    priority: int = 0
    #: Said in the confirmation. A command that ends executions always asks for one, another one
    #: with a warning when it is given to several executions.
    warning: str = ""
    #: Whether its effect shows on the live page at once, so that a notice would only distract.
    quiet: bool = False
    #: How the sentence "Paused before …" goes on when this command led to the pause, before the
    #: name of who gave it.
    pause_note: str = ""

    #: The name of the address of a page with its form, to which the grid leads.
    page: str = ""

    bulk: Bulk = Bulk.NO
    #: Execute the command for a batch of executions in one guarded transition; without it, they are
    #: commanded one by one.
    execute_batch: Callable[[Sequence[UUID]], list[ExecutionChanged]] | None = None

    @property
    def label(self) -> str:
        return command_label(self.name)

    @property
    def is_dangerous(self) -> bool:
        return self.effect is Effect.ENDS

    @property
    def shortcut(self) -> list[str]:
        """The keys that are pressed together."""
        return ["Shift", self.key] if self.key.isupper() else [self.key] if self.key else []

    @property
    def targets(self) -> str:
        """The states that the command applies to, in words."""
        states: list[str] = [status for status in Status if status in self.applies_to]
        if self.applies_to_unhandled:
            states.append(UNHANDLED)
        return f"{', '.join(states[:-1])} or {states[-1]}" if len(states) > 1 else states[0]

    def applies(self, status: Status, *, unhandled: bool = False) -> bool:
        """Whether the command applies to an execution in `status`. `unhandled` says that it Ended
        because nothing handled an exception."""
        return status in self.applies_to or (unhandled and self.applies_to_unhandled)

    def is_allowed(self, user: User, flow_name: str) -> bool:
        """Whether the user has the permission that it requires beside control, for a flow."""
        return not self.permission or access.allows(user, self.permission, flow_name)

    def is_offered(self, user: User) -> bool:
        """Whether the user may give it to the executions of some flow, if they control them."""
        return all(access.allows_somewhere(user, one) for one in self.permissions)

    @property
    def permissions(self) -> list[str]:
        """The permissions that it requires beside control."""
        debugging = [access.DEBUG] if self.debugs else []
        return [*([self.permission] if self.permission else []), *debugging]

    def refusal(self, status: Status, *, unhandled: bool = False) -> str:
        """Why the command does not apply to an execution in `status`; empty when it does."""
        if self.applies(status, unhandled=unhandled):
            return ""
        over = status.is_terminal and not self.applies_to & TERMINAL
        if over or status is Status.STOPPING:
            return f"It is already {status}."
        return f"{self.label} applies to executions that are {self.targets}; this one is {status}."
