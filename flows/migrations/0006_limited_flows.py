"""Flows with a limit of workers are found at no cost, however many flows there are."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("flows", "0005_worker_limit")]

    operations = [
        migrations.AddIndex(
            "flow",
            models.Index(fields=["name"], name="flow_limited", condition=Q(worker_limit__gt=0)),
        ),
    ]
