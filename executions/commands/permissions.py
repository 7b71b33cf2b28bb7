"""Why a person may not give a command."""

from datetime import datetime
from uuid import UUID

from executions import access
from executions.commands import secret_access
from executions.commands.command import Command, DebugLeaseRule
from executions.store.lifecycle.bulk_transitions import CommandState
from flows import administrators
from flows.formatting import clock

NO_CONTROL = "You may see this execution, but not control it."


def refusal(command: Command, user: access.User, state: CommandState) -> str:
    """Why this person may not give the command; empty when they may."""
    if why := rights_refusal(command, user, state):
        return why
    if command.lease is DebugLeaseRule.IGNORES or state.status.is_terminal:
        return ""
    if state.debugger_id is not None and state.debugger_id != user.pk:
        return lease_refusal(state.debugger, state.debugged_since)
    return ""


def rights_refusal(command: Command, user: access.User, state: CommandState) -> str:
    """Why this person has no right to the command, whoever debugs the execution; empty when they
    have."""
    if not access.may_control(user, state.initiator_id, state.flow_name):
        return NO_CONTROL
    if not command.is_allowed(user, state.flow_name):
        return no_permission(command, user, state.flow_name)
    if command.debugs and not access.has_debug_permission(user, state.flow_name):
        return no_debugging(user, state.flow_name)
    return ""


def no_permission(command: Command, user: access.User, flow_name: str = "") -> str:
    """Why somebody may not give a command who lacks what it requires beside control."""
    return (
        f"You may not {command.label.lower()} executions. That takes the permission "
        f"{command.permission}. {administrators.ask_about(user, flow_name)}"
    )


def no_debugging(user: access.User, flow_name: str) -> str:
    """Why somebody who may control an execution may not debug it."""
    return f"You may control this execution, but not debug it. {ask_to_debug(user, flow_name)}"


def ask_to_debug(user: access.User, flow_name: str = "") -> str:
    """Whom to ask for the permission to debug executions of a flow; of all without a name."""
    return (
        "That takes the permission to debug executions. "
        f"{administrators.ask_about(user, flow_name)}"
    )


def no_secrets(user: access.User) -> str:
    """Why somebody may not make an execution do other than its flow says."""
    return f"It holds, or may hold, secrets that you did not provide. {ask_for_secrets(user)}"


def ask_for_secrets(user: access.User) -> str:
    """Whom to ask for the permission to debug executions with secrets of others."""
    return (
        "That takes the permission to debug executions with other people's secrets. "
        f"{administrators.ask_about(user)}"
    )


def lease_refusal(holder: str, since: datetime | None) -> str:
    """Why nobody else may give most commands while `holder` debugs the execution."""
    return (
        f"{holder} is debugging this{f' since {clock(since)}' if since else ''}. Take over first."
    )


def secrets_refusal(command: Command, user: access.User, execution_id: UUID) -> str:
    """Why this person may not make the execution do other than its flow says; empty when they may,
    or the command doesn't."""
    if not command.diverts or access.has_debug_secrets_permission(user):
        return ""
    return no_secrets(user) if secret_access.holds_secrets_of_others(execution_id, user) else ""
