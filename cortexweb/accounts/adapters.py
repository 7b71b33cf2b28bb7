"""How this site wants allauth to work: nobody signs up, every sign-in is audited, groups follow."""

import time
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.conf import settings
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from cortexweb.accounts import groups, requirement, sessions
from cortexweb.accounts.audit import record, record_refused
from executions.commands.actor import address_of
from executions.encryption import decrypt, encrypt

#: What the ways to show who one is are called, by allauth's names.
WAYS = {
    "password": "password",
    "totp": "code of an app",
    "recovery_codes": "recovery code",
    "webauthn": "passkey",
}
_NO_ACCOUNT = "You have no account here. Ask an administrator for one."


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """What happens around a sign-in, whichever way it takes."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return address_of(request) or sessions.UNKNOWN_ADDRESS

    def add_message(self, request: HttpRequest, level: int, *args: Any, **more: Any) -> None:
        # Whoever has signed in sees that.
        if "account/messages/logged_in.txt" not in args:
            super().add_message(request, level, *args, **more)

    def login(self, request: HttpRequest, user: Any) -> None:
        # Whichever backend has checked the password: this one loads users in fewest queries.
        user.backend = "cortexweb.accounts.backend.AccountBackend"
        super().login(request, user)

    def post_login(self, request: HttpRequest, user: Any, **more: Any) -> HttpResponse:
        ways, source = sign_in_methods(request, user)
        response: HttpResponse = super().post_login(request, user, **more)
        sessions.begin(request)
        social = (more.get("signal_kwargs") or {}).get("sociallogin")
        if social is not None:
            follow_claims(request, user, social)
        record(request, "sign-in", user, door=source, detail=" and ".join(ways))
        requirement.note_sign_in(request, ways)
        return response

    def is_reauthentication_required(self, *, app: str, **_: Any) -> bool:
        """Return whether somebody has to show again who they are: not shortly after signing in."""
        records = get_authentication_records(self.request, self.request.user)
        newest = max((one["at"] for one in records), default=0.0)
        return time.time() - newest > settings.ACCOUNT_REAUTHENTICATION_TIMEOUT

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        # Those whom something else signs in have nothing here to show.
        again = {"id": "sign-in", "url": reverse("sign-in-again"), "description": "Sign in again"}
        return methods or [again]

    def pre_login(self, request: HttpRequest, user: Any, **more: Any) -> HttpResponse | None:
        if not user.is_active:
            ways = " and ".join(sign_in_methods(request, user)[0])
            record(request, "sign-in", user, done=False, detail=f"{ways}: not active")
        response: HttpResponse | None = super().pre_login(request, user, **more)
        return response

    def respond_user_inactive(self, request: HttpRequest, user: Any) -> HttpResponse:
        return problem(request, "Your account is not active. Ask an administrator.")


def sign_in_methods(request: HttpRequest, user: Any) -> tuple[list[str], str]:
    """Return by which ways a user has shown who they are, in order, and at which door."""
    ways, source = [], "page"
    for one in get_authentication_records(request, user):
        source = one.get("door", source)
        if one["method"] == "socialaccount":
            ways.append(settings.OIDC_NAME)
        else:
            ways.append(one.get("directory") or WAYS[one.get("type", one["method"])])
    return list(dict.fromkeys(ways)), source


def problem(request: HttpRequest, text: str, status: int = 403) -> HttpResponse:
    """Say on a page of its own why somebody is not let in."""
    return render(request, "account/problem.html", {"problem": text}, status=status)


def not_signed_in(request: HttpRequest, why: object) -> HttpResponse:
    """Say that the identity provider has signed nobody in; the audit trail says why."""
    record_refused(request, "", f"{settings.OIDC_NAME}: {why}"[:500])
    text = (
        f"{settings.OIDC_NAME} did not sign you in. Try again; if it happens again, tell an "
        "administrator when."
    )
    return problem(request, text, status=401)


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Who may sign in through the identity provider, and as whom."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return bool(settings.OIDC_CREATE_USERS)

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: Any) -> Any:
        claims = claims_of(sociallogin)
        name = claims.get(settings.OIDC_USERNAME_CLAIM) or data.get("email") or claims.get("sub")
        longest = get_user_model()._meta.get_field("username").max_length
        return super().populate_user(request, sociallogin, data | {"username": str(name)[:longest]})

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Let in who has signed in so before, or is linked, or gets a new account. An account that
        has the same name is not theirs for that."""
        if sociallogin.is_existing:
            return
        same_email = _owner_of_email(sociallogin)
        if same_email is not None and settings.OIDC_LINK_BY_EMAIL:
            sociallogin.connect(request, same_email)
            record(request, "link-account", same_email, detail=settings.OIDC_NAME)
            return
        name = sociallogin.user.get_username()
        if get_user_model().objects.filter(username__iexact=name).exists():
            self._refuse(
                request,
                name,
                f"There is an account {name} already, which is not linked to "
                f"{settings.OIDC_NAME}. Ask an administrator to link it.",
            )
        if not settings.OIDC_CREATE_USERS:
            self._refuse(request, name, _NO_ACCOUNT)

    def on_authentication_error(self, request: HttpRequest, *args: Any, **more: Any) -> None:
        why = more.get("exception") or more.get("error") or "error"
        raise ImmediateHttpResponse(not_signed_in(request, why))

    def _refuse(self, request: HttpRequest, name: str, text: str) -> None:
        record_refused(request, name, f"{settings.OIDC_NAME}: no account")
        raise ImmediateHttpResponse(problem(request, text))


def _owner_of_email(sociallogin: SocialLogin) -> Any:
    """Return the one user with the address of which the provider says that it is verified."""
    for address in sociallogin.email_addresses:
        if address.verified:
            same = get_user_model().objects.filter(email__iexact=address.email)
            # Databases take other letters for the same than mail servers do.
            found = [one for one in same if one.email.lower() == address.email.lower()]
            if len(found) == 1:
                return found[0]
    return None


def claims_of(sociallogin: SocialLogin) -> dict[str, Any]:
    """Return what the provider says of a person: in the ID token, and beyond that on request."""
    data = sociallogin.account.extra_data
    return {**(data.get("id_token") or {}), **(data.get("userinfo") or {})}


def follow_claims(request: HttpRequest, user: Any, sociallogin: SocialLogin) -> None:
    """Take over the name, the address and the groups that the provider gives."""
    claims = claims_of(sociallogin)
    names = {"email": "email", "first_name": "given_name", "last_name": "family_name"}
    given = {field: claims[claim] for field, claim in names.items() if claims.get(claim)}
    changed = [field for field, value in given.items() if getattr(user, field) != value]
    for field in changed:
        longest = user._meta.get_field(field).max_length
        setattr(user, field, str(given[field])[:longest])
    if changed:
        user.save(update_fields=changed)
    claim = claims.get(settings.OIDC_GROUPS_CLAIM)
    groups.follow(request, user, groups.names_in(claim), settings.OIDC_GROUPS)


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Second factors count as long as they are switched on."""

    def is_mfa_enabled(self, user: Any, types: Any = None) -> bool:
        return settings.SECOND_FACTOR != "off" and bool(super().is_mfa_enabled(user, types))

    def encrypt(self, text: str) -> str:
        return encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return decrypt(encrypted_text)

    def get_totp_label(self, user: Any) -> str:
        return str(user.get_username())

    def generate_authenticator_name(self, user: Any, type: Any) -> str:
        return "Passkey"

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {**super().get_public_key_credential_rp_entity(), "name": "CortexWeb"}
