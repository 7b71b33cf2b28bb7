"""Links by mail for people who have forgotten their password."""

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.forms import PasswordResetForm
from django.core.cache import caches

#: Seconds between two mails to one address.
PAUSE = 60


def is_possible() -> bool:
    """Return whether this site sends mail."""
    return bool(settings.EMAIL_URL)


def send(email: str) -> None:
    """Mail a link to everybody with this address who is active and has a password here."""
    if not caches["default"].add(f"password-reset:{email.casefold()}", 1, PAUSE):
        return
    form = PasswordResetForm({"email": email})
    if form.is_valid():
        site = urlsplit(settings.SITE_URL)
        form.save(
            domain_override=site.netloc,
            use_https=site.scheme == "https",
            subject_template_name="account/password_reset_subject.txt",
            email_template_name="account/password_reset_mail.txt",
            extra_email_context={"minutes": str(settings.PASSWORD_RESET_TIMEOUT // 60)},
        )
