"""The JSON Schema of flow documents, generated from the registry of blocks.

Pure. `manage.py flow_schema` writes it to docs/flow.schema.json for editors; reading a flow file
holds the document against the same schema.
"""

from functools import cache
from typing import Any

from flows.blocks import ALL
from flows.blocks.base import Block, Property
from flows.expressions import RESERVED_WORDS
from flows.expressions.function import Function
from flows.expressions.functions import FUNCTIONS
from flows.values import VALUE_SCHEMA, value_schema
from flows.variable_types import VARIABLE_TYPES

KEY = "^[A-Za-z0-9][A-Za-z0-9_-]*$"
FLOW_NAME = "^[A-Za-z0-9][A-Za-z0-9_.-]*$"
VARIABLE_NAME = "^[A-Za-z][A-Za-z0-9_]*$"
NOT_BLANK = r"^[\s\S]*\S[\s\S]*$"
#: Of a workspace: the most notes, the longest text, and from which to which size, in pixels.
MOST_NOTES, LONGEST_NOTE = 200, 4_000
LEAST_NOTE_SIZE, MOST_NOTE_SIZE = 40, 2_000
#: A variable, or a part of one, that is written to: "($)Name", "($)Name.Items[0]".
TARGET = (
    r"^(= *[A-Za-z_][A-Za-z0-9_]*"
    r"|\(\$\)[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*|\[[^\n]+\])*)$"
)

#: How far from the origin something may be drawn.
FAR = 100_000

PORTS = {
    "bottom": "The block that the bottom port leads to.",
    "right": "The block that the right port leads to.",
    "exception": "The Handle Block Exception block that the red port leads to.",
}


#: A value, or an expression that begins with =.
VALUE = {"$ref": VALUE_SCHEMA}

#: A schedule that a file carries; `executions.schedules.document` reads it.
_SCHEDULE: dict[str, Any] = {
    "type": "object",
    "required": ["cron"],
    "additionalProperties": False,
    "properties": {
        "cron": {"description": "Five fields, or six with the second in front.", "type": "string"},
        "zone": {"type": "string", "default": "UTC"},
        "description": {"type": "string"},
        "version": {
            "description": "The version that starts. Left out, the newest.",
            "type": ["integer", "null"],
            "minimum": 1,
        },
        "starts_on": {"type": ["string", "null"]},
        "ends_on": {"type": ["string", "null"]},
        "excluded_days": {"type": "array", "items": {"type": "string"}, "maxItems": 1_000},
        "calendar": {"description": "An iCalendar file.", "type": "string"},
        "calendar_name": {"type": "string", "maxLength": 120},
        "jitter_seconds": {"type": "integer", "minimum": 0, "maximum": 3600},
        "overlap": {"enum": ["skip", "queue", "parallel"], "default": "skip"},
        "misfire": {"enum": ["skip", "once"], "default": "once"},
        "grace_seconds": {"type": "integer", "minimum": 0, "maximum": 2_592_000},
        "inputs": {
            "description": "Values, or expressions that begin with =.",
            "type": "object",
            "additionalProperties": VALUE,
        },
    },
}


