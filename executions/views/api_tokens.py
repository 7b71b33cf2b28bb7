"""The pages of API tokens, and of accounts for programs."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Count, Max, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from executions import api_tokens, machine_accounts
from executions.api_tokens import FURTHER, TooManyTokens, Wanted
from executions.commands.actor import Actor
from executions.models import ApiToken
from executions.views.account import account_page
from executions.views.preferences import back
from flows import access as flows_access
from flows import administrators
from flows.models import Flow, Folder
from flows.queries import folder_paths
from flows.roles import Role

#: Days for which a token may be made; the first one is offered.
DAYS = ((90, "90 days"), (7, "7 days"), (30, "30 days"), (365, "1 year"), (0, "No end"))
#: A token that ends within so many days stands out.
SOON = timedelta(days=30)
#: Tokens that the page of all tokens shows.
LISTED = 500
#: Flows and folders that the form offers; others are typed.
OFFERED = 500
_NOT_BY_PROGRAM = "A token is made in a browser: no token makes another one."


class TokenForm(forms.Form):
    """What a new token is to be. Flows and folders are those that the asker sees."""

    name = forms.CharField(max_length=80)
    role = forms.ChoiceField(
        choices=[("", "No role"), *((role.name.lower(), role.label) for role in Role)],
        required=False,
        initial="see",
        help_text="Each role includes those before it. It may never do more than its user.",
    )
    further = forms.MultipleChoiceField(
        choices=list(FURTHER.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="And",
    )
    flows = forms.CharField(
        required=False,
        max_length=2_000,
        label="Only flows",
        help_text="Names with commas between them. Empty, with no folder either: all.",
    )
    folders = forms.CharField(
        required=False,
        max_length=2_000,
        label="Only folders",
        help_text="Such as finance/invoices.",
    )
    days = forms.TypedChoiceField(choices=DAYS, coerce=int, initial=90, label="Ends after")

    def __init__(self, *args: Any, asker: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = "token-%s"
        self.asker = asker
        for name in ("name", "role", "flows", "folders", "days"):
            self.fields[name].widget.attrs["class"] = "input"
        for name in ("flows", "folders"):
            self.fields[name].widget.attrs["list"] = f"token-{name}-list"
        self.fields["name"].widget.attrs["autocomplete"] = "off"

    def clean_flows(self) -> list[Flow]:
        names = _names(self.cleaned_data["flows"])
        found = {
            flow.name: flow for flow in flows_access.visible(self.asker).filter(name__in=names)
        }
        return _all_of(names, found, "flow")

    def clean_folders(self) -> list[Folder]:
        names = _names(self.cleaned_data["folders"])
        if not names:
            return []
        ways = {way[-1]: pk for pk, way in flows_access.folders(self.asker).items()}
        found = Folder.objects.in_bulk([ways[name] for name in names if name in ways])
        return _all_of(names, {name: found.get(ways.get(name, 0)) for name in names}, "folder")

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if not given.get("role") and not given.get("further"):
            self.add_error("role", "Choose a role, or something else that it may do.")
        return given

    def wanted(self) -> Wanted:
        """Return what the form asks for."""
        given = self.cleaned_data
        days = given["days"]
        return Wanted(
            name=given["name"],
            scopes=_with_lower(given["role"]) + given["further"],
            expires_at=timezone.now() + timedelta(days=days) if days else None,
            flows=given["flows"],
            folders=given["folders"],
        )


def _with_lower(role: str) -> list[str]:
    """Return a role with those that it includes."""
    names = [one.name.lower() for one in Role]
    return names[: names.index(role) + 1] if role else []


def _names(text: str) -> list[str]:
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _all_of(names: list[str], found: dict[str, Any], kind: str) -> list[Any]:
    missing = [name for name in names if found.get(name) is None]
    if missing:
        raise forms.ValidationError(
            f"There is no {kind} {', '.join(missing)}, or you may not see it."
        )
    return [found[name] for name in names]


@require_POST
@never_cache
def new_token(request: HttpRequest) -> HttpResponse:
    """Make a token for the user, or for the account of a program, and show it once."""
    owner = _owner(request)
    if getattr(request.user, "api_token", None) is not None:
        raise PermissionDenied(_NOT_BY_PROGRAM)
    form = TokenForm(request.POST, asker=request.user)
    shown: dict[str, Any] = {"form": form}
    if form.is_valid():
        try:
            with transaction.atomic():
                token, raw = api_tokens.issue(Actor.of_request(request), owner, form.wanted())
        except IntegrityError:
            form.add_error("name", "There is a token of this name already.")
        except TooManyTokens as error:
            form.add_error(None, str(error))
        else:
            shown = {"made": token, "raw": raw}
    status = 422 if form.errors else 201
    if owner == request.user:
        return account_page(request, status, token_section=shown)
    return _machine_page(request, owner, shown, status)


def _owner(request: HttpRequest) -> Any:
    """Return whose token a form makes."""
    named = request.POST.get("account", "")
    if not named:
        return request.user
    if not machine_accounts.may_manage(request.user):
        raise PermissionDenied(f"You may not manage the tokens of others. {administrators.ask()}")
    return _machine_or_404(int(named) if named.isdecimal() else 0)


@require_POST
def revoke_token(request: HttpRequest, token_id: int) -> HttpResponse:
    """Revoke a token of one's own, or as an administrator of anybody."""
    token = _token_or_404(request, token_id)
    if api_tokens.revoke(Actor.of_request(request), token):
        messages.success(request, f"{token.name} is revoked: nothing answers it any more.")
    else:
        messages.info(request, f"{token.name} had been revoked before.")
    return _back(request, token)


