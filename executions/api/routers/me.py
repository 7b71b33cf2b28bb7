"""Who asks."""

from typing import Any

from django.http import HttpRequest
from ninja import Field, Router, Schema

from executions import access, api_tokens, preferences
from executions.failures import queries
from executions.questions import access as questions_access
from flows import access as flows_access
from flows.rights import rights_of
from flows.roles import Role

PATH = "/v1/me"
ROUTER = Router(tags=["Me"])


class Me(Schema):
    """The account that asks, and what it may do."""

    name: str
    full_name: str
    email: str
    is_administrator: bool
    groups: list[str]
    zone: str = Field(description="The time zone in which times without one are read.")
    sees_all: bool = Field(description="Whether it sees every execution.")
    sees_flows: bool
    roles: list[str] = Field(description="Its roles on the whole site.")
    token_scopes: list[str] | None = Field(
        description="The scopes of the API token that asks; null without one."
    )
    unowned_failures: int = Field(description="Failures that need somebody and have no owner.")
    open_questions: int = Field(description="Questions of flows that wait for you, up to 100.")


@ROUTER.get("", response=Me)
def get_me(request: HttpRequest) -> dict[str, Any]:
    """Return who you are, and what you may do on the whole site."""
    user: Any = request.user
    rights = rights_of(user)
    return {
        "name": user.get_username(),
        "full_name": user.get_full_name(),
        "email": user.email,
        "is_administrator": user.is_superuser,
        "groups": list(user.groups.order_by("name").values_list("name", flat=True)),
        "zone": preferences.of(user).zone,
        "sees_all": access.sees_all(user),
        "sees_flows": flows_access.sees_flows(user),
        "roles": [role.label for role in Role if rights.flow_ids(role) is None],
        "token_scopes": api_tokens.scopes_of(user),
        "unowned_failures": queries.unowned(user),
        "open_questions": questions_access.count_open(user, 100),
    }
