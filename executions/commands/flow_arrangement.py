"""Commands on flows: move one to a folder, give it labels, star it. Not on their executions, which
stay as they are."""

from collections.abc import Collection

from django.core.exceptions import PermissionDenied
from django.db import transaction

from executions import audit, rights_changes
from executions.access import User
from executions.commands.actor import Actor
from flows import access, administrators
from flows.models import FavoriteFlow, Flow, Folder, Label
from flows.queries import folder_paths

_MOVE, _LABEL = "move-flow", "label-flow"
_NO_FOLDER = "no folder"


def move(user: User, actor: Actor, flow: Flow, folder: Folder | None) -> str:
    """Move a flow to a folder, or out of all for None. Returns what was done, as a sentence.

    Raises PermissionDenied.
    """
    _check(user, actor, flow, _MOVE)
    if folder and (why := access.move_refusal(user, flow, folder)):
        audit.record(actor, _MOVE, subject=flow, done=False, detail=why)
        raise PermissionDenied(why)
    with transaction.atomic():
        locked = Flow.objects.select_for_update(of=("self",)).get(pk=flow.pk)
        # Locked, so that nobody deletes it meanwhile.
        if folder and not Folder.objects.select_for_update(no_key=True).filter(pk=folder.pk):
            return f"{flow.name} was not moved: somebody has just deleted the folder."
        ways = folder_paths()
        before = ways[locked.folder_id][-1] if locked.folder_id else _NO_FOLDER
        after = ways[folder.pk][-1] if folder else _NO_FOLDER
        if before == after:
            return f"{flow.name} is in {after} already."
        Flow.objects.filter(pk=flow.pk).update(folder=folder)
        rights_changes.announce_change()
        audit.record(
            actor,
            _MOVE,
            subject=flow,
            before={"folder": before},
            after={"folder": after},
            detail=f"from {before} to {after}",
        )
    return f"Moved {flow.name} from {before} to {after}."


def label(
    user: User, actor: Actor, flow: Flow, more: Collection[int], fewer: Collection[int]
) -> str:
    """Give a flow labels, and take others away; those that somebody else gives or takes at the
    same time are left to them. Returns what was done, as a sentence.

    Raises PermissionDenied.
    """
    _check(user, actor, flow, _LABEL)
    with transaction.atomic():
        Flow.objects.select_for_update(of=("self",)).get(pk=flow.pk)
        # Locked, so that nobody deletes them meanwhile.
        given = Label.objects.select_for_update(no_key=True).filter(pk__in=more)
        held = dict(flow.labels.values_list("pk", "name"))
        kept = {pk: name for pk, name in held.items() if pk not in fewer}
        wanted = {**kept, **{one.pk: one.name for one in given}}
        added = sorted(name for pk, name in wanted.items() if pk not in held)
        removed = sorted(name for pk, name in held.items() if pk not in wanted)
        if not (added or removed):
            return ""
        flow.labels.set(wanted)
        detail = " ".join([*(f"+{name}" for name in added), *(f"-{name}" for name in removed)])
        audit.record(
            actor,
            _LABEL,
            subject=flow,
            before={"labels": sorted(held.values())},
            after={"labels": sorted(wanted.values())},
            detail=detail,
        )
    return f"Labels of {flow.name}: {', '.join(sorted(wanted.values())) or 'none'}."


def star(user: User, flow: Flow, *, on: bool) -> None:
    """Add a flow to the favourites of a user, or take it away."""
    mine = {"user_id": user.pk or 0, "flow": flow}
    if on:
        FavoriteFlow.objects.bulk_create([FavoriteFlow(**mine)], ignore_conflicts=True)
    else:
        FavoriteFlow.objects.filter(**mine).delete()


def _check(user: User, actor: Actor, flow: Flow, command: str) -> None:
    if not access.may_arrange(user, flow):
        why = "Arranging a flow takes the role Administer, or the permission flows.change_flow."
        audit.record(actor, command, subject=flow, done=False, detail=why)
        raise PermissionDenied(f"{why} {administrators.ask(flow)}")
