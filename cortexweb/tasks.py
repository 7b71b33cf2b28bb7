"""Scheduled tasks for the site as a whole."""

from celery import shared_task
from django.core.management import call_command


@shared_task
def clear_sessions() -> None:
    """Delete expired sessions, which Django does not delete by itself."""
    call_command("clearsessions")
