"""The page that shows the OpenAPI document to people. It needs no network and no script."""

from functools import cache
from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cortexweb.api.application import document

_REFERENCE = "#/components/schemas/"


@require_safe
def documentation(request: HttpRequest) -> HttpResponse:
    """List every operation: what it takes, and what it answers."""
    context = {"section": "help", "subjects": _subjects(), "schemas": _schemas()}
    return render(request, "api/documentation.html", context)


@cache
def _subjects() -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the operations by their tags."""
    found = [
        _operation(path, method, details)
        for path, methods in document()["paths"].items()
        for method, details in methods.items()
    ]
    found.sort(key=lambda one: one["tag"])
    return [(tag, list(group)) for tag, group in groupby(found, lambda one: one["tag"])]


def _operation(path: str, method: str, details: dict[str, Any]) -> dict[str, Any]:
    content = details.get("requestBody", {}).get("content", {})
    return {
        "tag": details.get("tags", ["Others"])[0],
        "id": details["operationId"],
        "path": path,
        "method": method.upper(),
        "summary": details["summary"],
        "description": details.get("description", ""),
        "parameters": [
            {
                "name": one["name"],
                "place": one["in"],
                "required": one["required"],
                "type": _type(one["schema"]),
                "description": one.get("description", ""),
            }
            for one in details.get("parameters", ())
        ],
        "bodies": [(media_type, *_reference(one["schema"])) for media_type, one in content.items()],
        "answers": [
            (status, answer["description"], *_answer(answer))
            for status, answer in details["responses"].items()
        ],
    }


@cache
def _schemas() -> list[dict[str, Any]]:
    """Return what the bodies of requests and answers hold."""
    return [
        {
            "name": name,
            "anchor": _anchor(name),
            "description": schema.get("description", ""),
            "fields": [
                {
                    "name": field,
                    "type": _type(details),
                    "link": _reference(details)[1],
                    "required": field in schema.get("required", ()),
                    "description": details.get("description", ""),
                }
                for field, details in schema.get("properties", {}).items()
            ],
        }
        for name, schema in sorted(document()["components"]["schemas"].items())
    ]


def _answer(answer: dict[str, Any]) -> tuple[str, str]:
    for one in answer.get("content", {}).values():
        return _reference(one["schema"])
    return "", ""


def _reference(schema: dict[str, Any]) -> tuple[str, str]:
    """Return the name of the schema that a schema names, or its type, and the anchor of that."""
    for one in (
        schema,
        schema.get("items", {}),
        *schema.get("anyOf", ()),
        *schema.get("allOf", ()),
    ):
        if "$ref" in one:
            name = one["$ref"].removeprefix(_REFERENCE)
            return name, _anchor(name)
    return _type(schema), ""


def _type(schema: dict[str, Any]) -> str:
    """Return the type of a schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"].removeprefix(_REFERENCE))
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(map(_type, schema["anyOf"])))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type", "any"))


def _anchor(name: str) -> str:
    return f"schema-{name}"
