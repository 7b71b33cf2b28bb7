"""The reference of the grid's columns, for docs/grid.md."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from executions.grid.table.reference import inserted, markdown


class Command(BaseCommand):
    help = "Print the reference of the grid's columns, or write it into docs/grid.md."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--write", action="store_true", help="write the reference into docs/grid.md instead"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["write"]:
            self.stdout.write(markdown())
            return
        page = settings.BASE_DIR / "docs" / "grid.md"
        page.write_text(inserted(page.read_text("utf-8")), "utf-8")
