"""Parts of a live page: rendered once for the first page and for every refresh alike.

A part is an element with an id and a hash of what it shows. A refresh names the hashes that the
browser holds and gets the parts that differ; `static/js/execution.js` fits them in, keeping focus,
scroll positions and what is folded open.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from executions.part_elements import digest_of, element_of


@dataclass(frozen=True, slots=True)
class Part:
    """A template and the class of the element that holds it.

    `source` is a short text that identifies content which never changes: the part is then rendered
    only for a browser that does not hold it.
    """

    name: str
    template: str
    classes: str = ""
    tag: str = "div"
    source: Callable[[Mapping[str, Any]], str] | None = None

    def element(self, request: HttpRequest, context: Mapping[str, Any]) -> SafeString:
        """Return the whole element."""
        html = self._html(request, context)
        return self._element(digest_of(self.source(context) if self.source else html), html)

    def unless_held(
        self, request: HttpRequest, context: Mapping[str, Any], held: set[str]
    ) -> SafeString | None:
        """Return the whole element, or None when its `name:hash` is among those held."""
        if self.source:
            digest = digest_of(self.source(context))
            if f"{self.name}:{digest}" in held:
                return None
            return self._element(digest, self._html(request, context))
        html = self._html(request, context)
        digest = digest_of(html)
        return None if f"{self.name}:{digest}" in held else self._element(digest, html)

    def _html(self, request: HttpRequest, context: Mapping[str, Any]) -> str:
        return render_to_string(self.template, dict(context), request).strip()

    def _element(self, digest: str, html: str) -> SafeString:
        return element_of(self.name, digest, html, classes=self.classes, tag=self.tag)


def changed(
    parts: Iterable[Part], request: HttpRequest, context: Mapping[str, Any], known: str
) -> SafeString:
    """Return the elements whose hash is not in `known`, a text of `name:hash` words."""
    digests = set(known.split())
    elements = (part.unless_held(request, context, digests) for part in parts)
    return mark_safe("\n".join(element for element in elements if element))  # noqa: S308


def held(request: HttpRequest) -> str:
    """Return which parts the browser says that it holds."""
    return request.headers.get("X-Held", "")[:2000]


def list_page(
    request: HttpRequest, template: str, context: Mapping[str, Any], part: Part, status: int = 200
) -> HttpResponse:
    """Return a page whose address is also that of its list: a browser that has the page gets only
    the list, when it differs from the one that it holds."""
    if "X-Held" in request.headers and request.method == "GET":
        return HttpResponse(changed([part], request, context, held(request)))
    parts = {part.name: part.element(request, context)}
    return render(request, template, {**context, "parts": parts}, status=status)
