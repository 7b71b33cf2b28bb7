"""The current values of the variables of one execution."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

#: Stored bytes of a value that is shown with the others; a larger one is loaded when asked for.
INLINE_VALUE = 20_000
_VALUES = """
    SELECT level, name, CASE WHEN size <= %(inline)s THEN value::text END, size,
        CASE json_typeof(value)
            WHEN 'array' THEN 'List with ' || json_array_length(value) || ' items'
            WHEN 'object' THEN 'Structure'
            ELSE 'Text'
        END
    FROM (
        SELECT level, name, value, coalesce(pg_column_size(value), 0) AS size
        FROM executions_value
        WHERE execution_id = %(id)s AND left(name, 6) <> 'items:'
    ) AS sized
    ORDER BY level, name
"""


@dataclass(frozen=True, slots=True)
class StoredValue:
    """The value of a variable in its stored form; of a large one only the size and a summary."""

    level: int
    name: str
    form: Any
    size: int
    large: bool
    summary: str


def stored_values(execution_id: UUID) -> list[StoredValue]:
    """Return the values of all variables of an execution."""
    with connection.cursor() as cursor:
        cursor.execute(_VALUES, {"id": execution_id, "inline": INLINE_VALUE})
        return [
            StoredValue(
                level,
                name,
                None if text is None else json.loads(text),
                size,
                size > INLINE_VALUE,
                summary,
            )
            for level, name, text, size, summary in cursor.fetchall()
        ]
