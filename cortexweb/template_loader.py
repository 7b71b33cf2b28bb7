"""Load the project's templates without their layout, so that it costs a page no bytes."""

import re

from django.template import Origin
from django.template.base import tag_re
from django.template.loaders.filesystem import Loader as FilesystemLoader

#: A line break with the white space around it, the ends of an HTML tag, the quotes of an attribute.
MARKS = re.compile(r"\s*\n\s*|<(?=[A-Za-z/])|[>\"']")


class Loader(FilesystemLoader):
    """Load templates from the folders of the setting: pages compacted, texts as they are."""

    def get_contents(self, origin: Origin) -> str:
        source: str = super().get_contents(origin)
        return source if origin.name.endswith(".txt") else compact(source)


def compact(source: str) -> str:
    """Return the source of a template without its indentation and most of its line breaks.

    Next to a `{% tag %}` or a `{# comment #}`, a line break with its indentation is dropped. After
    an HTML tag it is a plain line break, and anywhere else a space.
    """
    pieces = tag_re.split(source)  # text at even places, template tags and variables at odd ones
    closing = ""  # what ends the HTML tag (">") or the attribute (its quote) that the text is in

    def replacement(mark: re.Match[str]) -> str:
        nonlocal closing
        found = mark[0]
        if found.isspace():
            if closing == ">":
                return " "
            text, start = mark.string, mark.start()
            if (_is_tag(before) and not start) or (_is_tag(after) and mark.end() == len(text)):
                return ""
            return "\n" if start and text[start - 1] == ">" and not closing else " "
        if not closing:
            closing = ">" if found == "<" else ""
        elif closing == found:
            closing = "" if found == ">" else ">"
        elif closing == ">" and found != "<":
            closing = found
        return found

    for place in range(0, len(pieces), 2):
        before = pieces[place - 1] if place else ""
        after = pieces[place + 1] if place + 1 < len(pieces) else ""
        pieces[place] = MARKS.sub(replacement, pieces[place])
    return "".join(pieces)


def _is_tag(piece: str) -> bool:
    return piece.startswith(("{%", "{#"))
