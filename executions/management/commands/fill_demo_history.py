"""`manage.py fill_demo_history`: gives a demo two weeks of executions to look at."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from executions.management import demo_history, demo_scenes
from executions.models import Execution


class Command(BaseCommand):
    help = (
        "Write two weeks of ended executions of the example flows, for pages that show days and "
        "weeks. Only for a demo: an installation of `up --demo` in which nobody else has started "
        "anything."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--yes", action="store_true", help="write them")

    def handle(self, *args: Any, **options: Any) -> None:
        if why := _refusal():
            raise CommandError(why)
        if not options["yes"]:
            raise CommandError(
                f"It writes up to {demo_history.MOST:,} executions. Say --yes to do that."
            )
        written = 0
        try:
            for written in demo_history.fill():
                self.stdout.write(f"{written:,} executions", ending="\r")
        except LookupError as problem:
            raise CommandError(str(problem)) from None
        self.stdout.write(f"{written:,} executions of the last {demo_history.DAYS} days are there.")


def _refusal() -> str:
    """Return why this is no installation to fill; "" where it is."""
    if not settings.EMBEDDED:
        return "This is no demo: it has a database of its own (DATABASE_URL)."
    roots = Execution.objects.filter(parent=None)
    if roots.exclude(initiator_name__in=(*demo_scenes.PEOPLE, "demo")).exists():
        return "This is no demo: somebody else has started executions here."
    if not roots.filter(trigger=Execution.Trigger.DEMO).exists():
        return "This is no demo: nothing was started by it. Run `manage.py up --demo` first."
    if (
        roots.filter(initiator_name__in=demo_scenes.PEOPLE)
        .exclude(trigger__in=(Execution.Trigger.DEMO, Execution.Trigger.RETRY))
        .exists()
    ):
        return "It has its history already."
    return ""
