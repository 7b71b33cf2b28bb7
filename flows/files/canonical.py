"""The canonical form of a flow document: what equals its default is left out, keys in one order.

Pure. Two documents that mean the same have the same canonical form, whether they come from a file
or from the database.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from flows import values
from flows.blocks import BY_TYPE
from flows.blocks.base import Port


def canonical(document: Mapping[str, Any]) -> dict[str, Any]:
    """The canonical form of a document that fits docs/flow.schema.json."""
    kind = document.get("kind", "activity")
    return {
        "flow": document["flow"],
        **({"kind": kind} if kind != "activity" else {}),
        **_given("description", document.get("description")),
        **_content(document),
    }


def digest(document: Mapping[str, Any]) -> str:
    """The SHA-256, in hexadecimal, of a canonical document."""
    return hashlib.sha256(json.dumps(document).encode()).hexdigest()


def _given(key: str, value: Any) -> dict[str, Any]:
    return {key: value} if value else {}


def _content(part: Mapping[str, Any]) -> dict[str, Any]:
    """The variables, notes and blocks of a workspace."""
    variables = part.get("variables") or {}
    blocks = part.get("blocks") or {}
    return {
        **_given("variables", {name: _variable(v or {}) for name, v in variables.items()}),
        **_given("notes", [_note(note) for note in part.get("notes") or ()]),
        "blocks": {key: _block(block) for key, block in blocks.items()},
    }


def _variable(variable: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **_given("type", variable.get("type")),
        **_given("input", variable.get("input")),
        **_given("output", variable.get("output")),
        **_given("secret", variable.get("secret")),
        **({"default": source(variable["default"])} if "default" in variable else {}),
        **_given("description", variable.get("description")),
    }


def _note(note: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "text": note_text(note["text"]),
        **_given("block", note.get("block")),
        **{key: list(note[key]) for key in ("at", "size") if key in note},
    }


def note_text(text: str) -> str:
    """The text of a note as it is kept: browsers and YAML end lines in ways of their own."""
    return text.replace("\r\n", "\n").strip()


def _block(block: Mapping[str, Any]) -> dict[str, Any]:
    kind = BY_TYPE.get(block["type"].casefold())
    given = dict(block.get("properties") or {})
    properties = {}
    for prop in kind.properties if kind else ():
        if prop.name in given:
            raw = given.pop(prop.name)
            if not same(raw, prop.default):
                properties[prop.name] = source(raw)
    # What the registry does not know any more is kept, so that it can be said.
    properties |= {name: source(raw) for name, raw in given.items()}
    return {
        "type": kind.type if kind else block["type"],
        **_given("description", block.get("description")),
        **_given("properties", properties),
        **{port.value: block[port] for port in Port if port in block},
        **({"position": list(block["position"])} if "position" in block else {}),
        **(_content(block) if kind and kind.opens_workspace else {}),
    }


def same(one: Any, other: Any) -> bool:
    """Whether two property sources are the same, by value and type: 1, 1.0 and true differ."""
    return json.dumps(source(one)) == json.dumps(source(other))


def source(raw: Any) -> Any:
    """A property source as the database keeps it: numbers that jsonb would change are written as
    typed values, and structures have their keys in order."""
    if isinstance(raw, float):
        return values.encode(raw)
    if isinstance(raw, dict):
        if raw.keys() == {"$number"} and type(raw["$number"]) in (int, float):
            return values.encode(float(raw["$number"]))  # written without quotation marks
        return {key: source(raw[key]) for key in sorted(raw)}
    if isinstance(raw, list):
        return [source(item) for item in raw]
    return raw
