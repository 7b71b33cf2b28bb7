"""Roles: what people may do with flows and their executions. Each includes those before it."""

from collections.abc import Mapping

from django.db.models import IntegerChoices


class Role(IntegerChoices):
    """A role on a flow, on all flows of a folder, or on the whole site."""

    #: See the flow, and every execution of it.
    SEE = 1, "See"
    #: Start it, retry and run again.
    START = 2, "Start"
    #: Pause, continue, stop and retry executions that others started; handle failures.
    OPERATE = 3, "Operate"
    #: Step, edit variables, set the next block, move to another version.
    DEBUG = 4, "Debug"
    #: Change drafts and publish them.
    AUTHOR = 5, "Author"
    #: Give and withdraw rights, arrange, schedule, delete.
    ADMINISTER = 6, "Administer"


#: Django's permissions that allow on every flow what a role allows on some. Unlike a role, a
#: permission includes no other.
PERMISSIONS: Mapping[str, Role] = {
    "executions.view_execution": Role.SEE,
    "flows.view_flow": Role.SEE,
    "executions.view_storagecollection": Role.SEE,
    "executions.view_signal": Role.SEE,
    "flows.start_flow": Role.START,
    "executions.send_signal": Role.OPERATE,
    "executions.control_execution": Role.OPERATE,
    "executions.handle_failure": Role.OPERATE,
    "executions.debug_execution": Role.DEBUG,
    "flows.publish_flow": Role.AUTHOR,
    "flows.change_flow": Role.ADMINISTER,
    "executions.delete_execution": Role.ADMINISTER,
    "executions.debug_secrets": Role.ADMINISTER,
    "executions.edit_alert_rules": Role.ADMINISTER,
    "executions.change_alertchannel": Role.ADMINISTER,
    "executions.view_auditentry": Role.ADMINISTER,
    "executions.change_schedule": Role.ADMINISTER,
    "executions.change_storagecollection": Role.ADMINISTER,
    "executions.delete_signal": Role.ADMINISTER,
}

#: The permission that stands for each role where none is named.
SITE_PERMISSIONS: Mapping[Role, str] = {
    Role.SEE: "executions.view_execution",
    Role.START: "flows.start_flow",
    Role.OPERATE: "executions.control_execution",
    Role.DEBUG: "executions.debug_execution",
    Role.AUTHOR: "flows.publish_flow",
}
