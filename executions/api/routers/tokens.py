"""API tokens: those of the account that asks, and for administrators everybody's."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest
from ninja import Field, Query, Router, Schema
from ninja.responses import Status as Answer

from executions import api_tokens, machine_accounts
from executions.api.paging import NumberedPage, PageNumber, page_of
from executions.api.problems import Problem, invalid
from executions.api.schemas import ProblemDetails
from executions.commands.actor import Actor
from executions.models import ApiToken
from flows import access
from flows.models import Folder

PATH = "/v1/tokens"
ROUTER = Router(tags=["Tokens"])

_NOT_BY_PROGRAM = "No token makes another one: sign in, or send your name and password."


class TokenInput(Schema):
    """What a new token is to be."""

    name: str = Field(min_length=1, max_length=80)
    scopes: list[str] = Field(description="Roles, each with those before it, `mcp`, `metrics`.")
    expires_at: datetime | None = None
    flows: list[str] = Field(default_factory=list, description="Names; empty for no limit.")
    folders: list[str] = Field(default_factory=list, description="Paths; empty for no limit.")


class TokenOutput(Schema):
    """A token; its text is shown when it is made only."""

    id: int
    user: str
    name: str
    start: str = Field(description="Its first characters.")
    scopes: list[str]
    is_limited: bool = Field(description="Whether it is for some flows only.")
    flows: list[str]
    folders: list[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    last_address: str | None

    @staticmethod
    def resolve_user(token: ApiToken) -> str:
        return token.user.get_username()

    @staticmethod
    def resolve_flows(token: ApiToken) -> list[str]:
        return sorted(flow.name for flow in token.flows.all())

    @staticmethod
    def resolve_folders(token: ApiToken) -> list[str]:
        return sorted(folder.name for folder in token.folders.all())


class NewToken(Schema):
    """A new token, and its text, which is shown this once."""

    token: TokenOutput
    text: str


@ROUTER.get("", response=NumberedPage[TokenOutput])
def list_tokens(
    request: HttpRequest,
    everybody: Annotated[
        bool, Query(description="Those of others too, for administrators.")
    ] = False,
    page: PageNumber = 1,
) -> dict[str, Any]:
    """List your tokens, the newest first."""
    tokens = (
        _visible(request) if everybody else ApiToken.objects.filter(user_id=request.user.pk or 0)
    )
    return page_of(request, tokens.select_related("user"), page)


@ROUTER.post(
    "",
    response={
        HTTPStatus.CREATED: NewToken,
        HTTPStatus.BAD_REQUEST: ProblemDetails,
        HTTPStatus.CONFLICT: ProblemDetails,
    },
)
def make_token(request: HttpRequest, given: TokenInput) -> Any:
    """Make a token for yourself. A request with a token makes none."""
    if api_tokens.scopes_of(request.user) is not None:
        raise PermissionDenied(_NOT_BY_PROGRAM)
    wanted = _wanted(request, given)
    try:
        with transaction.atomic():
            user: Any = request.user
            token, text = api_tokens.issue(Actor.of_request(request, "api"), user, wanted)
    except (IntegrityError, api_tokens.TooManyTokens) as error:
        why = "You have a token of this name already."
        too_many = isinstance(error, api_tokens.TooManyTokens)
        raise Problem(HTTPStatus.CONFLICT, str(error) if too_many else why) from error
    return Answer(HTTPStatus.CREATED, {"token": token, "text": text})


@ROUTER.delete("/{int:token_id}", response={HTTPStatus.NO_CONTENT: None})
def revoke_token(request: HttpRequest, token_id: int) -> Any:
    """Revoke a token of yours, or as an administrator of anybody."""
    token = _visible(request).select_related("user").filter(pk=token_id).first()
    if token is None:
        raise Http404("This token does not exist, or it is not yours.")
    api_tokens.revoke(Actor.of_request(request, "api"), token)
    return Answer(HTTPStatus.NO_CONTENT, None)


def _visible(request: HttpRequest) -> Any:
    tokens = ApiToken.objects.prefetch_related("flows", "folders")
    if machine_accounts.may_manage(request.user):
        return tokens
    return tokens.filter(user_id=request.user.pk or 0)


def _wanted(request: HttpRequest, given: TokenInput) -> api_tokens.Wanted:
    """Return what is asked for. Raises Problem for scopes, flows and folders that are not there."""
    unknown = sorted(set(given.scopes) - set(api_tokens.SCOPES))
    if unknown or not given.scopes:
        known = ", ".join(api_tokens.SCOPES)
        raise invalid(f"The scopes are {known}.", "scopes", "scopes")
    flows = {flow.name: flow for flow in access.visible(request.user).filter(name__in=given.flows)}
    ways = {way[-1]: pk for pk, way in access.folders(request.user).items()}
    for name in given.flows:
        if name not in flows:
            raise invalid(f"There is no flow {name}, or you may not see it.", "flows", "flows")
    for name in given.folders:
        if name not in ways:
            raise invalid(
                f"There is no folder {name}, or you may not see it.", "folders", "folders"
            )
    folders = list(Folder.objects.filter(pk__in=[ways[name] for name in given.folders]))
    return api_tokens.Wanted(
        given.name, given.scopes, given.expires_at, flows=list(flows.values()), folders=folders
    )
