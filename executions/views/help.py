"""The help pages: statuses, keys, exceptions, blocks, commands, filters and permissions.

They are generated from the registries and from docs/, and need no network.
"""

import re
from collections.abc import Iterable
from functools import cache
from itertools import groupby
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

from executions import appearance
from flows.blocks import ALL, reference
from flows.blocks.base import Block
from flows.blocks.errors import MEANINGS

#: Pages that are generated from a file in docs/: the title, the file, and the heading at which the
#: part for users of the pages ends.
GUIDES = {
    "queries": ("Finding executions", "grid-queries.md", "## The address"),
    "expressions": ("Expressions", "expressions.md", ""),
    "commands": ("Commands", "commands.md", "## This page"),
    "permissions": ("Permissions", "permissions.md", ""),
    "people": ("People in flows", "people.md", "## For programs"),
    "data-storage": ("Data Storage", "data-storage.md", ""),
    "signals": ("Signals", "signals.md", ""),
    "webhooks": ("Webhooks and chains", "webhooks.md", "## For programs"),
    "api": ("HTTP API", "api.md", ""),
    "flow-files": ("Flow files", "flow-files.md", ""),
}


def help_page(request: HttpRequest) -> HttpResponse:
    """Explain the icons and words of the other pages, and each exception."""
    context = {
        "section": "help",
        "guides": _guides(),
        "meanings": appearance.DESCRIPTIONS.items(),
        "unhandled": appearance.UNHANDLED_DESCRIPTION,
        "waits_because_of": appearance.REASON_TEXTS.items(),
        "exceptions": _exceptions(),
    }
    return render(request, "executions/help.html", context)


def help_blocks(request: HttpRequest) -> HttpResponse:
    """List every block: what it does, its properties and ports, and what it throws."""
    context = {"section": "help", "guides": _guides(), "palettes": _palettes()}
    return render(request, "executions/help/blocks.html", context)


def help_guide(request: HttpRequest, name: str) -> HttpResponse:
    """Show a page of GUIDES. Raises Http404 for another name."""
    if name not in GUIDES:
        raise Http404(f"There is no help on {name}.")
    context = {
        "section": "help",
        "guides": _guides(),
        "title": GUIDES[name][0],
        "content": _guide(name),
    }
    return render(request, "executions/help/guide.html", context)


def _guides() -> list[tuple[str, str]]:
    """Return the title and the address of each help page."""
    return [
        ("Statuses, keys, exceptions", reverse("help")),
        ("Blocks", reverse("help-blocks")),
        *((title, reverse("help-guide", args=[name])) for name, (title, *_) in GUIDES.items()),
    ]


# From the registry ------------------------------------------------------------------------------


@cache
def _palettes() -> list[tuple[str, list[dict[str, Any]]]]:
    blocks = sorted(ALL, key=_palette)
    return [
        (palette, [_block_help(block) for block in group])
        for palette, group in groupby(blocks, _palette)
    ]


def _palette(block: Block) -> str:
    return block.palette


def _block_help(block: Block) -> dict[str, Any]:
    return {
        "block": block,
        "anchor": reference.anchor(block.type),
        "description": reference.description(block),
        "crash": reference.after_a_crash(block),
        "properties": [
            {"property": prop, "default": reference.default(prop), "notes": reference.notes(prop)}
            for prop in block.properties
        ],
        "ports": [port.value for port in block.ports],
        "throws": reference.exceptions(block),
    }


@cache
def _exceptions() -> list[dict[str, Any]]:
    """Return each exception type, with the blocks that throw it by themselves."""
    throwing: dict[str, list[Block]] = {}
    for block in ALL:
        for name in reference.exceptions(block):
            throwing.setdefault(name, []).append(block)
    found = []
    for full, meaning in MEANINGS.items():
        name = full.rpartition(".")[2]
        blocks = [(one.type, reference.anchor(one.type)) for one in throwing.get(name, [])]
        found.append({"name": name, "type": full, "meaning": meaning, "blocks": blocks})
    return sorted(found, key=lambda one: str(one["name"]))


# From docs/ -------------------------------------------------------------------------------------


@cache
def _guide(name: str) -> SafeString:
    """Return a page as HTML. Headings and table rows that begin with code have anchors."""
    _, file, end = GUIDES[name]
    text = (settings.BASE_DIR / "docs" / file).read_text("utf-8")
    text = text.partition("\n")[2]  # its title is the page's
    if end:
        text = text.partition(f"\n{end}")[0]
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(text)
    _set_anchors(tokens)
    _set_links(tokens)
    # The parser escapes what is inside, and lets no HTML through.
    html: str = markdown.renderer.render(tokens, markdown.options, {})
    return mark_safe(html)  # noqa: S308


def _set_anchors(tokens: list[Token]) -> None:
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", reference.anchor(tokens[place + 1].content))
        elif token.type == "tr_open" and tokens[place + 1].type == "td_open":
            first = next(iter(tokens[place + 2].children or ()), None)
            if first is not None and first.type == "code_inline":
                token.attrSet("id", re.sub(r"[^\w.-]+", "-", first.content).strip("-"))


def _set_links(tokens: Iterable[Token]) -> None:
    """Lead links to other files of docs/ to their help pages; remove those without one."""
    pages = {file: reverse("help-guide", args=[name]) for name, (_, file, _) in GUIDES.items()}
    pages["blocks.md"] = reverse("help-blocks")
    for token in tokens:
        inside = False
        for child in token.children or []:
            if child.type == "link_open":
                file, hash_, part = str(child.attrGet("href") or "").partition("#")
                if file in pages or (hash_ and not file):
                    child.attrSet("href", pages.get(file, "") + hash_ + part)
                elif not file.startswith(("https://", "http://")):
                    child.tag, child.attrs, inside = "span", {}, True
            elif child.type == "link_close" and inside:
                child.tag, inside = "span", False
