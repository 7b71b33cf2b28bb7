"""Whole text files."""

from collections.abc import Mapping
from typing import Any

from flows.blocks.base import Block, Direction, Effect, Property
from flows.blocks.clients import Clients
from flows.blocks.errors import BlockException, exception, invalid_property

_PATH = Property("File Path", "String", required=True, nonempty=True)
_ENCODING = Property("Encoding", "Encoding", advanced=True, description="null is UTF-8")


class ReadAllText(Block):
    """Reads a text file. A byte order mark is left out."""

    type = "Read All Text"
    palette = "Files & Folders"
    icon = "file"
    effect = Effect.REPEATABLE
    properties = (_PATH, _ENCODING, Property("Text", "String", Direction.OUTPUT))
    throws = ("OperationFailedException",)

    def perform(self, given: Mapping[str, Any], clients: Clients) -> Mapping[str, Any]:
        try:
            return {"Text": clients.files.read_text(given["File Path"], given["Encoding"])}
        except LookupError:
            raise _encoding(given["Encoding"]) from None
        except (OSError, ValueError) as error:
            raise _failed("read", given["File Path"], error) from None


class WriteAllText(Block):
    """Writes a text file, or appends to it when Overwrite is false.

    Overwriting may be done again after a crash; appending may not.
    """

    type = "Write All Text"
    palette = "Files & Folders"
    icon = "file"
    effect = Effect.ONCE
    properties = (
        _PATH,
        Property("Text", "String"),
        Property("Overwrite", "Boolean", default=False),
        _ENCODING,
    )
    throws = ("OperationFailedException",)

    def effect_of(self, given: Mapping[str, Any]) -> Effect:
        return Effect.REPEATABLE if given["Overwrite"] else Effect.ONCE

    def perform(self, given: Mapping[str, Any], clients: Clients) -> Mapping[str, Any]:
        try:
            clients.files.write_text(
                given["File Path"],
                given["Text"] or "",
                overwrite=given["Overwrite"],
                encoding=given["Encoding"],
            )
        except LookupError:
            raise _encoding(given["Encoding"]) from None
        except (OSError, ValueError) as error:
            raise _failed("written", given["File Path"], error) from None
        return {}


def _encoding(name: str | None) -> BlockException:
    return invalid_property("Encoding", f"{name} is not an encoding.")


def _failed(verb: str, path: str, error: Exception) -> BlockException:
    # An OSError's own text would show the path of the folder.
    problem = (isinstance(error, OSError) and error.strerror) or str(error)
    return exception(
        "OperationFailedException", f"The file '{path}' could not be {verb}: {problem}"
    )
