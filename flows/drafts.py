"""Saves and deletes blocks of a draft, together with the workspaces that they open."""

from django.db import transaction

from flows.blocks import BY_TYPE
from flows.models import Block, Connection, Workspace


@transaction.atomic
def save_block(block: Block) -> None:
    """Insert or update a block; one that opens a workspace gets one, with a start and an end.

    Raises IntegrityError when its version is published.
    """
    block.version_id = block.workspace.version_id
    block.save()
    if not BY_TYPE[block.type.casefold()].opens_workspace:
        return
    name = block.description or block.type
    inner, created = Workspace.objects.update_or_create(
        version_id=block.version_id,
        key=block.key,
        defaults={"name": name, "parent": block.workspace},
    )
    if created:
        ends = "End Flow" if block.type == "Handle Flow Exception" else "End Workspace"
        begin, end = Block.objects.bulk_create(
            Block(
                workspace=inner,
                version_id=block.version_id,
                key=f"{block.key}/{key}",
                type=kind,
                order=order,
            )
            for order, (key, kind) in enumerate((("begin", "Start Workspace"), ("end", ends)))
        )
        Connection.objects.create(source=begin, port=Connection.Port.BOTTOM, target=end)


@transaction.atomic
def delete_block(block: Block) -> None:
    """Delete a block with the workspace that it opens. Raises IntegrityError when published."""
    Workspace.objects.filter(version_id=block.version_id, key=block.key).exclude(key="").delete()
    block.delete()
