"""Links by mail for people who have forgotten their password."""

import hashlib
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
    form = PasswordResetForm({"email": email})
    digest = hashlib.sha256(email.casefold().encode()).hexdigest()
    if not form.is_valid() or not caches["default"].add(f"password-reset:{digest}", 1, PAUSE):
        return
    site = urlsplit(settings.SITE_URL)
    form.save(
        domain_override=site.netloc,
        use_https=site.scheme == "https",
        subject_template_name="account/password_reset_subject.txt",
        email_template_name="account/password_reset_mail.txt",
        extra_email_context={"minutes": str(settings.PASSWORD_RESET_TIMEOUT // 60)},
    )
