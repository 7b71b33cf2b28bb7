"""Addresses of the pages that cells lead to."""

from functools import cache, lru_cache
from urllib.parse import urlencode

from django.urls import reverse

from executions.grid.query.kinds.kind import VALUE_LIMIT

_ANY_ID = "00000000-0000-0000-0000-000000000000"


def execution_address(execution_id: str) -> str:
    """The page of an execution."""
    return _execution_pattern().replace(_ANY_ID, execution_id)


@cache
def _execution_pattern() -> str:
    # Resolving an address costs as much as the rest of the row.
    return reverse("execution", args=[_ANY_ID])


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


def on_worker_address(field: str, value: str) -> str:
    """The grid of the executions that hold a worker and whose field has a value."""
    return f"{filter_address(field, value)}&{urlencode({'worker': '*'})}"
