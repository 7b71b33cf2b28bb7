"""Debugging as one person does it, a turn at a time."""

from typing import Any

from django.contrib.auth.models import Permission, User

from executions import runner
from executions.commands.actor import Actor
from executions.commands.lifecycle.start import start
from executions.commands.request import CommandRequest
from executions.commands.run import CommandResult, run_command
from executions.models import (
    AuditEntry,
    Execution,
    Value,
)
from flows import values
from flows.models import FlowVersion

#: Two nested workspaces, and an exception in the inner one that the outer one handles.
NESTED = """
a: {type: Start Flow, bottom: w}
w:
  type: Workspace
  description: Outer
  variables: {Here: {default: 1}}
  blocks:
    s: {type: Start Workspace, bottom: v}
    v:
      type: Workspace
      description: Inner
      variables: {Deep: {default: 5}}
      blocks:
        s: {type: Start Workspace, bottom: t}
        t: {type: Throw New Flow Exception, properties: {Message: oh}}
        x: {type: End Workspace}
      bottom: x
      exception: h
    h: {type: Handle Block Exception, properties: {Exception: ($)Seen}, bottom: x}
    x: {type: End Workspace}
  bottom: e
e: {type: End Flow}
"""
NESTED_VARIABLES = "{Seen: {output: true}}"


def may_debug(user: User, *codenames: str) -> User:
    """The user with the permission to debug, and these; read anew, as at the next request."""
    rights = Permission.objects.filter(codename__in=["debug_execution", *codenames])
    user.user_permissions.add(*rights)
    return User.objects.get(pk=user.pk)


class Session:
    """One person who debugs."""

    def __init__(self, user: User) -> None:
        self.user = user = may_debug(user)
        self.actor = Actor(user.pk, user.get_username(), "page")

    def start(self, version: FlowVersion, **options: Any) -> Execution:
        inputs = options.pop("inputs", {})
        execution = start(version, inputs, self.actor, Execution.Trigger.PAGE, **options)
        runner.run(execution.pk)
        execution.refresh_from_db()
        return execution

    def give(self, command: str, execution: Execution, **fields: str) -> CommandResult:
        """Give a command as if it had been seen as it was, then run a turn."""
        result = run_command(command, CommandRequest(execution, self.user, self.actor, fields))
        runner.run(execution.pk)
        execution.refresh_from_db()
        return result

    def do(self, command: str, execution: Execution, **fields: str) -> str:
        result = self.give(command, execution, **fields)
        assert result.done, result.detail
        return result.detail

    def refused(self, command: str, execution: Execution, **fields: str) -> str:
        before = execution.status
        result = self.give(command, execution, **fields)
        assert not result.done
        assert execution.status == before
        entry = AuditEntry.objects.filter(execution=execution).order_by("-id").first()
        assert entry is not None
        assert (entry.command, entry.outcome, entry.detail) == (command, "refused", result.detail)
        return result.detail


def at(execution: Execution) -> tuple[str, str, str]:
    return execution.status, execution.place, execution.block


def held(execution: Execution, level: int = 0) -> dict[str, Any]:
    rows = Value.objects.filter(execution=execution, level=level).values_list("name", "value")
    return {name: values.decode(value) for name, value in rows if not name.startswith("items:")}
