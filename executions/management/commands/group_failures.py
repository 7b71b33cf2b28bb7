"""Gives groups to executions that failed before there were failure groups."""

from typing import Any

from django.core.management.base import BaseCommand

from executions.failures import grouping
from executions.statistics import rebuild


class Command(BaseCommand):
    help = (
        "Gives each failed execution its failure group. Run it once after an upgrade to a version "
        "with failure groups. It works in small batches while everything runs, and may be run "
        "again."
    )
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        read = groups = 0
        for read in grouping.group_all():
            if read % (20 * grouping.BATCH) == 0:
                self.stdout.write(f"{read:,} failed executions read")
        for _ in grouping.count_all():
            groups += 1
        self.stdout.write(f"{read:,} failed executions read, {groups:,} groups counted")
        # The failures of the past are other ones now.
        self.stdout.write(f"{rebuild.rebuild():,} series of statistics counted anew")
