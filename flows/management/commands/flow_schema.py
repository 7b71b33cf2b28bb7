"""Write what is generated from the registries of blocks and functions: the JSON Schema and the
references."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from flows.blocks import reference as blocks
from flows.expressions import reference as expressions
from flows.files.schema import schema


class Command(BaseCommand):
    help = "Print the JSON Schema of flow files, generated from the registry of blocks."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--write",
            action="store_true",
            help="write docs/flow.schema.json, docs/blocks.md and docs/expressions.md instead",
        )

    def handle(self, *, write: bool, **options: Any) -> None:
        text = json.dumps(schema(), indent=2) + "\n"
        if write:
            docs = settings.BASE_DIR / "docs"
            (docs / "flow.schema.json").write_text(text)
            (docs / "blocks.md").write_text(blocks.markdown())
            (docs / "expressions.md").write_text(expressions.markdown())
        else:
            self.stdout.write(text, ending="")
