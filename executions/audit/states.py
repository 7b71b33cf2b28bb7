"""What the audit trail says of a row of the database: what it is, and the values of its fields."""

from typing import Any

from django.db import models

from executions.audit.differences import Masked

State = dict[str, Any]


def kind_of(model: models.Model | type[models.Model]) -> str:
    """Return the kind of an object in words, as in "alert rule"."""
    return str(model._meta.verbose_name)


def state_of(row: models.Model) -> State:
    """Return the fields of a row, related rows by their names.

    A model says in `MASKED_IN_AUDIT` which fields are secret though their names do not say so. The
    values of a secret variable are masked.
    """
    masked = set(getattr(row, "MASKED_IN_AUDIT", ()))
    if getattr(row, "is_secret", False):
        masked |= {"default", "default_value", "value"}
    state: State = {}
    for field in row._meta.concrete_fields:
        value = getattr(row, field.attname)
        if field.name in masked:
            value = Masked(value) if value else value
        elif field.is_relation and value is not None:
            related = getattr(row, field.name)
            value = str(related) if related is not None else value
        elif isinstance(field, models.FileField | models.BinaryField):
            value = str(value)
        state[field.name] = value
    for many in row._meta.many_to_many:
        if row.pk is not None:
            state[many.name] = sorted(str(one) for one in getattr(row, many.name).all())
    return state
