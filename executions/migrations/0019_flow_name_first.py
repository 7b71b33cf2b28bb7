"""Layouts that hold the columns that everybody had by default follow the new default."""

from typing import Any

from django.db import migrations

FORMER = [
    "icon", "started", "updated", "status", "type", "description", "workspace", "flow",
    "duration", "initiator", "error",
]  # fmt: skip


NOW = [FORMER[0], "flow", *(key for key in FORMER[1:] if key != "flow")]


def follow_default(apps: Any, schema_editor: Any) -> None:
    for name in ("Preferences", "SavedView"):
        for one in apps.get_model("executions", name).objects.filter(layout__columns=FORMER):
            one.layout["columns"] = NOW
            one.save(update_fields=["layout"])


class Migration(migrations.Migration):
    dependencies = [("executions", "0018_secrets")]

    operations = [migrations.RunPython(follow_default, migrations.RunPython.noop, elidable=True)]
