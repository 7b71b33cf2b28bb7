"""An execution with what it was given and what it returned."""

from typing import Any
from uuid import UUID

from django.http import Http404

from executions import access
from executions.api.values import Form, in_form
from executions.events import COLUMNS
from executions.models import Execution

_FURTHER = ("origin_id", "inputs", "outputs")


def detail_of(execution_id: UUID, form: Form) -> dict[str, Any]:
    """Return what `ExecutionDetail` says, with values in a form. Raises Http404 when it is gone;
    the caller has checked that it may be seen."""
    row = Execution.objects.filter(pk=execution_id).values(*COLUMNS, *_FURTHER).first()
    if row is None:
        raise Http404(access.NOT_FOUND)
    exception = {"type": row["error_type"], "message": row["error_message"]}
    return {
        **{name: str(value) if isinstance(value, UUID) else value for name, value in row.items()},
        "inputs": _values(row["inputs"], form),
        "outputs": None if row["outputs"] is None else _values(row["outputs"], form),
        "exception": exception if row["error_type"] else None,
    }


def _values(stored: dict[str, Any], form: Form) -> dict[str, Any]:
    return {name: in_form(value, form) for name, value in stored.items()}
