"""The forms of second factors, whose attempts are counted as those of passwords are."""

from typing import Any

from allauth.account.forms import ReauthenticateForm as PasswordForm
from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import AddWebAuthnForm, LoginWebAuthnForm
from django import forms
from django.core.exceptions import ValidationError

from cortexweb.accounts.attempts import counted_attempt
from cortexweb.accounts.login_attempts import PasswordAttempt


class CodeForm(AuthenticateForm):  # type: ignore[misc]
    """Takes a code of an app, or a recovery code, at the end of a sign-in."""

    command = "sign-in"

    def clean_code(self) -> str:
        name = self.user.get_username()
        request = context.request
        attempt = PasswordAttempt.of(name, request, self.command, "page", kind="code")
        with counted_attempt(attempt, request, "wrong code"):
            return str(super().clean_code())


class ConfirmCodeForm(CodeForm, ReauthenticateForm):  # type: ignore[misc]
    """Takes a code of somebody who is signed in, before they change how they sign in."""

    command = "confirm"


class ConfirmPasswordForm(PasswordForm):  # type: ignore[misc]
    """Takes the password of somebody who is signed in, before they change how they sign in."""

    def clean_password(self) -> str:
        name = self.user.get_username()
        attempt = PasswordAttempt.of(name, context.request, "confirm", "page")
        with counted_attempt(attempt, context.request, "wrong password"):
            return str(super().clean_password())


class AddPasskeyForm(AddWebAuthnForm):  # type: ignore[misc]
    """Adds a passkey. It can sign in by itself, so it has to verify its user."""

    passwordless = None
    name = forms.CharField(label="Name", required=False, max_length=60)

    def clean(self) -> dict[str, Any]:
        self.cleaned_data["passwordless"] = True
        cleaned: dict[str, Any] = super().clean()
        return cleaned


class PasskeySignInForm(LoginWebAuthnForm):  # type: ignore[misc]
    """Signs in with a passkey alone. Nobody can guess one, so that only addresses are limited."""

    def clean_credential(self) -> Authenticator:
        attempt = PasswordAttempt.of("", context.request, "sign-in", "page", kind="passkey")
        with counted_attempt(attempt, context.request, "wrong passkey"):
            found = super().clean_credential()
            if not found.user.is_active:
                raise ValidationError("Your account is not active. Ask an administrator.")
            return found
