"""Flows: a list of them, their versions, files in and out."""

import difflib
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from django.core.exceptions import PermissionDenied
from django.db.models import Max, Q
from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema

from executions import flow_files
from executions.api.paging import NumberedPage, PageNumber, page_of
from executions.api.problems import Problem
from executions.api.schemas import ProblemDetails
from executions.commands.actor import Actor
from executions.schedules.flow_files import schedules_for_file
from flows import access, queries
from flows.files import FlowFileError, dump_json, dump_yaml, parse
from flows.graph import InvalidFlow, Message
from flows.models import Flow, FlowVersion

PATH = "/v1/flows"
ROUTER = Router(tags=["Flows"])

#: The media types of flow files, and the end of the name that says how one is read.
MEDIA_TYPES = {"application/yaml": ".yaml", "application/json": ".json"}
_FILE = {
    "requestBody": {
        "required": True,
        "content": {name: {"schema": {}} for name in MEDIA_TYPES},
    },
    "responses": {"415": {"description": "Unsupported Media Type"}},
}
_EXPORTED = {
    "responses": {
        "200": {
            "description": "The flow file.",
            "content": {name: {"schema": {}} for name in MEDIA_TYPES},
        }
    }
}
Number = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Default: the newest.")]


class FlowSummary(Schema):
    """A flow, and its newest version that is published."""

    name: str
    kind: str
    description: str
    folder: str | None = Field(description="The path of its folder.")
    labels: list[str]
    published: int | None
    draft: int | None


class InputVariable(Schema):
    """A variable that a start gives a value."""

    name: str
    type: str = Field(description="Empty: any type.")
    description: str
    is_required: bool
    is_secret: bool


class OutputVariable(Schema):
    """A variable that an execution returns."""

    name: str
    type: str


class FlowDetail(FlowSummary):
    """A flow, with what its newest published version takes and returns."""

    inputs: list[InputVariable]
    outputs: list[OutputVariable]
    may_start: bool


class Version(Schema):
    """A version of a flow."""

    number: int
    description: str
    created_at: datetime
    published_at: datetime | None
    published_by: str | None

    @staticmethod
    def resolve_published_by(version: FlowVersion) -> str | None:
        return version.published_by.get_username() if version.published_by else None


class Imported(Schema):
    """What became of a flow file."""

    flow: str
    version: int
    changed: bool
    is_draft: bool
    schedules: list[str] = Field(description="What became of the schedules that the file carries.")


class VersionDifferences(Schema):
    """What differs between the flow files of two versions, line by line."""

    before: int
    after: int
    lines: list[str]


@ROUTER.get("", response=NumberedPage[FlowSummary])
def list_flows(
    request: HttpRequest,
    q: Annotated[str, Query(max_length=120, description="In the name.")] = "",
    folder: Annotated[str, Query(max_length=1000, description="In it, or below it.")] = "",
    label: Annotated[str, Query(max_length=200)] = "",
    page: PageNumber = 1,
) -> dict[str, Any]:
    """List the flows that you may see, by name."""
    rows = access.visible(request.user).order_by("name")
    words = {"name__icontains": q, "labels__name": label}
    rows = rows.filter(**{name: text.replace("\0", "") for name, text in words.items() if text})
    if folder:
        found = queries.folder_at(folder)
        rows = rows.filter(pk__in=queries.flows_in(found)) if found else rows.none()
    listed = page_of(request, _with_versions(rows), page)
    arranged = queries.arrangement()
    return {**listed, "items": [_summary(flow, arranged) for flow in listed["items"]]}


@ROUTER.get("/{name}", response=FlowDetail)
def get_flow(request: HttpRequest, name: str) -> dict[str, Any]:
    """Return a flow, with its inputs and outputs."""
    flow = access.get(request.user, name)
    found = _with_versions(Flow.objects.filter(pk=flow.pk)).get()
    version = queries.latest_published(flow.name)
    graph = queries.compiled(version.pk) if version else None
    inputs = [
        {
            "name": one.name,
            "type": one.type,
            "description": one.description,
            "is_required": not one.has_default,
            "is_secret": one.is_secret,
        }
        for one in (graph.inputs if graph else ())
    ]
    return {
        **_summary(found, queries.arrangement()),
        "inputs": inputs,
        "outputs": list(graph.outputs) if graph else [],
        "may_start": access.may_start(request.user, flow),
    }


@ROUTER.get("/{name}/versions", response=NumberedPage[Version])
def list_versions(request: HttpRequest, name: str, page: PageNumber = 1) -> dict[str, Any]:
    """List the versions of a flow, the newest first."""
    versions = access.get(request.user, name).versions.select_related("published_by")
    return page_of(request, versions.order_by("-number"), page)


