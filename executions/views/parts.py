"""Parts of a live page: rendered once for the first page and for every refresh alike.

A part is an element with an id and a hash of what it shows. A refresh names the hashes that the
browser holds and gets the parts that differ; `static/js/detail.js` fits them in, keeping focus,
scroll positions and what is folded open.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

#: What ticks in the browser (`flows.display.ticking`) is no change.
_TICKING = re.compile(r'(data-since="\d+">)[^<]*')


@dataclass(frozen=True, slots=True)
class Part:
    """A template and the class of the element that holds it."""

    name: str
    template: str
    classes: str = ""
    tag: str = "div"

    def render(self, request: HttpRequest, context: Mapping[str, Any]) -> "Rendered":
        html = render_to_string(self.template, dict(context), request).strip()
        digest = hashlib.blake2b(_TICKING.sub(r"\1", html).encode(), digest_size=8).hexdigest()
        return Rendered(self, digest, html)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A part as it is now."""

    part: Part
    digest: str
    html: str

    def element(self) -> SafeString:
        """The whole element."""
        # The template engine has escaped what is inside.
        return format_html(
            '<{0} id="part-{1}" class="{2}" data-part="{3}">{4}</{0}>',
            self.part.tag,
            self.part.name,
            self.part.classes,
            self.digest,
            mark_safe(self.html),  # noqa: S308
        )


def changed(rendered: Iterable[Rendered], held: str) -> SafeString:
    """The elements whose hash is not among those in `held`, a text of `name:hash` words."""
    known = set(held.split())
    return mark_safe(  # noqa: S308
        "\n".join(
            part.element() for part in rendered if f"{part.part.name}:{part.digest}" not in known
        )
    )