@require_POST
def remove_token(request: HttpRequest, token_id: int) -> HttpResponse:
    """Delete a token that has ended from the list."""
    token = _token_or_404(request, token_id)
    if not api_tokens.remove(Actor.of_request(request), token):
        messages.error(request, f"{token.name} still works. Revoke it first.")
    return _back(request, token)


def _back(request: HttpRequest, token: ApiToken) -> HttpResponse:
    """Lead back to the list from which a token was revoked. A page that has just made a token has
    the address of its form, which nobody can get."""
    path = urlsplit(request.headers.get("Referer", "")).path
    if path == reverse("tokens"):
        return redirect(back(request, "tokens"))
    if token.user_id == request.user.pk:
        return redirect("account")
    if machine_accounts.is_machine(token.user):
        return redirect("machine-account", token.user_id)
    return redirect("tokens")


def _token_or_404(request: HttpRequest, token_id: int) -> ApiToken:
    tokens = ApiToken.objects.select_related("user")
    if not machine_accounts.may_manage(request.user):
        tokens = tokens.filter(user_id=request.user.pk or 0)
    token = tokens.filter(pk=token_id).first()
    if token is None:
        raise Http404("This token does not exist, or it is not yours.")
    return token


def for_list(tokens: QuerySet[ApiToken]) -> list[ApiToken]:
    """Return tokens with what a list shows of them: the flows, and the paths of the folders."""
    found = list(tokens.prefetch_related("flows", "folders"))
    ways = folder_paths() if any(token.is_limited for token in found) else {}
    for token in found:
        folders = token.folders.all() if token.is_limited else []
        token.folder_paths = [ways[one.pk][-1] for one in folders]  # type: ignore[attr-defined]
    return found


@require_safe
def token_list(request: HttpRequest) -> HttpResponse:
    """List everybody's tokens, the newest first, for administrators."""
    _require_permission(request)
    tokens = ApiToken.objects.select_related("user")
    name = request.GET.get("user", "").replace("\0", "").strip()[:150]
    if name:
        tokens = tokens.filter(user__username=name)
    context = {
        "section": "account",
        "tokens": for_list(tokens[:LISTED]),
        "user_name": name,
        "listed": LISTED,
        "soon": timezone.now() + SOON,
    }
    return render(request, "account/all_tokens.html", context)


class MachineAccountForm(forms.ModelForm):  # type: ignore[type-arg]
    """The name of a program's account, and what it is for."""

    description = forms.CharField(max_length=200, required=False, label="What it is for")

    class Meta:
        model = User
        fields = ("username",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = "input"


@require_http_methods(["GET", "HEAD", "POST"])
def machine_account_list(request: HttpRequest) -> HttpResponse:
    """List the accounts of programs; a POST makes one."""
    _require_permission(request)
    form = MachineAccountForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        actor, given = Actor.of_request(request), form.cleaned_data
        user = machine_accounts.make(actor, given["username"], given["description"])
        messages.success(request, f"{user} is made. Give it rights, and a token.")
        return redirect("machine-account", user.pk)
    live = Q(api_tokens__revoked_at=None)
    accounts = (
        get_user_model()
        ._default_manager.filter(machine_account__isnull=False)
        .select_related("machine_account__created_by")
        .annotate(live=Count("api_tokens", filter=live), used=Max("api_tokens__last_used_at"))
        .order_by("username")
    )
    context = {"section": "account", "accounts": accounts, "form": form}
    status = 422 if form.errors else 200
    return render(request, "account/machine_accounts.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def machine_account(request: HttpRequest, user_id: int) -> HttpResponse:
    """Show the account of a program with its tokens; a POST stops it, or starts it again."""
    _require_permission(request)
    owner = _machine_or_404(user_id)
    if request.method == "POST":
        active = request.POST.get("active") == "yes"
        machine_accounts.set_active(Actor.of_request(request), owner, active=active)
        return redirect("machine-account", owner.pk)
    return _machine_page(request, owner, {}, 200)


def _machine_page(
    request: HttpRequest, owner: User, shown: dict[str, Any], status: int
) -> HttpResponse:
    context = {"section": "account", "owner": owner, "token_section": shown}
    return render(request, "account/machine_account.html", context, status=status)


def _machine_or_404(user_id: int) -> User:
    found = get_user_model()._default_manager.filter(pk=user_id, machine_account__isnull=False)
    user = found.select_related("machine_account__created_by").first()
    if user is None:
        raise Http404("There is no such account of a program.")
    return user


def _require_permission(request: HttpRequest) -> None:
    if not machine_accounts.may_manage(request.user):
        raise PermissionDenied(f"You may not manage the tokens of others. {administrators.ask()}")
