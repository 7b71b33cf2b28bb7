"""The pages to sign in, of the product and of the admin, and to change one's password."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse_lazy

from cortexweb.accounts.login_attempts import PasswordAttempt, password_slot

#: Seconds until people should try again who signed in at the same time as too many others.
LATER = 5


@contextmanager
def _counted_attempt(attempt: PasswordAttempt, request: HttpRequest) -> Iterator[None]:
    """Raises ValidationError where it is not looked at, and where it is wrong."""
    if seconds := attempt.begin():
        minutes = max(1, round(seconds / 60))
        raise _refused(
            request,
            429,
            seconds,
            f"Too many attempts. Try again in {minutes} minute{'s'[: minutes > 1]}.",
        )
    with password_slot() as taken:
        if not taken:
            raise _refused(
                request, 503, LATER, "Many people are signing in. Try again in a moment."
            )
        try:
            yield
        except ValidationError:
            attempt.failed("wrong name or password")
            raise
    attempt.forget()


def _refused(request: HttpRequest, status: int, seconds: int, text: str) -> ValidationError:
    request.META["cortexweb.refused"] = (status, seconds)
    return ValidationError(text, code="refused")


def with_refusal_status(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Wrap a view so that its response has status 429 or 503 when a password was not checked."""

    @wraps(view)
    def telling(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        if "cortexweb.refused" in request.META:
            response.status_code, seconds = request.META["cortexweb.refused"]
            response["Retry-After"] = str(seconds)
        return response

    return telling


class SignInForm(AuthenticationForm):
    """A sign-in form that counts each attempt before checking the password, and audits it."""

    source = "page"
    request: HttpRequest

    def clean(self) -> dict[str, Any]:
        name = self.cleaned_data.get("username")
        if not name or not self.cleaned_data.get("password"):
            return super().clean()
        attempt = PasswordAttempt.of(name, self.request, "sign-in", self.source)
        with _counted_attempt(attempt, self.request):
            cleaned = super().clean()
        attempt.succeeded(self.get_user())
        return cleaned


class AdminSignInForm(SignInForm, AdminAuthenticationForm):
    """A sign-in form for staff only."""

    source = "admin"


class ChangePasswordForm(PasswordChangeForm):
    """Counts wrong passwords, so that nobody guesses them faster here than by signing in."""

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = "inp"
        self.request = request
        self.attempt = PasswordAttempt.of(
            self.user.get_username(), request, "change-password", "page"
        )

    def clean_old_password(self) -> str:
        with _counted_attempt(self.attempt, self.request):
            return str(super().clean_old_password())


class ChangePassword(PasswordChangeView):
    """Changes the password of the signed-in user, and ends their other sessions."""

    # Differs from the name of the admin's own template.
    template_name = "registration/change_password.html"
    success_url = reverse_lazy("account")
    form_class = ChangePasswordForm
    extra_context = {"section": "account"}

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}

    def form_valid(self, form: Any) -> HttpResponse:
        form.attempt.succeeded(form.user)
        messages.success(
            self.request, "Your password was changed. Sign in again in your other browsers."
        )
        return super().form_valid(form)


sign_in = with_refusal_status(
    LoginView.as_view(authentication_form=SignInForm, redirect_authenticated_user=True)
)
change_password = with_refusal_status(ChangePassword.as_view())

admin.site.login_form = AdminSignInForm
admin_sign_in = with_refusal_status(admin.site.login)
