"""Write what is generated from the registry of blocks: the JSON Schema and the reference."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from flows.blocks.reference import markdown
from flows.files.schema import schema


class Command(BaseCommand):
    help = "Print the JSON Schema of flow files, generated from the registry of blocks."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--write",
            action="store_true",
            help="write docs/flow.schema.json and docs/blocks.md instead",
        )

    def handle(self, *, write: bool, **options: Any) -> None:
        text = json.dumps(schema(), indent=2) + "\n"
        if write:
            docs = settings.BASE_DIR / "docs"
            (docs / "flow.schema.json").write_text(text)
            (docs / "blocks.md").write_text(markdown())
        else:
            self.stdout.write(text, ending="")
