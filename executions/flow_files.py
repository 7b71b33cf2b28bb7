"""Flows from files: import one as a draft with the schedules that it carries, and publish that."""

from dataclasses import replace

from django.core.exceptions import PermissionDenied
from django.db import transaction

from executions import audit
from executions.access import User
from executions.commands.actor import Actor
from executions.schedules import access as access_to_schedules
from executions.schedules.flow_files import Planned, plan, take_in
from flows import access, administrators
from flows.files import FlowFile
from flows.importing import Imported, Preview, import_file, preview
from flows.models import FlowVersion
from flows.publish import digest_of, publish

_IMPORT, _PUBLISH = "import-flow", "publish-flow"


def refusal(user: User, name: str) -> str:
    """Return why the user may not import a flow of this name; "" when they may. It tells nobody
    which flows there are."""
    flow = access.visible(user).filter(name=name).first()
    if access.may_create(user) or (flow and access.may_author(user, flow)):
        return ""
    return f"You may not author {name}. That takes the role Author. {administrators.ask(flow)}"


def preview_import(user: User, file: FlowFile) -> Preview:
    """Return what importing a file would do."""
    if why := refusal(user, file.document["flow"]):
        return Preview(file, [why], "refused")

    def schedules(version: FlowVersion) -> list[str]:
        planned = _plan_schedules(user, version, file)
        return [one.told for one in planned]

    try:
        return preview(file, schedules)
    except PermissionDenied as refused:
        return Preview(file, [str(refused)], "refused")


def _plan_schedules(user: User, version: FlowVersion, file: FlowFile) -> list[Planned]:
    """Return what a file does to schedules. Raises FlowFileError, and PermissionDenied where the
    user may not do it."""
    found = plan(version, file)
    if found and not access_to_schedules.may_change(user, version.flow):
        raise PermissionDenied(
            f"The file has schedules. {access_to_schedules.not_allowed(version.flow)}"
        )
    return found


def import_flow(
    user: User, actor: Actor, file: FlowFile, base: str | None = None, *, publishes: bool = False
) -> Imported:
    """Import a file, of which a preview may have shown a `base`, and publish it if that is wanted.

    The schedules that it carries start on behalf of the user. Raises PermissionDenied,
    ChangedMeanwhile, FlowFileError, and InvalidFlow with the messages that prevent it.
    """
    name = file.document["flow"]
    if why := refusal(user, name):
        audit.record(actor, _IMPORT, object_kind="flow", object_name=name, done=False, detail=why)
        raise PermissionDenied(why)
    try:
        return _import(user, actor, file, base, publishes=publishes)
    except PermissionDenied as refused:
        told = str(refused)
        audit.record(actor, _IMPORT, object_kind="flow", object_name=name, done=False, detail=told)
        raise


def _import(
    user: User, actor: Actor, file: FlowFile, base: str | None, *, publishes: bool
) -> Imported:
    with transaction.atomic():
        done = import_file(file, base=base)
        if done.changed:
            audit.record(
                actor, _IMPORT, subject=done.version.flow, detail=f"draft v{done.version.number}"
            )
        if publishes and done.version.is_draft:
            done = replace(done, version=_publish(user, actor, done.version), was_published=True)
        return replace(
            done, further=take_in(_plan_schedules(user, done.version, file), actor, user)
        )


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
