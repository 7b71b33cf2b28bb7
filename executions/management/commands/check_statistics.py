"""`manage.py check_statistics`: compare the statistics with the table of executions."""

from itertools import islice
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from executions.statistics import rebuild
from executions.statistics.counts import NUMBERS
from executions.statistics.rebuild import Difference

#: Differences that are printed.
SHOWN = 20


class Command(BaseCommand):
    help = (
        "Compare the statistics with a count over the table of executions, for what retention has "
        "not deleted. Exits with 1 when they differ. Executions may run meanwhile."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--rebuild",
            action="store_true",
            help="make the statistics anew from the table of executions",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["rebuild"]:
            self.stdout.write(f"Rebuilt {rebuild.rebuild()} series.")
            return
        differences = rebuild.check()
        shown = list(islice(differences, SHOWN))
        for difference in shown:
            self.stderr.write(_told(difference))
        more = sum(1 for _ in differences)
        if shown:
            raise CommandError(
                f"{len(shown) + more} totals differ from the table of executions. "
                "Run check_statistics --rebuild."
            )
        self.stdout.write("The statistics equal the table of executions.")


def _told(difference: Difference) -> str:
    key = difference.series
    names = ("flow", "version", "trigger", "failure")
    of = ", ".join(f"{name} {one}" for name, one in zip(names, key[1:], strict=True) if one)
    numbers = zip(NUMBERS, difference.stored.numbers, difference.counted.numbers, strict=True)
    found = [
        f"{name} {stored} (counted: {counted})"
        for name, stored, counted in numbers
        if stored != counted
    ]
    return (
        f"{of or 'all executions'}, until {difference.until:%Y-%m-%d %H:%M} UTC: "
        f"{', '.join(found) or 'durations or waits'}"
    )
