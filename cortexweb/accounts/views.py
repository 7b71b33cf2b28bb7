"""The pages to sign in, of the product and of the admin, and to change or reset one's password."""

from typing import Any

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.views import LoginView, PasswordChangeView, PasswordResetConfirmView
from django.core.exceptions import ValidationError
from django.forms import BooleanField, EmailField, Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse, reverse_lazy

from cortexweb.accounts import password_reset, sessions
from cortexweb.accounts.attempts import counted_attempt, with_refusal_status
from cortexweb.accounts.audit import record
from cortexweb.accounts.login_attempts import PasswordAttempt
from cortexweb.tasks import send_password_reset

_DIRECTORY_IS_AWAY = (
    "The directory does not answer. Try again in a moment, or tell an administrator."
)


class SignInForm(AuthenticationForm):
    """A sign-in form that counts each attempt before checking the password, and audits it."""

    door = "page"
    request: HttpRequest
    remember = BooleanField(required=False)

    def clean(self) -> dict[str, Any]:
        name = self.cleaned_data.get("username")
        if not name or not self.cleaned_data.get("password"):
            return super().clean()
        attempt = PasswordAttempt.of(name, self.request, "sign-in", self.door)
        with counted_attempt(attempt, self.request):
            try:
                return super().clean()
            except ValidationError:
                if "cortexweb.directory_is_away" in self.request.META:
                    raise ValidationError(_DIRECTORY_IS_AWAY) from None
                raise


class AdminSignInForm(SignInForm, AdminAuthenticationForm):
    """A sign-in form for staff only."""

    door = "admin"


class SignIn(LoginView):
    """Checks a password, and asks for the second factor of those who have one."""

    authentication_form: type[AuthenticationForm] = SignInForm

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        return super().get_context_data(
            provider=settings.OIDC_NAME if settings.OIDC_ISSUER else "",
            passkeys=settings.SECOND_FACTOR != "off",
            can_reset=password_reset.is_possible(),
            remember=self.request.method != "POST" or "remember" in self.request.POST,
            **more,
        )

    def form_valid(self, form: Any) -> HttpResponse:
        user = form.get_user()
        directory = getattr(user, "directory", None)
        if not form.cleaned_data["remember"]:
            self.request.session.set_expiry(0)  # with the browser
        record_authentication(self.request, user, "password", door=form.door, directory=directory)
        url = self.get_success_url()
        response: HttpResponse = perform_login(self.request, Login(user=user, redirect_url=url))
        return response


class AdminSignIn(SignIn):
    """The admin's own page to sign in."""

    authentication_form = AdminSignInForm
    template_name = "admin/login.html"

    def get_default_redirect_url(self) -> str:
        return reverse("admin:index")

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        page = {"title": "Sign in", "subtitle": None, "app_path": self.request.get_full_path()}
        context = super().get_context_data(**admin.site.each_context(self.request), **page, **more)
        return {**context, "username": self.request.user.get_username()}


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
        with counted_attempt(self.attempt, self.request):
            return str(super().clean_old_password())


class ChangePassword(PasswordChangeView):
    """Changes the password of the signed-in user, and ends their other sessions."""

    # Differs from the name of the admin's own template.
    template_name = "registration/change_password.html"
    success_url = reverse_lazy("account")
    form_class = ChangePasswordForm
    extra_context = {"section": "account"}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user: Any = request.user
        if not user.has_usable_password():
            raise Http404("The password is kept elsewhere.")
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}

    def form_valid(self, form: Any) -> HttpResponse:
        form.attempt.succeeded(form.user)
        messages.success(
            self.request, "Your password was changed. Sign in again in your other browsers."
        )
        response = super().form_valid(form)
        # The new password has ended all sessions; this browser has got another one.
        sessions.begin(self.request)
        return response


class EmailForm(Form):
    """Asks where a link to reset a password goes."""

    email = EmailField(max_length=254)


@login_not_required
def forgot_password(request: HttpRequest) -> HttpResponse:
    """Take an address, and say the same whether anybody has it: a worker looks and mails."""
    if not password_reset.is_possible():
        raise Http404("This site sends no mail.")
    form = EmailForm(request.POST or None)
    context: dict[str, Any] = {"form": form}
    status = 200
    if form.is_valid():
        email = form.cleaned_data["email"]
        attempt = PasswordAttempt.of(email, request, "reset-password", "page", kind="mail")
        if seconds := attempt.begin():
            form.add_error(None, f"Too many mails. Try again in {max(1, round(seconds / 60))} min.")
            status = 429
        else:
            send_password_reset.delay(email)
            context |= {"sent_to": email, "minutes": settings.PASSWORD_RESET_TIMEOUT // 60}
    return render(request, "account/forgot_password.html", context, status=status)


class ResetPassword(PasswordResetConfirmView):
    """Sets a new password for whoever has the link of the mail. It ends all of their sessions, and
    does not sign in: that asks for the second factor, too."""

    template_name = "account/reset_password.html"
    success_url = reverse_lazy("login")
    post_reset_login = False

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        record(self.request, "reset-password", form.user)
        messages.success(self.request, "Your password was changed. Sign in with it.")
        return response


sign_in = with_refusal_status(SignIn.as_view(redirect_authenticated_user=True))
change_password = with_refusal_status(ChangePassword.as_view())
reset_password = ResetPassword.as_view()

admin.site.login_form = AdminSignInForm
admin_sign_in = with_refusal_status(AdminSignIn.as_view())
