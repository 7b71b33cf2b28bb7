"""Encrypts what the database holds of secrets, with the keys of ENCRYPTION_KEYS.

The first key encrypts; every key decrypts, and so does one that follows from SECRET_KEY, which
encrypts where no key is set. An encrypted text says that it is one, so that what was stored before
can still be read.
"""

import base64
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.crypto import salted_hmac

#: How an encrypted text begins.
PREFIX = "fernet:"
#: The key under which JSON holds what is encrypted. No value has such a key (`flows.values`).
SEALED = "$encrypted"


class KeyMissing(Exception):
    """Something was encrypted with a key that is not among those of ENCRYPTION_KEYS."""

    def __init__(self) -> None:
        super().__init__(
            "A secret in the database is encrypted with a key that is missing: add that key to "
            "ENCRYPTION_KEYS, or give the secret anew."
        )


@cache
def _fernet(keys: tuple[str, ...], secret_key: str) -> MultiFernet:
    digest = salted_hmac("executions.encryption", "", secret=secret_key, algorithm="sha256")
    derived = base64.urlsafe_b64encode(digest.digest()).decode()
    return MultiFernet([Fernet(key) for key in (*keys, derived)])


def _keys() -> MultiFernet:
    return _fernet(tuple(settings.ENCRYPTION_KEYS), settings.SECRET_KEY)


def encrypt(text: str) -> str:
    """Return a text encrypted."""
    return PREFIX + _keys().encrypt(text.encode("utf-8", "surrogatepass")).decode()


def decrypt(stored: str) -> str:
    """Return an encrypted text, or one that was stored before it was encrypted, as it was. Raises
    KeyMissing."""
    if not stored.startswith(PREFIX):
        return stored
    try:
        return _keys().decrypt(stored[len(PREFIX) :]).decode("utf-8", "surrogatepass")
    except InvalidToken:
        raise KeyMissing from None


def seal(form: Any) -> dict[str, str]:
    """Return JSON that holds another JSON encrypted."""
    text = json.dumps(form, ensure_ascii=False, separators=(",", ":"))
    return {SEALED: encrypt(text)}


def is_sealed(form: Any) -> bool:
    """Return whether JSON is what `seal` returns, with or without further keys."""
    return isinstance(form, Mapping) and SEALED in form


def unseal(form: Any) -> Any:
    """Return the JSON that another one holds encrypted; any other as it is. Raises KeyMissing."""
    return json.loads(decrypt(form[SEALED])) if is_sealed(form) else form
