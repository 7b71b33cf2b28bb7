"""`manage.py command_reference`: write docs/commands.md from the declarations of the commands."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from executions.commands.reference import markdown


class Command(BaseCommand):
    help = "Print the reference of the commands, generated from their declarations."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--write", action="store_true", help="write docs/commands.md instead")

    def handle(self, *, write: bool, **options: Any) -> None:
        if write:
            (settings.BASE_DIR / "docs" / "commands.md").write_text(markdown())
        else:
            self.stdout.write(markdown(), ending="")
