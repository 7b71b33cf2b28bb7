"""Finds what others changed in a part of a draft after somebody opened its form in the admin."""

import re
from collections.abc import Collection, Iterable

from django.core import signing
from django.db.models import Model
from django.http import QueryDict
from django.utils.text import Truncator

#: Row → field → value, as text.
Snapshot = dict[str, dict[str, str]]
_SALT = "flows.edit_conflicts"

_AGAIN = "What you typed is still below. Save again to overwrite their changes."
_CHANGED = f"Not saved: somebody else changed this after you opened it. {_AGAIN} They changed:"
_UNKNOWN = (
    "Not saved: others may have changed this after you opened it. What you typed is still below. "
    "Compare it with what is saved, and save again."
)


def snapshot(rows: Iterable[Model]) -> Snapshot:
    """Return the values of these rows."""
    return {
        f"{row._meta.label_lower}:{row.pk}": {
            "": f"{row._meta.verbose_name} {row}",
            **{
                str(field.verbose_name): str(getattr(row, field.attname))
                for field in row._meta.concrete_fields
                if not field.primary_key
            },
        }
        for row in rows
    }


def sign(held: Snapshot) -> str:
    """Return a snapshot as signed text for a hidden field."""
    return signing.dumps(held, salt=_SALT, compress=True)


def conflicts(signed: str, now: Snapshot) -> list[str]:
    """Return sentences that say what others changed since this signed snapshot; empty for
    nothing."""
    try:
        before: Snapshot = signing.loads(signed, salt=_SALT)
    except signing.BadSignature:
        return [_UNKNOWN]
    found = _changes(before, now)
    return [_CHANGED, *found] if found else []


def _changes(before: Snapshot, now: Snapshot) -> list[str]:
    found = [f"Deleted: {before[key]['']}." for key in before if key not in now]
    found += [f"Added: {now[key]['']}." for key in now if key not in before]
    for key in before:
        for name, value in now.get(key, {}).items():
            old = before[key].get(name, "")
            if name and old != value:
                found.append(f"{now[key]['']}, {name}: {_cut(old)} → {_cut(value)}.")
    return found


def _cut(text: str) -> str:
    return Truncator(text).chars(200) or "(empty)"


def reset_deleted_rows(data: QueryDict, prefix: str, there: Collection[str]) -> None:
    """Turn the rows of a formset whose objects were deleted meanwhile into new ones. `there` are
    the ids that still exist.

    Otherwise the form could be saved neither with these rows nor without them.
    """
    rows = _rows(data, prefix)
    for row in rows:
        if row.get("id") and row["id"] not in there:
            row["id"] = ""
    kept = [row for row in rows if row.get("id") or not row.get("DELETE")]
    for number, row in enumerate(sorted(kept, key=lambda row: not row.get("id"))):
        data.update({f"{prefix}-{number}-{name}": text for name, text in row.items()})
    data[f"{prefix}-TOTAL_FORMS"] = str(len(kept))
    data[f"{prefix}-INITIAL_FORMS"] = str(sum(bool(row.get("id")) for row in kept))


def _rows(data: QueryDict, prefix: str) -> list[dict[str, str]]:
    """Remove the rows of a formset from the posted data and return them in order."""
    rows: dict[int, dict[str, str]] = {}
    for name in list(data):
        found = re.fullmatch(rf"{re.escape(prefix)}-([0-9]{{1,6}})-(.+)", name)
        if found:
            rows.setdefault(int(found[1]), {})[found[2]] = str(data[name])
            del data[name]
    return [rows[number] for number in sorted(rows)]
