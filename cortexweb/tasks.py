"""What the scheduler does for the site as a whole."""

from celery import shared_task
from django.core.management import call_command


@shared_task
def clear_sessions() -> None:
    """Delete the sessions that have expired: Django leaves them where they are."""
    call_command("clearsessions")
