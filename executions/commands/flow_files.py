"""Commands on flows from files: import one as a draft, and publish that."""

from django.core.exceptions import PermissionDenied
from django.db import transaction

from executions import audit
from executions.access import User
from executions.commands.actor import Actor
from flows import access
from flows.files import FlowFile
from flows.importing import Imported, Preview, import_file, preview
from flows.models import Flow, FlowVersion
from flows.publish import digest_of, publish

_IMPORT, _PUBLISH = "import-flow", "publish-flow"


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
    return preview(file)


def import_flow(user: User, actor: Actor, file: FlowFile, base: str) -> Imported:
    """Import a file whose preview has shown a `base`.

    Raises PermissionDenied, ChangedMeanwhile and InvalidFlow.
    """
    name = file.document["flow"]
    if why := refusal(user, name):
        audit.record(actor, _IMPORT, object_kind="flow", object_name=name, done=False, detail=why)
        raise PermissionDenied(why)
    with transaction.atomic():
        done = import_file(file, base=base)
        if done.changed:
            audit.record(
                actor, _IMPORT, subject=done.version.flow, detail=f"draft v{done.version.number}"
            )
    return done


def publish_draft(user: User, actor: Actor, version: FlowVersion, digest: str) -> str:
    """Publish a draft that still is what `digest` says. Returns what was done, as a sentence.

    Raises PermissionDenied, and InvalidFlow with the messages that prevent it.
    """
    flow = version.flow
    if why := refusal(user, flow.name):
        audit.record(actor, _PUBLISH, subject=flow, done=False, detail=why)
        raise PermissionDenied(why)
    with transaction.atomic():
        locked = FlowVersion.objects.select_for_update(of=("self",)).get(pk=version.pk)
        if not locked.is_draft:
            return f"{locked} is published already."
        if digest_of(locked) != digest:
            return f"{locked} was not published: somebody has changed the draft meanwhile."
        publish(locked, user)
        audit.record(actor, _PUBLISH, subject=flow, detail=f"v{locked.number}")
    return f"Published {locked}."