@cache
def schema() -> dict[str, Any]:
    """The whole schema. Callers must not change it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "CortexWeb flow",
        "type": "object",
        "required": ["flow", "blocks"],
        "additionalProperties": False,
        "properties": {
            "flow": {
                "description": "The flow's name.",
                "type": "string",
                "pattern": FLOW_NAME,
                "maxLength": 120,
            },
            "kind": {
                "description": "An activity flows from top to bottom, a process left to right.",
                "enum": ["activity", "process"],
                "default": "activity",
            },
            "description": {"type": "string"},
            "variables": {"$ref": "#/$defs/variables"},
            "notes": {"$ref": "#/$defs/notes"},
            "blocks": {"$ref": "#/$defs/blocks"},
            "schedules": {
                "description": "What starts the flow by time, by name (docs/schedules.md). They "
                "are no part of the version.",
                "type": ["object", "null"],
                "maxProperties": 200,
                "propertyNames": {"minLength": 1, "maxLength": 120},
                "additionalProperties": {"$ref": "#/$defs/schedule"},
            },
        },
        "x-functions": [_function(one) for one in FUNCTIONS.values()],
        "$defs": {
            "value": value_schema(),
            "schedule": _SCHEDULE,
            "variables": {
                "description": "The variables of this workspace's scope, by name.",
                "type": ["object", "null"],
                "propertyNames": {
                    "pattern": VARIABLE_NAME,
                    "maxLength": 120,
                    "not": {"enum": sorted(RESERVED_WORDS)},
                },
                "additionalProperties": {"$ref": "#/$defs/variable"},
            },
            "variable": {
                "type": ["object", "null"],
                "additionalProperties": False,
                "properties": {
                    "type": {
                        "description": "What the start form asks for. Left out, any JSON value.",
                        "enum": list(VARIABLE_TYPES),
                    },
                    "input": {"description": "Given at start.", "type": "boolean"},
                    "output": {"description": "Returned at the end.", "type": "boolean"},
                    "secret": {
                        "description": "Its value is never shown; it has no default.",
                        "type": "boolean",
                    },
                    "default": VALUE | {"description": "Its value when it comes into scope."},
                    "description": {"type": "string", "maxLength": 400},
                },
            },
            "notes": {
                "description": "The notes on this workspace's canvas.",
                "type": "array",
                "maxItems": MOST_NOTES,
                "items": {"$ref": "#/$defs/note"},
            },
            "note": {
                "type": "object",
                "required": ["text"],
                "additionalProperties": False,
                "properties": {
                    "text": {"type": "string", "pattern": NOT_BLANK, "maxLength": LONGEST_NOTE},
                    "block": {
                        "description": "The block of this workspace that it is about.",
                        "type": "string",
                    },
                    "at": _pair("Where its upper left corner is drawn: x and y.", -FAR, FAR),
                    "size": _pair(
                        "Its width and height. Left out, it is as large as its text.",
                        LEAST_NOTE_SIZE,
                        MOST_NOTE_SIZE,
                    ),
                },
            },
            "target": {
                "description": "A variable, a part of one, or a structure or list of these.",
                "if": {"type": ["object", "array"]},
                "then": {
                    "minProperties": 1,
                    "additionalProperties": {"$ref": "#/$defs/target"},
                    "minItems": 1,
                    "items": {"$ref": "#/$defs/target"},
                },
                "else": {"type": "string", "pattern": TARGET},
            },
            "blocks": {
                "description": "The blocks of this workspace, by key.",
                "type": "object",
                "propertyNames": {"pattern": KEY},
                "additionalProperties": {"$ref": "#/$defs/block"},
            },
            "block": {
                "type": "object",
                "required": ["type"],
                "properties": {"type": {"enum": [block.type for block in ALL]}},
                "allOf": [
                    {
                        "if": {"required": ["type"], "properties": {"type": {"const": block.type}}},
                        "then": {"$ref": f"#/$defs/{block.type.replace('/', '~1')}"},
                    }
                    for block in ALL
                ],
            },
            **{block.type: _block(block) for block in ALL},
        },
    }


def _function(function: Function) -> dict[str, Any]:
    """What an editor needs to complete a function of expressions."""
    return {
        "name": function.name,
        "signature": function.signature,
        "returns": function.returns,
        "description": function.description,
        "subject": function.subject,
        "examples": [source for source, _ in function.examples],
    }


def _block(block: Block) -> dict[str, Any]:
    """What a block of one type holds."""
    return {
        "additionalProperties": False,
        "properties": {
            "type": {},
            "description": {"type": "string", "maxLength": 200},
            **({"properties": _properties(block)} if block.properties else {}),
            **{
                port.value: {"description": PORTS[port.value], "type": "string"}
                for port in block.ports
            },
            "position": _pair("Where it is drawn: x and y.", -FAR, FAR),
            **(
                {
                    "variables": {"$ref": "#/$defs/variables"},
                    "notes": {"$ref": "#/$defs/notes"},
                    "blocks": {"$ref": "#/$defs/blocks"},
                }
                if block.opens_workspace
                else {}
            ),
        },
    }


def _pair(description: str, least: int, most: int) -> dict[str, Any]:
    """Two whole numbers: a place or a size."""
    return {
        "description": description,
        "type": "array",
        "items": {"type": "integer", "minimum": least, "maximum": most},
        "minItems": 2,
        "maxItems": 2,
    }


def _properties(block: Block) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {prop.name: _property(prop) for prop in block.properties},
    }


def _property(prop: Property) -> dict[str, Any]:
    """What an editor shows. Values are held against their types where they are used, as they may
    be expressions; an output takes a variable and nothing else."""
    described = f"{prop.type} ({prop.direction})"
    form: dict[str, Any] = {
        "description": f"{described}: {prop.description}" if prop.description else described
    }
    if prop.reads and prop.writes:
        form |= {"type": "string", "pattern": TARGET}
    elif prop.writes:
        form["$ref"] = "#/$defs/target"
    else:
        form |= VALUE
        if prop.default is not None:
            form["default"] = prop.default
    if prop.choices:
        form["examples"] = list(prop.choices)
    return form
