"""Signing in with the password of a directory, by LDAP. Loaded only where LDAP_URL is set.

Whoever signs in so is linked to an account here by their distinguished name, so that an account of
the same name that was there before is not taken over.
"""

import logging
from typing import Any

import ldap
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.http import HttpRequest
from django_auth_ldap.backend import LDAPBackend, ldap_error
from django_auth_ldap.config import (
    GroupOfNamesType,
    LDAPSearch,
    NestedActiveDirectoryGroupType,
    PosixGroupType,
)

from cortexweb.accounts import groups

logger = logging.getLogger(__name__)

#: What the link to the directory is called beside those to identity providers.
PROVIDER = "ldap"
#: Seconds that the directory may take to answer.
_TIMEOUT = 5
_GROUP_TYPES: dict[str, tuple[Any, str]] = {
    "groupOfNames": (GroupOfNamesType, "(objectClass=groupOfNames)"),
    "posixGroup": (PosixGroupType, "(objectClass=posixGroup)"),
    "activeDirectory": (NestedActiveDirectoryGroupType, "(objectClass=group)"),
}


class DirectoryBackend(LDAPBackend):  # type: ignore[misc]
    """Checks passwords in the directory, and takes over names, addresses and groups."""

    def __init__(self) -> None:
        self.default_settings = _options()

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **more: Any,
    ) -> Any:
        user = super().authenticate(request, username, password, **more)
        if user is None:
            return None
        SocialAccount.objects.get_or_create(
            provider=PROVIDER, uid=_key(user.ldap_user), defaults={"user": user}
        )
        user.directory = "LDAP"
        if request is not None and settings.LDAP_GROUPS:
            _follow_groups(request, user)
        return user

    def get_or_build_user(self, username: str, ldap_user: Any) -> tuple[Any, bool]:
        """Return the account that is linked, or a new one."""
        linked = SocialAccount.objects.filter(provider=PROVIDER, uid=_key(ldap_user))
        if (link := linked.select_related("user").first()) is not None:
            return link.user, False
        user, is_new = super().get_or_build_user(username, ldap_user)
        if not is_new:
            raise ldap_user.AuthenticationFailed("there is an account that is not linked")
        if not settings.LDAP_CREATE_USERS:
            raise ldap_user.AuthenticationFailed("there is no account")
        return user, True

    def get_all_permissions(self, user: Any, obj: Any = None) -> set[str]:
        """Groups bring their permissions here, whoever put people into them."""
        return set()


def _follow_groups(request: HttpRequest, user: Any) -> None:
    try:
        names = user.ldap_user.group_names
    except ldap.LDAPError as error:
        logger.warning("The groups of %s could not be read: %r", user, error)
        return
    groups.follow(request, user, names, settings.LDAP_GROUPS)


def _key(ldap_user: Any) -> str:
    """Return the distinguished name, in which letters' case makes no difference."""
    return str(ldap_user.dn).lower()


def _options() -> dict[str, Any]:
    """Return the settings of this site by the names of django-auth-ldap."""
    kind, group_filter = _GROUP_TYPES[settings.LDAP_GROUP_TYPE]
    options: dict[str, Any] = {
        "SERVER_URI": settings.LDAP_URL,
        "BIND_DN": settings.LDAP_BIND_DN,
        "BIND_PASSWORD": settings.LDAP_BIND_PASSWORD,
        "START_TLS": settings.LDAP_START_TLS and settings.LDAP_URL.startswith("ldap:"),
        "CONNECTION_OPTIONS": _connection_options(),
        "USER_SEARCH": LDAPSearch(
            settings.LDAP_USERS_BASE, ldap.SCOPE_SUBTREE, settings.LDAP_USER_FILTER
        ),
        "USER_ATTR_MAP": {"first_name": "givenName", "last_name": "sn", "email": "mail"},
    }
    if settings.LDAP_GROUPS_BASE:
        options["GROUP_TYPE"] = kind()
        options["GROUP_SEARCH"] = LDAPSearch(
            settings.LDAP_GROUPS_BASE, ldap.SCOPE_SUBTREE, group_filter
        )
    return options


def _connection_options() -> dict[int, Any]:
    options: dict[int, Any] = {
        ldap.OPT_NETWORK_TIMEOUT: _TIMEOUT,
        ldap.OPT_TIMEOUT: _TIMEOUT,
        ldap.OPT_REFERRALS: 0,
        ldap.OPT_X_TLS_REQUIRE_CERT: ldap.OPT_X_TLS_DEMAND,
    }
    if settings.LDAP_CA_FILE:
        options[ldap.OPT_X_TLS_CACERTFILE] = settings.LDAP_CA_FILE
    options[ldap.OPT_X_TLS_NEWCTX] = 0  # last: it makes the others count
    return options


def _note_that_it_is_away(request: HttpRequest | None = None, **_: Any) -> None:
    if request is not None:
        request.META["cortexweb.directory_is_away"] = True


ldap_error.connect(_note_that_it_is_away)
