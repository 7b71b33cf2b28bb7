"""Write the JSON Schema of flow files for editors."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from flows.files.schema import schema


class Command(BaseCommand):
    help = "Print the JSON Schema of flow files, generated from the registry of blocks."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--write", action="store_true", help="write docs/flow.schema.json instead"
        )

    def handle(self, *, write: bool, **options: Any) -> None:
        text = json.dumps(schema(), indent=2) + "\n"
        if write:
            (settings.BASE_DIR / "docs" / "flow.schema.json").write_text(text)
        else:
            self.stdout.write(text, ending="")
