"""Any value: as text, and copied."""

from typing import Any

from flows.blocks.base import Block, Direction, Leave, Property, Visit
from flows.blocks.cultures import FORMAT_PROVIDER, format_provider
from flows.blocks.errors import exception
from flows.formats.numbers import InvalidFormat
from flows.formats.text import fill_places, text_of
from flows.values import copy


class ConvertObjectToText(Block):
    """Writes a value as text, or puts its parts into a template: `{Total:C2}`, `{Customer.Name}`.
    A part that the value does not have stays as it is written."""

    type = "Convert Object To Text"
    palette = "Objects"
    reads_texts = True
    icon = "script"
    properties = (
        Property("Object", "TObject", required=True),
        Property("Format Template", "String", default=""),
        FORMAT_PROVIDER,
        Property("Text", "String", Direction.OUTPUT),
    )
    throws = ("CultureInfoNotFoundException", "FormatException")

    def run(self, visit: Visit) -> Leave:
        value, template = visit.inputs["Object"], visit.inputs["Format Template"]
        signs = format_provider(visit.inputs)
        if not template:
            return Leave(outputs={"Text": text_of(value, signs)})

        def part(path: str) -> Any:
            found = value
            for key in path.strip().split("."):
                if not isinstance(found, dict):
                    raise KeyError(path)
                found = found[key]
            return found

        try:
            return Leave(outputs={"Text": fill_places(template, part, signs)})
        except InvalidFormat as problem:
            raise exception("FormatException", str(problem)) from None


class CopyObject(Block):
    """Copies a value deeply, so that a change of one does not show in the other."""

    type = "Copy Object"
    palette = "Objects"
    properties = (Property("Object", "TObject"), Property("Copy", "TObject", Direction.OUTPUT))

    def run(self, visit: Visit) -> Leave:
        return Leave(outputs={"Copy": copy(visit.inputs["Object"])})
