"""The OpenAPI document: what every operation answers beside what it declares."""

from http import HTTPStatus
from typing import Any

from ninja.openapi.schema import OpenAPISchema

from executions.api.problems import CONTENT_TYPE
from executions.api.schemas import ProblemDetails

_PROBLEM = {"$ref": "#/components/schemas/ProblemDetails"}
_SCHEMA_TEMPLATE = "#/components/schemas/{model}"


def complete(document: OpenAPISchema) -> OpenAPISchema:
    """Add the answers that follow from what an operation takes: who asks, an address that names
    something, a body."""
    schema = ProblemDetails.model_json_schema(ref_template=_SCHEMA_TEMPLATE)
    document["components"]["schemas"].update(schema.pop("$defs"))
    document["components"]["schemas"]["ProblemDetails"] = schema
    for methods in document["paths"].values():
        for operation in methods.values():
            responses = {int(status): told for status, told in operation["responses"].items()}
            for status, details in responses.items():
                if status >= HTTPStatus.BAD_REQUEST:
                    details["content"] = {CONTENT_TYPE: {"schema": _PROBLEM}}
            for status in _problems(operation):
                responses.setdefault(status.value, _answer(status))
            operation["responses"] = {
                str(status): responses[status] for status in sorted(responses)
            }
    return document


def _problems(operation: dict[str, Any]) -> list[HTTPStatus]:
    found = [HTTPStatus.BAD_REQUEST, HTTPStatus.TOO_MANY_REQUESTS]
    if operation.get("security"):
        found += [HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN]
    if any(one["in"] == "path" for one in operation.get("parameters", ())):
        found.append(HTTPStatus.NOT_FOUND)
    if "requestBody" in operation:
        found += [HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE]
    return found


def _answer(status: HTTPStatus) -> dict[str, Any]:
    return {"description": status.phrase, "content": {CONTENT_TYPE: {"schema": _PROBLEM}}}
