"""Columns of their own kinds: JSON that keeps the order of keys, and what is stored encrypted."""

import logging
from typing import Any

from django.db import models
from psycopg.types.json import Json

from executions import encryption

logger = logging.getLogger(__name__)


class ExactJSONField(models.JSONField):
    """A column of the type `json`, not `jsonb`, so that a structure keeps the order of its keys.

    A For Each Loop goes over them in that order, also after its execution was resumed from a
    checkpoint. The column cannot be indexed or compared in the database.
    """

    def db_type(self, connection: Any) -> str:
        return "json"

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return value if value is None else Json(value)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """Return what psycopg has parsed already."""
        return value


class Encrypted(models.Field):  # type: ignore[type-arg]
    """A column that the database holds encrypted (`executions.encryption`).

    It cannot be compared in a query. What was encrypted with a key that is missing reads as empty,
    so that pages can still be shown, and the secret be given anew.
    """

    #: Whether all of its values are encrypted, and not only those that say so.
    is_whole = True

    def get_lookup(self, lookup_name: str) -> Any:
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None

    def reencrypted(self, stored: Any) -> Any:
        """Return what a column holds, as the first key encrypts it. Raises KeyMissing."""
        raise NotImplementedError


class EncryptedTextField(Encrypted, models.TextField):  # type: ignore[type-arg]
    """A text; an empty one is not encrypted."""

    def get_prep_value(self, value: Any) -> Any:
        text = super().get_prep_value(value)
        return encryption.encrypt(text) if text else text

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        try:
            return value and encryption.decrypt(value)
        except encryption.KeyMissing as problem:
            logger.error("%s: %s", self, problem)
            return ""

    def reencrypted(self, stored: str) -> str:
        return encryption.encrypt(encryption.decrypt(stored))


class EncryptedJSONField(Encrypted, ExactJSONField):
    """JSON. Keys in `plain` stay readable beside what is encrypted of an object."""

    def __init__(self, *args: Any, plain: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.plain = plain

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return None if value is None else Json(self.sealed(value))

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        try:
            return self.unsealed(value)
        except encryption.KeyMissing as problem:
            logger.error("%s: %s", self, problem)
            return {n: value[n] for n in self.plain if n in value} if self.plain else None

    def sealed(self, value: Any) -> Any:
        """Return what is stored of a value."""
        if not self.plain:
            return encryption.seal(value)
        kept = {name: value[name] for name in self.plain if name in value}
        return kept | encryption.seal({n: it for n, it in value.items() if n not in kept})

    def unsealed(self, stored: Any) -> Any:
        """Return the value that is stored. Raises KeyMissing."""
        if not encryption.is_sealed(stored):
            return stored
        inside = encryption.unseal(stored)
        return inside | {n: stored[n] for n in self.plain if n in stored} if self.plain else inside

    def reencrypted(self, stored: Any) -> Any:
        return self.sealed(self.unsealed(stored))


class PartlyEncryptedJSONField(EncryptedJSONField):
    """JSON that whoever writes it encrypts where it may hold a secret."""

    is_whole = False

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return value if value is None else Json(value)
