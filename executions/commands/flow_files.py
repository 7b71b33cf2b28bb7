"""Commands on flows from files: import one as a draft, and publish that."""

from dataclasses import replace

from django.core.exceptions import PermissionDenied
from django.db import transaction

from executions import audit
from executions.access import User
from executions.commands.actor import Actor
from flows import access
from flows.files import FlowFile
from flows.graph import InvalidFlow, Message
from flows.importing import Imported, Preview, import_file, preview
from flows.models import Flow, FlowVersion
from flows.publish import digest_of, publish

_IMPORT, _PUBLISH = "import-flow", "publish-flow"
#: Only the command knows on whose behalf the schedules of a file start.
_SCHEDULES = Message(
    "Schedules",
    "The file carries schedules, which are imported by the command line only.",
    "Leave them out and make them on the page Schedules, or use manage.py import_flows --owner.",
    ("schedules",),
)


def refusal(user: User, name: str) -> str:
    """Return why the user may not import a flow of this name; "" when they may. It tells nobody
    which flows there are."""
    flow = Flow.objects.filter(name=name).first()
    if access.may_create(user) or (flow and access.may_author(user, flow)):
        return ""
    return f"You may not author {name}. That takes the role Author; ask an administrator for it."


def look(user: User, file: FlowFile) -> Preview:
    """Return what importing a file would do."""
    if why := refusal(user, file.document["flow"]):
        return Preview(file, [why], "refused")
    if file.schedules:
        return Preview(file, [file.explain(_SCHEDULES)], "failed")
    return preview(file)


def import_flow(
    user: User, actor: Actor, file: FlowFile, base: str | None = None, *, publishes: bool = False
) -> Imported:
    """Import a file, of which a preview may have shown a `base`, and publish it if that is wanted.

    Raises PermissionDenied, ChangedMeanwhile, and InvalidFlow with the messages that prevent it.
    """
    name = file.document["flow"]
    if why := refusal(user, name):
        audit.record(actor, _IMPORT, object_kind="flow", object_name=name, done=False, detail=why)
        raise PermissionDenied(why)
    if file.schedules:
        raise InvalidFlow([_SCHEDULES])
    with transaction.atomic():
        done = import_file(file, base=base)
        if done.changed:
            audit.record(
                actor, _IMPORT, subject=done.version.flow, detail=f"draft v{done.version.number}"
            )
        if publishes and done.version.is_draft:
            done = replace(done, version=_publish(user, actor, done.version), was_published=True)
    return done


def publish_flow(user: User, actor: Actor, version: FlowVersion) -> FlowVersion:
    """Publish a draft as it is. Raises PermissionDenied, and InvalidFlow with the messages that
    prevent it."""
    _may_publish(user, actor, version)
    with transaction.atomic():
        return _publish(user, actor, version)


def publish_draft(user: User, actor: Actor, version: FlowVersion, digest: str) -> str:
    """Publish a draft that still is what `digest` says. Returns what was done, as a sentence.

    Raises PermissionDenied, and InvalidFlow with the messages that prevent it.
    """
    _may_publish(user, actor, version)
    with transaction.atomic():
        locked = FlowVersion.objects.select_for_update(of=("self",)).get(pk=version.pk)
        if not locked.is_draft:
            return f"{locked} is published already."
        if digest_of(locked) != digest:
            return f"{locked} was not published: somebody has changed the draft meanwhile."
        _publish(user, actor, locked)
    return f"Published {locked}."


def _may_publish(user: User, actor: Actor, version: FlowVersion) -> None:
    if why := refusal(user, version.flow.name):
        audit.record(actor, _PUBLISH, subject=version.flow, done=False, detail=why)
        raise PermissionDenied(why)


def _publish(user: User, actor: Actor, version: FlowVersion) -> FlowVersion:
    published = publish(version, user)
    audit.record(actor, _PUBLISH, subject=published.flow, detail=f"v{published.number}")
    return published
