"""What the blocks of texts share."""

from typing import ClassVar

from flows.blocks.base import Block, Direction, Property
from flows.blocks.errors import HELP, exception, out_of_range

#: The blanks of the original: the separators of Unicode, tabs and ends of lines.
BLANKS = "".join(c for c in map(chr, range(0x3001)) if c.isspace() and c not in "\x1c\x1d\x1e\x1f")
TEXT = Property("Text", "String")
CHANGED_TEXT = Property("Text", "String", Direction.BOTH)
TEXT_OUT = Property("Text", "String", Direction.OUTPUT)
INDEX = Property("Index", "Int32", default=0)
LENGTH = Property(
    "Length", "Int32", default=-1, description="a negative length means as far as possible"
)


class TextBlock(Block):
    """A block that reads a text. Null counts as an empty text unless the block says otherwise."""

    palette = "Text"
    reads_texts = True
    icon = "script"


class Ranged(TextBlock):
    """A block whose indexes and lengths have to lie in the text."""

    throws: ClassVar[tuple[str, ...]] = ("PropertyValueOutOfRangeException",)


def filled(text: str | None) -> str:
    """Return a text of which a part is wanted. Raises PropertyValueOutOfRangeException for null and
    for an empty one, which have no parts."""
    if not text:
        raise exception(
            "PropertyValueOutOfRangeException",
            f"'Text' is null or empty, so no part can be taken from it.{HELP}",
        )
    return text


def index_in(text: str, index: int, name: str = "Index", lowest: int = 0) -> int:
    """Return an index of a character of the text. Raises PropertyValueOutOfRangeException."""
    if not lowest <= index < len(text):
        raise out_of_range(name, index, f"a value between {lowest} and {len(text) - 1}")
    return index


def length_in(length: int, available: int) -> int:
    """Return how many characters a Length asks for. Raises PropertyValueOutOfRangeException."""
    if length > available:
        raise out_of_range("Length", length, f"at most {available} here")
    return available if length < 0 else length
