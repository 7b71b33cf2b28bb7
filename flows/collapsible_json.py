"""Formats a value for people as JSON that folds, a bounded part of it at a time.

Pure but for Django's escaping. A part that does not fit becomes a link to it, so that a list of
100,000 items or a deep structure is never sent at once.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from flows import pretty_json, values
from flows.equality import same
from flows.keys import labels
from flows.pretty_json import quoted, scalar
from flows.value_diff import ABSENT
from flows.value_paths import parts

#: Items of a list, or keys of a structure, on a page.
ITEMS = 100
#: The most lines, and characters in them; further parts are only named.
LINES, CHARACTERS = 400, 30_000
#: Characters of a text in a line, and on a page of its own.
LINE_TEXT, PAGE_TEXT = 300, 20_000
#: How deep parts are open at first, and how deep they are written at all.
OPEN, DEEP = 2, 12

#: Leads to a part of the value, by its keys.
Address = Callable[[Sequence[str]], str]


@dataclass(frozen=True, slots=True)
class JsonPage:
    """What is written, and the page that it is: from `first` to before `last` of `count` items,
    keys or characters."""

    html: SafeString
    first: int
    last: int
    count: int
    unit: str

    @property
    def last_shown(self) -> int:
        """The number of the last that is shown, as they are counted from 0."""
        return max(self.first, self.last - 1)


@dataclass(frozen=True, slots=True)
class Slice:
    """A page of a large list or structure: what is on it, from the item `first` of `count` on."""

    items: list[Any] | dict[Any, Any]
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class Outline:
    """Stands for a large part that was not read: its line of text, and a digest for comparisons."""

    summary: str
    digest: str


def render_page(value: Any, address: Address, first: int = 0, other: Any = ABSENT) -> JsonPage:
    """The page of a value that begins at the item, key or character `first`; the value may be the
    `Slice` that is that page.

    Lines that differ from `other`, the same value at another time, are marked; nothing is when that
    is not given.
    """
    inside = parts(value) if not isinstance(value, Slice) else value.items
    if inside is None:
        return _scalar_page(value, address, first, other)
    if isinstance(value, Slice):
        first, count = value.first, value.count
        page = list(_items(inside, first))
    else:
        count = len(inside)
        first = min(first, max(0, count - 1)) // ITEMS * ITEMS
        page = list(islice(_items(inside), first, first + ITEMS))
    writer = _Writer(address, marks=other is not ABSENT)
    is_list = isinstance(inside, list)
    writer.page(page, is_list, first, count, _inside(other) if other is not ABSENT else None)
    unit = "items" if is_list else "keys"
    return JsonPage(writer.html, first, min(count, first + ITEMS), count, unit)


def _items(inside: list[Any] | dict[Any, Any], first: int = 0) -> Iterable[tuple[str, Any, Any]]:
    """Yield of each item its label, its key or place, and the item."""
    if isinstance(inside, list):
        yield from ((str(place), place, item) for place, item in enumerate(inside, first))
    else:
        yield from ((label, key, inside[key]) for label, key in labels(inside))


def _inside(other: Any) -> Any:
    """Return the parts of another value; those of a page of a list by number."""
    if not isinstance(other, Slice):
        return parts(other)
    if isinstance(other.items, list):
        return dict(enumerate(other.items, other.first))
    return other.items


def _scalar_page(value: Any, address: Address, first: int, other: Any) -> JsonPage:
    differs = other is not ABSENT and not same(value, other)
    if isinstance(value, str) and len(value) > PAGE_TEXT:
        first = min(first, len(value) - 1) // PAGE_TEXT * PAGE_TEXT
        shown = value[first : first + PAGE_TEXT]
        html = f'<div class="json-line text{" changed" * differs}">{escape(shown)}</div>'
        return JsonPage(mark_safe(html), first, first + len(shown), len(value), "characters")  # noqa: S308
    writer = _Writer(address, marks=differs)
    writer.line(0, scalar(pretty_json.plain(value)), differs)
    return JsonPage(writer.html, 0, 1, 1, "")


@dataclass(frozen=True, slots=True)
class _Part:
    """Where a part of the value stands: its key, the keys that lead to it, how deep it is, and
    whether another one follows."""

    key: Any
    keys: tuple[str, ...]
    depth: int
    is_followed: bool

    @property
    def label(self) -> str:
        return self.keys[-1]

    @property
    def comma(self) -> str:
        return "," if self.is_followed else ""


class _Writer:
    def __init__(self, address: Address, *, marks: bool) -> None:
        self._address = address
        self._marks = marks
        self._written: list[str] = []
        self._lines = 0
        self._size = 0

    @property
    def html(self) -> SafeString:
        # Every part of a line was escaped when it was made.
        return mark_safe("".join(self._written))  # noqa: S308

    @property
    def is_full(self) -> bool:
        return self._lines >= LINES or self._size >= CHARACTERS

    def line(self, depth: int, text: str, differs: bool = False) -> None:
        """Write a line of HTML."""
        self._lines += 1
        self._size += len(text)
        mark = " changed" if differs and self._marks else ""
        self._written.append(f'<div class="json-line depth-{min(depth, DEEP)}{mark}">{text}</div>')

    def page(
        self,
        page: Iterable[tuple[str, Any, Any]],
        is_list: bool,
        first: int,
        count: int,
        other: Any,
    ) -> None:
        """Write the parts on a page of a value."""
        opens, closes = ("[", "]") if is_list else ("{", "}")
        self.line(0, opens)
        for number, (label, key, item) in enumerate(page, first):
            self._part(_Part(key, (label,), 1, number + 1 < count), item, _at(other, key))
        self.line(0, closes)

    def _part(self, part: _Part, item: Any, other: Any) -> None:
        name = self._name(part)
        if isinstance(item, Outline):
            link = self._link(part, item.summary)
            self.line(part.depth, f"{name}{link}{part.comma}", item != other)
            return
        inside = parts(item)
        if not inside:
            self._scalar_line(part, pretty_json.plain(item), _differs(item, other))
            return
        if self.is_full or part.depth >= DEEP or len(inside) > ITEMS:
            link = self._link(part, values.summary(item))
            differs = self._marks and _differs(item, other)
            self.line(part.depth, f"{name}{link}{part.comma}", differs)
            return
        self._nested(part, inside, None if other is ABSENT else parts(other))

    def _scalar_line(self, part: _Part, plain: Any, differs: bool) -> None:
        name = self._name(part)
        if isinstance(plain, str) and len(plain) > LINE_TEXT:
            cut = scalar(plain[:LINE_TEXT])
            rest = self._link(part, f"… {len(plain):,} characters")
            self.line(part.depth, f"{name}{cut}{rest}{part.comma}", differs)
        else:
            self.line(part.depth, f"{name}{scalar(plain)}{part.comma}", differs)

    def _nested(self, part: _Part, inside: dict[Any, Any] | list[Any], other: Any) -> None:
        """Write a list or structure that folds, with all of its parts."""
        is_list = isinstance(inside, list)
        opens, closes = ("[", "]") if is_list else ("{", "}")
        count, unit = len(inside), "item" if is_list else "key"
        self._lines += 1
        mark = " changed" if self._marks and other is None else ""
        collapsed = f" {count} {unit}{'s' * (count > 1)} {closes}{part.comma}"
        opened = " open" if part.depth < OPEN or count <= 4 else ""
        # A link inside of a summary would be a control inside of a control.
        into = f'<a class="open-part" href="{escape(self._address(part.keys))}" data-merge '
        into += f'aria-label="Open {escape(part.label)}" title="Open this part">\u2192</a>'
        self._written.append(
            f'<div class="foldable">{into}<details{opened}>'
            f'<summary class="json-line depth-{part.depth}{mark}">{self._key(part)}: {opens}'
            f'<span class="collapsed">{collapsed}</span></summary>'
        )
        for number, (label, key, item) in enumerate(_items(inside), 1):
            inner = _Part(key, (*part.keys, label), part.depth + 1, number < count)
            self._part(inner, item, _at(other, key))
        self.line(part.depth, f"{closes}{part.comma}", other is None)
        self._written.append("</details></div>")

    def _key(self, part: _Part) -> str:
        """Return the key of a part: texts stand in quotation marks, other keys do not."""
        if isinstance(part.key, str):
            return f'<span class="json-key">{quoted(part.label)}</span>'
        return f'<span class="json-index">{escape(part.label)}</span>'

    def _name(self, part: _Part) -> str:
        """Return the key of a line, as a link to its part."""
        href = escape(self._address(part.keys))
        return f'<a href="{href}" data-merge>{self._key(part)}</a>: '

    def _link(self, part: _Part, text: str) -> str:
        href = escape(self._address(part.keys))
        return f'<a class="part-link" href="{href}" data-merge>{escape(text)}</a>'


def _differs(item: Any, other: Any) -> bool:
    return other is ABSENT or not same(item, other)


def _at(other: Any, key: Any) -> Any:
    """Return the part of another value with this key."""
    if isinstance(other, list):
        return other[key] if isinstance(key, int) and key < len(other) else ABSENT
    return other.get(key, ABSENT) if isinstance(other, dict) else ABSENT
