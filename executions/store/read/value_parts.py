"""Parts of stored values, cut out by the database: to see a hundred items of a list of a million,
nobody reads and decodes the others.

What is cut are stored forms (`flows.values`), as they are shown. Where a form stands for something
else than itself on the way to the part (an exception, keys that are no texts), there is no cut, and
the whole value has to be read.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Model

#: Characters of a part that is read whole, and of an item of one that is not.
WHOLE, ITEM = 50_000, 5_000
#: Characters of a larger text that are read.
BEGINNING = 80

#: What the database would take for a place in a list, and a path does not.
_NO_PLACE = re.compile(r"\s*[+-]\d+|\s+\d+|\d{10,}")

#: Two columns of what is `large`: how many items, keys or characters it has, and the first key of a
#: structure with one.
_COUNTED = """
    CASE WHEN NOT large THEN NULL
        WHEN json_typeof(form) = 'array' THEN json_array_length(form)
        WHEN json_typeof(form) = 'object'
            THEN (SELECT count(*) FROM json_object_keys(form))::int
        ELSE length(form #>> '{}') END,
    CASE WHEN large AND json_typeof(form) = 'object'
        THEN (SELECT min(key) FROM json_object_keys(form) AS key HAVING count(*) = 1) END
"""


@dataclass(frozen=True, slots=True)
class StoredForm:
    """Where a form is stored: a column of the one row in which other columns have these values."""

    model: type[Model]
    column: str
    row: tuple[tuple[str, Any], ...]

    @property
    def sql(self) -> str:
        """The row's form; only names of this code are written into a statement."""
        where = " AND ".join(f"{name} = %s" for name, _ in self.row)
        table = self.model._meta.db_table
        return f"SELECT coalesce({self.column}, 'null') AS form FROM {table} WHERE {where}"

    @property
    def parameters(self) -> list[Any]:
        return [value for _, value in self.row]


@dataclass(frozen=True, slots=True)
class LargeItem:
    """An item that was left where it is: "array", "object" or "string"; how many items, keys or
    characters it has; how a text begins; and what two alike have in common."""

    kind: str
    count: int
    beginning: str
    digest: str


@dataclass(frozen=True, slots=True)
class ItemPage:
    """A list ("array") or structure ("object") with `count` items, of which these are read: forms,
    or `LargeItem`. `places` are their numbers or keys; `first` is the number of the first."""

    kind: str
    count: int
    first: int
    places: list[Any]
    items: list[Any]


@dataclass(frozen=True, slots=True)
class ValuePart:
    """What a path leads to: its form, or a page of the items of a large one."""

    form: Any = None
    page: ItemPage | None = None


def whole_part(stored: StoredForm, path: Sequence[str]) -> ValuePart | None:
    """Return the whole form to which a path leads; None where there is none, or no cut."""
    if not _is_plain(path):
        return None
    found, parameters = _found(stored, path)
    rows = _fetch(f"SELECT form::text FROM ({found}) AS found", parameters)
    return ValuePart(json.loads(rows[0][0])) if rows and rows[0][0] is not None else None


def part_or_page(
    stored: StoredForm,
    path: Sequence[str],
    first: int,
    count: int,
    keys: Sequence[str] | None = None,
) -> ValuePart | None:
    """Return the form to which a path leads, or of a large one some items.

    These are the page of so many items that `first` is on, or the items of a structure with these
    keys. None where there is no form, or no cut.
    """
    if not _is_plain(path):
        return None
    found, parameters = _found(stored, path)
    rows = _fetch(_form_or_size(found), parameters)
    if not rows:
        return None
    kind, text, number, tag = rows[0]
    if text is not None:
        return ValuePart(json.loads(text))
    if kind not in ("array", "object") or _is_tag(tag):
        return whole_part(stored, path)
    first = min(first, max(0, number - 1)) // count * count
    chosen: list[Any] = [first, first + count]
    by_key = keys is not None and kind == "object"
    if keys is not None and by_key:
        chosen = [list(keys)]
    items = _fetch(_items(found, kind, by_key=by_key), [*parameters, *chosen])
    return ValuePart(page=_page(kind, number, first, items))


def _page(kind: str, number: int, first: int, rows: list[tuple[Any, ...]]) -> ItemPage:
    items = [
        json.loads(text)
        if text is not None
        else LargeItem(item_kind, size, beginning or "", digest)
        for _place, text, item_kind, size, beginning, digest in rows
    ]
    return ItemPage(kind, number, first, [row[0] for row in rows], items)


def _form_or_size(found: str) -> str:
    """The statement that reads a form, or of a large one how many items it has."""
    return f"""
        SELECT json_typeof(form), CASE WHEN NOT large THEN form::text END, {_COUNTED}
        FROM (
            SELECT form, NOT (bytes <= {WHOLE} AND octet_length(form::text) <= {WHOLE}) AS large
            FROM ({found}) AS found OFFSET 0
        ) AS sized WHERE form IS NOT NULL
    """


def _items(found: str, kind: str, *, by_key: bool) -> str:
    """The statement that reads some items of a list or structure; of large ones only what a line
    says of them."""
    if kind == "array":
        place, items = (
            "number - 1",
            "json_array_elements(form) WITH ORDINALITY AS one(item, number)",
        )
    else:
        place, items = "key", "json_each(form) WITH ORDINALITY AS one(key, item, number)"
    wanted = "key = ANY(%s)" if by_key else "number > %s AND number <= %s"
    return f"""
        SELECT place, CASE WHEN NOT large OR tag LIKE '$%%' THEN form::text END, kind, count,
            CASE WHEN large AND kind = 'string' THEN left(form #>> '{{}}', {BEGINNING}) END,
            CASE WHEN large THEN md5(form::text) END
        FROM (
            SELECT place, number, form, large, json_typeof(form), {_COUNTED}
            FROM (
                SELECT {place} AS place, number, item AS form,
                    octet_length(item::text) > {ITEM} AS large
                FROM ({found}) AS found, {items}
                WHERE {wanted} OFFSET 0
            ) AS listed
        ) AS described(place, number, form, large, kind, count, tag)
        ORDER BY number
    """


def _found(stored: StoredForm, path: Sequence[str]) -> tuple[str, list[Any]]:
    """What a path leads to as a subquery that is evaluated once: `form`, and at least how many
    bytes it may have without being looked at."""
    if not path:
        sql = f"SELECT form, pg_column_size(form) AS bytes FROM ({stored.sql}) AS held OFFSET 0"
        return sql, stored.parameters
    sql = f"SELECT form #> %s AS form, 0 AS bytes FROM ({stored.sql}) AS held OFFSET 0"
    return sql, [list(path), *stored.parameters]


def _is_plain(path: Sequence[str]) -> bool:
    """Whether the database takes a path, and follows it as `flows.value_paths` does."""
    odd = (key.startswith("$") or _NO_PLACE.fullmatch(key) for key in path)
    return all(key.isprintable() for key in path) and not any(odd)


def _is_tag(key: str | None) -> bool:
    return key is not None and key.startswith("$")


def _fetch(sql: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
