"""What people do about how they sign in: second factors, passkeys, sessions."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.views import ReauthenticateView
from allauth.mfa.base import views as factors
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as apps
from allauth.mfa.webauthn import views as passkeys
from allauth.mfa.webauthn.internal import auth as webauthn
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from cortexweb.accounts import sessions
from cortexweb.accounts.attempts import with_refusal_status
from cortexweb.accounts.audit import record

View = Callable[..., HttpResponseBase]
_PAGE = {"section": "account"}


def while_second_factors_are_on(view: View) -> View:
    """Wrap a view so that it is not found while the site has no second factors."""

    @wraps(view)
    def only_then(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if settings.SECOND_FACTOR == "off":
            raise Http404("Second factors are switched off.")
        return view(request, *args, **kwargs)

    return only_then


class AddPasskey(passkeys.AddWebAuthnView):  # type: ignore[misc]
    """Adds a passkey that can sign in by itself."""

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**more)
        context["options"] = webauthn.begin_registration(self.request.user, True)
        return context


class SecondFactor(factors.AuthenticateView):  # type: ignore[misc]
    """Asks for the second factor at the end of a sign-in."""

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**more)
        own = Authenticator.objects.filter(user_id=self.stage.login.user.pk)
        context["has_passkey"] = own.filter(type=Authenticator.Type.WEBAUTHN).exists()
        return context


def _view(view: type, template: str) -> View:
    found = view.as_view(template_name=f"account/{template}.html", extra_context=_PAGE)  # type: ignore[attr-defined]
    return while_second_factors_are_on(with_refusal_status(found))


second_factor = _view(SecondFactor, "second_factor")
confirm_password = with_refusal_status(
    ReauthenticateView.as_view(template_name="account/confirm_password.html", extra_context=_PAGE)
)
confirm_code = _view(factors.ReauthenticateView, "confirm_code")
confirm_passkey = _view(passkeys.ReauthenticateWebAuthnView, "confirm_passkey")
add_app = _view(apps.ActivateTOTPView, "add_app")
remove_app = _view(apps.DeactivateTOTPView, "remove_app")
show_recovery_codes = _view(recovery_codes.ViewRecoveryCodesView, "recovery_codes")
new_recovery_codes = _view(recovery_codes.GenerateRecoveryCodesView, "new_recovery_codes")
passkey_sign_in = while_second_factors_are_on(
    with_refusal_status(passkeys.LoginWebAuthnView.as_view())
)
add_passkey = _view(AddPasskey, "add_passkey")
rename_passkey = _view(passkeys.EditWebAuthnView, "rename_passkey")
remove_passkey = _view(passkeys.RemoveWebAuthnView, "remove_passkey")


@require_POST
def end_session(request: HttpRequest, session_id: int) -> HttpResponse:
    """Sign out elsewhere."""
    ended = sessions.end(request.user.pk, session_id)
    if ended is None:
        messages.info(request, "That session had ended before.")
    else:
        where = f"{ended.browser}, {ended.address}" if ended.address else ended.browser
        record(request, "end-session", request.user, detail=where)
        messages.success(request, f"Signed out: {where}.")
    return _back_to_sessions(request)


@require_POST
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """Sign out everywhere else."""
    count = sessions.end_others(request.user.pk, request.session.session_key)
    record(request, "end-session", request.user, detail=f"all others: {count}")
    messages.success(request, f"Signed out elsewhere: {count}.")
    return _back_to_sessions(request)


def _back_to_sessions(request: HttpRequest) -> HttpResponse:
    address = reverse("account")
    if getattr(request, "htmx", False):
        return HttpResponseClientRedirect(address)
    return redirect(f"{address}#sessions")


@while_second_factors_are_on
def set_up(request: HttpRequest) -> HttpResponse:
    """Offer second factors to somebody who must have one."""
    return render(request, "account/set_up.html")


def sign_in_again(request: HttpRequest) -> HttpResponse:
    """Ask those whom something else signs in to sign in once more."""
    return render(request, "account/sign_in_again.html")


def security(request: HttpRequest) -> HttpResponse:
    """Lead to the part of the account page where second factors are."""
    return redirect(f"{reverse('account')}#security")
