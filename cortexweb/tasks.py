"""Scheduled tasks for the site as a whole."""

from celery import shared_task
from django.core.management import call_command

from cortexweb.accounts import password_reset, sessions


@shared_task
def clear_sessions() -> None:
    """Delete expired sessions, which Django does not delete by itself."""
    call_command("clearsessions")
    sessions.forget_expired()


@shared_task
def send_password_reset(email: str) -> None:
    """Mail a link to everybody with this address who has a password here."""
    password_reset.send(email)