@ROUTER.get("/{name}/file", openapi_extra=_EXPORTED)
def export_flow(
    request: HttpRequest,
    name: str,
    version: Number = None,
    as_json: Annotated[bool, Query(alias="json", description="JSON instead of YAML.")] = False,
    schedules: Annotated[bool, Query(description="With the schedules of the flow.")] = True,
) -> HttpResponse:
    """Return a version of a flow as a flow file, with the flow's schedules. Takes the role Author:
    it holds all defaults."""
    found = _readable(request, name, version)
    document = {**queries.document(found), **(schedules_for_file(found.flow) if schedules else {})}
    text = (dump_json if as_json else dump_yaml)(document)
    media_type, ending = ("application/json", "json") if as_json else ("application/yaml", "yaml")
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{found.flow.name}.{ending}"',
    }
    return HttpResponse(text, media_type, headers=headers)


@ROUTER.get("/{name}/differences", response=VersionDifferences)
def compare_versions(
    request: HttpRequest, name: str, before: Number = None, after: Number = None
) -> dict[str, Any]:
    """Compare the flow files of two versions. Takes the role Author."""
    old, new = (_readable(request, name, number) for number in (before, after))
    first, second = (dump_yaml(queries.document(one)).splitlines() for one in (old, new))
    names = (f"v{old.number}", f"v{new.number}")
    lines = difflib.unified_diff(first, second, *names, lineterm="")
    return {"before": old.number, "after": new.number, "lines": list(lines)}


@ROUTER.post("", response={200: Imported, 422: ProblemDetails}, openapi_extra=_FILE)
def import_flow(
    request: HttpRequest,
    publish: Annotated[bool, Query(description="Publish it too.")] = False,
) -> dict[str, Any]:
    """Import a flow file, YAML or JSON, as the draft of its flow."""
    ending = MEDIA_TYPES.get(request.content_type or "")
    if ending is None:
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"Send a flow file as {' or '.join(MEDIA_TYPES)}.",
        )
    try:
        file = parse(request.body.decode("utf-8-sig"), f"flow{ending}")
        actor = Actor.of_request(request, "api")
        done = flow_files.import_flow(request.user, actor, file, publishes=publish)
    except UnicodeDecodeError:
        raise Problem(HTTPStatus.BAD_REQUEST, "The flow file is not UTF-8.") from None
    except FlowFileError as error:
        messages = [Message("Flow file", one, "") for one in error.problems]
        raise Problem(HTTPStatus.BAD_REQUEST, str(error), messages=messages) from None
    except InvalidFlow as invalid:
        raise _invalid(invalid) from None
    return {
        "flow": done.version.flow.name,
        "version": done.version.number,
        "changed": done.changed,
        "is_draft": done.version.is_draft,
        "schedules": list(done.further),
    }


@ROUTER.post("/{name}/publish", response={200: Version, 409: ProblemDetails, 422: ProblemDetails})
def publish_flow(request: HttpRequest, name: str) -> FlowVersion:
    """Publish the draft of a flow, permanently."""
    flow = access.get(request.user, name)
    draft = flow.versions.select_related("flow").filter(published_at=None).first()
    if draft is None:
        raise Problem(HTTPStatus.CONFLICT, f"{flow.name} has no draft. Import a flow file first.")
    try:
        return flow_files.publish_flow(request.user, Actor.of_request(request, "api"), draft)
    except InvalidFlow as invalid:
        raise _invalid(invalid) from None


def _with_versions(flows: Any) -> Any:
    is_published = Q(versions__published_at__isnull=False)
    return flows.annotate(
        published=Max("versions__number", filter=is_published),
        draft=Max("versions__number", filter=~is_published),
    )


def _summary(flow: Any, arranged: queries.Arrangement) -> dict[str, Any]:
    folders = arranged.folders.get(flow.name)
    return {
        "name": flow.name,
        "kind": flow.kind,
        "description": flow.description,
        "folder": folders[-1] if folders else None,
        "labels": list(arranged.labels.get(flow.name, ())),
        "published": flow.published,
        "draft": flow.draft,
    }


def _readable(request: HttpRequest, name: str, number: int | None) -> FlowVersion:
    """Return a version whose document somebody may read in full."""
    flow = access.get(request.user, name)
    if not access.may_author(request.user, flow):
        raise PermissionDenied("A flow file holds all defaults. It takes the role Author.")
    versions = flow.versions.select_related("flow")
    found = versions.filter(number=number) if number else versions.order_by("-number")
    version = found.first()
    if version is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"{flow.name} has no such version.")
    return version


def _invalid(error: InvalidFlow) -> Problem:
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        f"{len(error.messages)} messages keep it from being published.",
        messages=error.messages,
    )
