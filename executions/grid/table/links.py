"""Addresses of the pages that cells lead to."""

import json
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from executions.grid.query.comparisons import Comparison
from executions.grid.query.errors import InvalidValue
from executions.grid.query.fields import field_of
from executions.grid.query.kinds.kind import VALUE_LIMIT
from executions.grid.query.kinds.variable import PREFIX
from executions.grid.query.lexer import in_quotes

_ANY_ID = "00000000-0000-0000-0000-000000000000"


def execution_address(execution_id: str) -> str:
    """The page of an execution."""
    return _execution_pattern().replace(_ANY_ID, execution_id)


@cache
def _execution_pattern() -> str:
    # Resolving an address costs as much as the rest of the row.
    return reverse("execution", args=[_ANY_ID])


def question_address(question_id: str) -> str:
    """The page of a question."""
    return _question_pattern().replace(_ANY_ID, question_id)


@cache
def _question_pattern() -> str:
    return reverse("question", args=[_ANY_ID])


@lru_cache(maxsize=1024)
def flow_address(name: str) -> str:
    """The page of a flow."""
    return reverse("flow", args=[name])


@lru_cache(maxsize=1024)
def filter_address(field: str, value: str) -> str:
    """The grid of the executions whose field has a value."""
    if len(value) > VALUE_LIMIT:
        value = value[: VALUE_LIMIT - 1] + "*"
    return f"{reverse('executions')}?{urlencode({field: value})}"


def value_address(path: str, value: Any) -> str:
    """The grid of the executions whose variable at a path has the same value; "" for a value that
    no filter finds: a list, a structure, a secret, a text that is too long."""
    match value:
        case str():
            literal = in_quotes(value)
        case None | bool() | int() | float():
            literal = json.dumps(value)
        case datetime():
            literal = value.isoformat()
        case _:
            return ""
    field = field_of(PREFIX + path)
    if field is None:
        return ""
    try:
        spelled = field.parse(literal, UTC)
        holds = Comparison.parse(spelled).holds(value)
    except InvalidValue:
        return ""
    query = urlencode({"view": "all", field.key: spelled})
    return f"{reverse('executions')}?{query}" if holds else ""


def on_worker_address(field: str, value: str) -> str:
    """The grid of the executions that hold a worker and whose field has a value."""
    return f"{filter_address(field, value)}&{urlencode({'worker': '*'})}"
