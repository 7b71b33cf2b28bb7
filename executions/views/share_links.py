"""The page of an execution for whoever has a link to it, and the page on which links are made."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from executions import access, share_links
from executions.commands.actor import Actor, address_of
from executions.models import Execution, ShareLink
from executions.states import Status
from executions.store.read import step_lists
from executions.views.address import Address
from executions.views.detail import rows
from executions.views.detail.diagram import Diagram
from executions.views.detail.exceptions import Exceptions
from executions.views.detail.subject import Subject
from executions.views.detail.variables import Variables
from flows import queries
from flows.values import MASK

#: Days for which a link may be made; the first one is offered.
DAYS = (7, 1, 30)
_NO_SHARING = (
    "You may not share this execution. That takes the right to control it, and a site that allows "
    "sharing."
)
#: A masked value as short as this is not looked for in other texts.
_SHORT = 3
#: Nothing keeps the page, finds it, or learns its address.
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}


class SharedSubject(Subject):
    """An execution as whoever has a link to it sees it: nothing else is visible."""

    def __init__(self, execution: Execution, address: Address) -> None:
        self._shared = execution
        super().__init__(AnonymousUser(), execution.pk, address)

    def _find(self, user: Any, execution_id: UUID) -> Execution:
        return self._shared


class SharedPage:
    """What the page of a shared execution shows. Links stay on the page."""

    def __init__(self, link: ShareLink, address: Address) -> None:
        self.execution = link.execution
        self._masked = {name.casefold() for name in link.masked}
        # Of the address, only what the page itself offers.
        shown = Address(workspace=address.workspace, open=address.open)
        self.subject = SharedSubject(link.execution, shown)
        self.diagram = Diagram(self.subject)
        self._variables = Variables(self.subject)

    @property
    def scopes(self) -> list[dict[str, Any]]:
        """The variables by workspace, those that the link masks without their values."""
        hidden = self._hidden
        return [
            {
                "name": scope.name,
                "variables": [
                    replace(line, value=None, text=MASK, is_large=False)
                    if self._is_masked(line.name) and not line.state
                    else replace(line, text=_without(hidden, line.text))
                    for line in scope.variables
                ],
            }
            for scope in self._variables.scopes
        ]

    @property
    def exceptions(self) -> list[dict[str, Any]]:
        """The newest exceptions, each with its message."""
        return [
            {
                "type": record.type.rpartition(".")[2],
                "message": _without(self._hidden, record.message),
                "step": record.step,
                "at": record.at,
            }
            for record in Exceptions(self.subject).records
        ]

    @property
    def steps(self) -> dict[str, Any]:
        """The newest steps, without the values that they changed."""
        subject = self.subject
        return rows.steps(
            subject.execution, subject.graph, subject.address, step_lists.StepFilter()
        )

    def _is_masked(self, name: str) -> bool:
        return name.casefold() in self._masked

    @property
    def _hidden(self) -> Collection[str]:
        """The masked values that may stand in other texts too."""
        lines = [line for scope in self._variables.scopes for line in scope.variables]
        values = {str(line.value) for line in lines if self._is_masked(line.name)}
        return sorted((one for one in values if len(one) > _SHORT), key=len, reverse=True)


def _without(hidden: Collection[str], text: str) -> str:
    for one in hidden:
        text = text.replace(one, MASK)
    return text


@login_not_required
@require_safe
def shared_execution(request: HttpRequest, secret: str) -> HttpResponse:
    """Show an execution to whoever has a link to it; 410 once the link has ended.

    With `revision` in the address, answers 204 while nothing has changed.
    """
    link = share_links.find(secret)
    if link is None:
        raise Http404("There is no such link.")
    if not share_links.is_live(link):
        return _answer(request, "shared/ended.html", {"link": link}, 410)
    share_links.note_view(link, address_of(request))
    if request.GET.get("revision") == str(link.execution.revision):
        return HttpResponse(status=204, headers=_HEADERS)
    context = {
        "page": SharedPage(link, Address.parse(request.GET)),
        "execution": link.execution,
        "status": Status(link.execution.status),
        "link": link,
        "address": Address(),
        "here": reverse("shared-execution", args=[secret]),
    }
    return _answer(request, "shared/execution.html", context)


def _answer(
    request: HttpRequest, template: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    response = render(request, template, context, status=status)
    for name, value in _HEADERS.items():
        response[name] = value
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def share(request: HttpRequest, execution_id: UUID) -> HttpResponse:
    """List the links to an execution; a POST makes one, and shows its address once."""
    execution = _shareable(request, execution_id)
    names = _names(execution)
    context: dict[str, Any] = {"section": "executions", "execution": execution, "names": names}
    status = 200
    if request.method == "POST":
        days = request.POST.get("days", "")
        masked = [name for name in names if name in request.POST.getlist("masked")]
        number = int(days) if days.isdecimal() and int(days) in DAYS else DAYS[0]
        try:
            link, raw = share_links.make(Actor.of_request(request), execution, number, masked)
        except share_links.TooManyLinks as error:
            context["problem"], status = str(error), 422
        else:
            path = reverse("shared-execution", args=[raw])
            context |= {"made": link, "address": request.build_absolute_uri(path)}
            status = 201
    context["links"] = ShareLink.objects.filter(execution=execution).select_related("created_by")
    context["days"] = DAYS
    response = render(request, "shared/links.html", context, status=status)
    response["Cache-Control"] = "no-store"
    return response


@require_POST
def revoke_share_link(request: HttpRequest, execution_id: UUID, link_id: int) -> HttpResponse:
    """Revoke a link to an execution."""
    execution = _shareable(request, execution_id)
    link = get_object_or_404(ShareLink, pk=link_id, execution=execution)
    if share_links.revoke(Actor.of_request(request), link):
        messages.success(request, f"The link {link} shows nothing any more.")
    return redirect("share", execution.pk)


def _shareable(request: HttpRequest, execution_id: UUID) -> Execution:
    execution = access.get_or_404(request.user, execution_id)
    if not share_links.may_share(request.user, execution):
        raise PermissionDenied(_NO_SHARING)
    return execution


def _names(execution: Execution) -> list[str]:
    """Return the names of the variables that a link may mask, the inputs first."""
    graph = queries.compiled(execution.version_id)
    inputs = [variable.name for variable in graph.inputs]
    named = [one.name for workspace in graph.workspaces.values() for one in workspace.variables]
    return list(dict.fromkeys([*inputs, *sorted(named)]))
