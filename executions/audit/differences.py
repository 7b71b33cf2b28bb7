"""What differs between two states of an object, in JSON, without secrets."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

#: Fields whose values never enter the audit trail, by their names.
_SECRET = re.compile(r"password|secret|token|digest|credential|private|(^|_)key$", re.IGNORECASE)
#: What stands for a secret value. That one was changed shows by the field alone.
MASK = "••••"
#: The longest text of a value; of a longer one, its beginning.
_LONGEST = 2_000

State = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Masked:
    """A value that is compared, and never shown."""

    value: Any


def differences(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> tuple[State | None, State | None]:
    """Return the fields that differ, before and after; all of them where there is one side only."""
    old, new = _plain(before), _plain(after)
    if old is not None and new is not None:
        both = [name for name in old if name in new and old[name] == new[name]]
        for name in both:
            del old[name], new[name]
    return _masked(old), _masked(new)


def _plain(state: Mapping[str, Any] | None) -> State | None:
    """Return a state as JSON holds it: dates, ids and decimals as texts."""
    if state is None:
        return None
    plain: State = json.loads(json.dumps(dict(state), cls=_Encoder))
    return plain


class _Encoder(DjangoJSONEncoder):
    """Writes what JSON has no form for as its text."""

    def default(self, o: Any) -> Any:
        if isinstance(o, set | frozenset | tuple):
            return sorted(o, key=str)
        if isinstance(o, Masked):
            # What follows NUL is compared only.
            return f"{MASK}\0{hashlib.sha256(repr(o.value).encode()).hexdigest()}"
        try:
            return super().default(o)
        except TypeError:
            return str(o)


def _masked(value: Any) -> Any:
    """Return a value with the secrets in it masked, and texts cut."""
    if isinstance(value, dict):
        return {
            name: MASK if _SECRET.search(name) and inner not in (None, "") else _masked(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_masked(inner) for inner in value]
    if isinstance(value, str):
        text = value.partition("\0")[0]  # jsonb takes no NUL
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"
    return value
