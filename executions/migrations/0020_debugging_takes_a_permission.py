"""Debugging takes permissions of its own. Who may control every execution could debug every one,
and still may; who may debug those with secrets of others is for an administrator to say."""

from typing import Any

from django.db import migrations

CONTROL, DEBUG = "control_execution", "debug_execution"


def keep_debugging(apps: Any, schema_editor: Any) -> None:
    """Give the new permission to everyone, and every group, with the one that allowed it before.

    Django makes permissions after all migrations, so it is made here.
    """
    content_types = apps.get_model("contenttypes", "ContentType").objects
    permissions = apps.get_model("auth", "Permission").objects
    kind, _ = content_types.get_or_create(app_label="executions", model="execution")
    before = permissions.filter(content_type=kind, codename=CONTROL).first()
    if before is None:
        return  # a new database: nobody has anything yet
    after, _ = permissions.get_or_create(
        content_type=kind,
        codename=DEBUG,
        defaults={"name": "Can debug the executions that they control"},
    )
    for group in before.group_set.all():
        group.permissions.add(after)
    for user in before.user_set.all():
        user.user_permissions.add(after)


class Migration(migrations.Migration):
    dependencies = [
        ("executions", "0019_flow_name_first"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="execution",
            options={
                "permissions": [
                    ("control_execution", "Can control any execution"),
                    ("debug_execution", "Can debug the executions that they control"),
                    ("debug_secrets", "Can debug executions with secrets that others gave"),
                ]
            },
        ),
        migrations.RunPython(keep_debugging, migrations.RunPython.noop),
    ]
