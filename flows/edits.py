"""What has become of a part of a draft since somebody opened its form in the admin."""

from collections.abc import Iterable

from django.core import signing
from django.db.models import Model
from django.utils.text import Truncator

#: Row → field → what it holds, as text.
Snapshot = dict[str, dict[str, str]]
_SALT = "flows.edits"


def snapshot(rows: Iterable[Model]) -> Snapshot:
    """What these rows hold: what a form shows, and what hangs on it."""
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
    """A snapshot as a hidden field carries it."""
    return signing.dumps(held, salt=_SALT, compress=True)


def changes(signed: str, now: Snapshot) -> list[str]:
    """What differs from a signed snapshot, in sentences; nothing for one that is none."""
    try:
        before: Snapshot = signing.loads(signed, salt=_SALT)
    except signing.BadSignature:
        return []
    found = [f"Gone: {before[key]['']}." for key in before if key not in now]
    found += [f"New: {now[key]['']}." for key in now if key not in before]
    for key in before:
        for name, value in now.get(key, {}).items():
            old = before[key].get(name, "")
            if name and old != value:
                found.append(f"{now[key]['']}, {name}: {_cut(old)} → {_cut(value)}.")
    return found


def _cut(text: str) -> str:
    return Truncator(text).chars(200) or "(empty)"
