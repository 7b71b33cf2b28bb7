"""Checks of the settings, for `manage.py check --deploy`."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register


@register(Tags.security, deploy=True)
def encryption_has_a_key(**_: Any) -> list[CheckMessage]:
    """Warn where secrets would be lost with SECRET_KEY."""
    if settings.ENCRYPTION_KEYS:
        return []
    return [
        Warning(
            "ENCRYPTION_KEYS is not set, so secrets in the database are encrypted with a key that "
            "follows from SECRET_KEY, and are lost with it.",
            hint="Make one with `python manage.py rotate_encryption --new-key`.",
            id="cortexweb.W001",
        )
    ]
