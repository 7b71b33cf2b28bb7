"""The elements of live pages that are sent again only where what they show has changed.

Each has an id, and in `data-part` a hash of what it shows.
"""

import hashlib
import re

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

#: Durations that the browser counts (`flows.formatting.ticking`) do not count as changes.
_TICKING = re.compile(r'(data-(?:since|until)="\d+">)[^<]*')


def digest_of(text: str) -> str:
    """Return the hash of what an element shows."""
    return hashlib.blake2b(_TICKING.sub(r"\1", text).encode(), digest_size=8).hexdigest()


def element_of(
    name: str, digest: str, html: str, *, classes: str = "part", tag: str = "div"
) -> SafeString:
    """Return the element of a part. `html` is what the template engine has rendered."""
    return format_html(
        '<{0} id="part-{1}" class="{2}" data-part="{3}">{4}</{0}>',
        tag,
        name,
        classes,
        digest,
        mark_safe(html),  # noqa: S308
    )
