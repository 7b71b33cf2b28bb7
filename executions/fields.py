"""A JSON column that keeps the order of keys."""

from typing import Any

from django.db import models
from psycopg.types.json import Json


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
