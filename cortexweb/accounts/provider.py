"""The two addresses between this site and its OpenID Connect provider."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.socialaccount.providers.openid_connect import views
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from requests import RequestException

from cortexweb.accounts.adapters import not_signed_in

View = Callable[..., HttpResponseBase]


def _even_if_it_is_away(view: View) -> View:
    """Wrap a view so that it says when the provider does not answer, or with nonsense."""

    @wraps(view)
    def asking(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except (RequestException, KeyError, ValueError) as error:
            return not_signed_in(request, repr(error))

    return asking


#: The person goes to the provider, and comes back from there.
start = _even_if_it_is_away(views.login)
come_back = _even_if_it_is_away(views.callback)
