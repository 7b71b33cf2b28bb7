"""The OpenAPI document: what every operation answers beside what it declares."""

import json
from http import HTTPStatus
from typing import Any

from ninja.openapi.schema import OpenAPISchema

from executions.api.problems import CONTENT_TYPE
from executions.api.schemas import ProblemDetails
from executions.api.values import IN_A_FORM
from flows.values import VALUE_SCHEMA, value_schema

_PROBLEM = {"$ref": "#/components/schemas/ProblemDetails"}
_SCHEMA_TEMPLATE = "#/components/schemas/{model}"
_VALUE = _SCHEMA_TEMPLATE.format(model="TypedValue")
#: What a value is, by the parameter `values`.
_FORMS = [{"$ref": _VALUE}, {"description": "Any JSON, with `values=plain`."}]


def complete(document: OpenAPISchema) -> OpenAPISchema:
    """Add the answers that follow from what an operation takes: who asks, an address that names
    something, a body."""
    schema = ProblemDetails.model_json_schema(ref_template=_SCHEMA_TEMPLATE)
    document["components"]["schemas"].update(schema.pop("$defs"))
    document["components"]["schemas"]["ProblemDetails"] = schema
    _complete_values(document["components"]["schemas"])
    document["components"]["schemas"]["TypedValue"] = json.loads(
        json.dumps(value_schema()).replace(VALUE_SCHEMA, _VALUE)
    )
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


def _complete_values(part: Any) -> None:
    """Say of each value in these schemas that it is one in one of the forms."""
    if isinstance(part, dict):
        if part.pop(IN_A_FORM, False):
            part["anyOf"] = _FORMS
        for item in part.values():
            _complete_values(item)
    elif isinstance(part, list):
        for item in part:
            _complete_values(item)


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
