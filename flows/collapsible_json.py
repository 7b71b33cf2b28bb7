"""A value written out for people as JSON that folds, a bounded part of it at a time.

Pure but for Django's escaping. Whatever does not fit is a link to the part itself, so that a list
of 100,000 items or a deep structure never comes at once.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from flows import pretty_json, values
from flows.value_diff import ABSENT
from flows.value_paths import parts

#: Items of a list, and keys of a structure, on a page.
ITEMS = 100
#: Lines, and characters of what stands in them, after which parts are only named.
LINES, CHARACTERS = 400, 30_000
#: Characters of a text in a line, and on a page of its own.
LINE_TEXT, PAGE_TEXT = 300, 20_000
#: How deep parts are unfolded, and how deep they are written at all.
OPEN, DEEP = 2, 12

#: Leads to a part of the value, by its keys.
Address = Callable[[Sequence[str]], str]


@dataclass(frozen=True, slots=True)
class Folded:
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
    """Stands for a large part that was not read with those around it: what a line says of it, and
    what two that are alike have in common."""

    summary: str
    digest: str


def fold(value: Any, address: Address, first: int = 0, other: Any = ABSENT) -> Folded:
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
        page = dict(enumerate(inside, first)) if isinstance(inside, list) else inside
    else:
        count = len(inside)
        first = min(first, max(0, count - 1)) // ITEMS * ITEMS
        page = dict(islice(_pairs(inside), first, first + ITEMS))
    writer = _Writer(address, marks=other is not ABSENT)
    is_list = isinstance(inside, list)
    writer.page(page, is_list, first, count, _inside(other) if other is not ABSENT else None)
    unit = "items" if is_list else "keys"
    return Folded(writer.html, first, min(count, first + ITEMS), count, unit)


def _pairs(inside: list[Any] | dict[Any, Any]) -> Iterable[tuple[Any, Any]]:
    return enumerate(inside) if isinstance(inside, list) else inside.items()


def _inside(other: Any) -> Any:
    """What another value is made of; of a page of a list, by number."""
    if not isinstance(other, Slice):
        return parts(other)
    if isinstance(other.items, list):
        return dict(enumerate(other.items, other.first))
    return other.items


def _scalar_page(value: Any, address: Address, first: int, other: Any) -> Folded:
    differs = other is not ABSENT and not same(value, other)
    if isinstance(value, str) and len(value) > PAGE_TEXT:
        first = min(first, len(value) - 1) // PAGE_TEXT * PAGE_TEXT
        shown = value[first : first + PAGE_TEXT]
        html = f'<div class="ln text{" ch" * differs}">{escape(shown)}</div>'
        return Folded(mark_safe(html), first, first + len(shown), len(value), "characters")  # noqa: S308
    writer = _Writer(address, marks=differs)
    writer.line(0, _scalar(pretty_json.plain(value)), differs)
    return Folded(writer.html, 0, 1, 1, "")


def same(value: Any, other: Any) -> bool:
    """Whether two values are the same; 1, 1.0 and true are three."""
    if type(value) is not type(other):
        return False
    if isinstance(value, list):
        return len(value) == len(other) and all(map(same, value, other))
    if isinstance(value, dict):
        return value.keys() == other.keys() and all(same(value[key], other[key]) for key in value)
    return bool(value == other) or (value != value and other != other)


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
        """A line of HTML."""
        self._lines += 1
        self._size += len(text)
        mark = " ch" if differs and self._marks else ""
        self._written.append(f'<div class="ln d{min(depth, DEEP)}{mark}">{text}</div>')

    def page(self, page: dict[Any, Any], is_list: bool, first: int, count: int, other: Any) -> None:
        opens, closes = ("[", "]") if is_list else ("{", "}")
        self.line(0, opens)
        for number, (key, item) in enumerate(page.items(), first):
            comma = "," if number + 1 < count else ""
            self._item(item, (str(key),), key, _at(other, key), 1, comma)
        self.line(0, closes)

    def _items(self, inside: Any, keys: tuple[str, ...], other: Any, depth: int) -> None:
        """All the parts of one that has not many."""
        for number, (key, item) in enumerate(_pairs(inside), 1):
            comma = "," if number < len(inside) else ""
            self._item(item, (*keys, str(key)), key, _at(other, key), depth + 1, comma)

    def _item(
        self, item: Any, keys: tuple[str, ...], key: Any, other: Any, depth: int, comma: str
    ) -> None:
        name = self._name(keys, key)
        if isinstance(item, Outline):
            self.line(depth, f"{name}{self._link(keys, item.summary)}{comma}", item != other)
            return
        inside = parts(item)
        if not inside:
            plain = pretty_json.plain(item)
            differs = other is ABSENT or not same(item, other)
            if isinstance(plain, str) and len(plain) > LINE_TEXT:
                cut = _scalar(plain[:LINE_TEXT])
                rest = self._link(keys, f"… {len(plain):,} characters")
                self.line(depth, f"{name}{cut}{rest}{comma}", differs)
            else:
                self.line(depth, f"{name}{_scalar(plain)}{comma}", differs)
            return
        inner = None if other is ABSENT else parts(other)
        if self.is_full or depth >= DEEP or len(inside) > ITEMS:
            differs = other is ABSENT or (self._marks and not same(item, other))
            self.line(depth, f"{name}{self._link(keys, values.summary(item))}{comma}", differs)
            return
        opens, closes = ("[", "]") if isinstance(inside, list) else ("{", "}")
        self._lines += 1
        mark = " ch" if self._marks and inner is None else ""
        count = len(inside)
        unit = "item" if isinstance(inside, list) else "key"
        told = f'<span class="shut"> {count} {unit}{"s" * (count > 1)} {closes}{comma}</span>'
        opened = " open" if depth < OPEN or count <= 4 else ""
        # A link inside of a summary would be a control inside of a control.
        into = f'<a class="into" href="{escape(self._address(keys))}" data-merge '
        into += f'aria-label="Look into {escape(str(key))}" title="Look into it">\u2192</a>'
        self._written.append(
            f'<div class="fo">{into}<details{opened}>'
            f'<summary class="ln d{depth}{mark}">{self._key(key)}: {opens}{told}</summary>'
        )
        self._items(inside, keys, inner, depth)
        self.line(depth, f"{closes}{comma}", inner is None)
        self._written.append("</details></div>")

    def _key(self, key: Any) -> str:
        shown = str(key) if isinstance(key, int) else _quoted(str(key))
        return f'<span class="{"ji" if isinstance(key, int) else "jk"}">{shown}</span>'

    def _name(self, keys: tuple[str, ...], key: Any) -> str:
        """The key of a line, which leads to what is there."""
        return f'<a href="{escape(self._address(keys))}" data-merge>{self._key(key)}</a>: '

    def _link(self, keys: tuple[str, ...], text: str) -> str:
        return f'<a class="on" href="{escape(self._address(keys))}" data-merge>{escape(text)}</a>'


def _at(other: Any, key: Any) -> Any:
    """The part of another value with this key."""
    if isinstance(other, list):
        return other[key] if isinstance(key, int) and key < len(other) else ABSENT
    return other.get(key, ABSENT) if isinstance(other, dict) else ABSENT


def _scalar(value: Any) -> str:
    match value:
        case str():
            return f'<span class="jst">{_quoted(value)}</span>'
        case None | bool():
            return f'<span class="jw">{json.dumps(value)}</span>'
        case int() | float():
            return f'<span class="jn">{value}</span>'
    return escape(json.dumps(value, ensure_ascii=False))


def _quoted(text: str) -> str:
    return escape(json.dumps(text, ensure_ascii=False))
