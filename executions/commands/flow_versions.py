"""Commands on the versions of flows: import a flow file as a draft, publish a draft."""

from django.core.exceptions import PermissionDenied
from django.db import transaction

from executions import audit
from executions.access import User
from executions.commands.actor import Actor
from flows import access
from flows.files import FlowFile
from flows.models import Flow, FlowVersion
from flows.publish import publish as publish_draft
from flows.publish import save_draft

_IMPORT, _PUBLISH = "import-flow", "publish-flow"
NOT_ALLOWED = (
    "Importing and publishing a flow takes the role Author on it, a new flow that role on the "
    "whole site. Ask an administrator for it."
)


def import_file(
    user: User, actor: Actor, file: FlowFile, *, publishes: bool
) -> tuple[FlowVersion, bool]:
    """Save a flow file as the draft of its flow, and publish that if asked to. Returns the version,
    and whether the import has changed it.

    Raises PermissionDenied, and InvalidFlow with the messages that prevent it.
    """
    name = file.document["flow"]
    flow = Flow.objects.filter(name=name).first()
    _check(user, actor, _IMPORT, flow, name)
    with transaction.atomic():
        version, changed = save_draft(file.document)
        if changed:
            audit.record(actor, _IMPORT, subject=version, flow_name=name)
        if publishes and version.is_draft:
            version = _publish(user, actor, version)
    return version, changed


def publish(user: User, actor: Actor, version: FlowVersion) -> FlowVersion:
    """Publish a draft, permanently. Raises PermissionDenied, and InvalidFlow with the messages that
    prevent it."""
    _check(user, actor, _PUBLISH, version.flow, version.flow.name)
    with transaction.atomic():
        return _publish(user, actor, version)


def _publish(user: User, actor: Actor, version: FlowVersion) -> FlowVersion:
    published = publish_draft(version, user)
    audit.record(actor, _PUBLISH, subject=published, flow_name=published.flow.name)
    return published


def _check(user: User, actor: Actor, command: str, flow: Flow | None, name: str) -> None:
    allowed = access.may_create(user) if flow is None else access.may_author(user, flow)
    if not allowed:
        audit.record(
            actor,
            command,
            object_kind="flow",
            object_name=name,
            done=False,
            detail=NOT_ALLOWED,
        )
        raise PermissionDenied(NOT_ALLOWED)
