"""Golden cases of the blocks, from examples.yaml: tests run them, and docs/blocks.md shows them."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).with_name("examples.yaml")
Case = dict[str, Any]


@cache
def cases() -> dict[str, list[Case]]:
    """Return every case by its block type. Callers must not change them."""
    found: dict[str, list[Case]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found


def table(block_type: str) -> list[str]:
    """Return the cases of a block that have a title, as the lines of a Markdown table."""
    rows = [
        f"| {case['title']} | {_inputs(case)} | {_result(case)} |"
        for case in cases().get(block_type, [])
        if "title" in case
    ]
    return ["| example | properties | result |", "|---|---|---|", *rows] if rows else []


def _inputs(case: Case) -> str:
    given = _properties(case["inputs"])
    thrown = case.get("setup", {}).get("exception")
    return f"{given} for {_properties({thrown['type']: thrown['message']})}" if thrown else given


def _properties(values: Case) -> str:
    return ", ".join(f"{name} {_code(value)}" for name, value in values.items())


def _result(case: Case) -> str:
    if "throws" in case:
        fields = case.get("exception", {})
        return f"throws {case['throws']}" + (f" with {_properties(fields)}" if fields else "")
    outputs = dict(case["outputs"])
    visits = outputs.pop("iterations", None)
    if visits:
        return "; ".join(map(_visit, visits))
    return _visit(outputs)


def _visit(outputs: Case) -> str:
    """What one visit gives: where the token leaves, and what is saved."""
    outputs = dict(outputs)
    parts = [f"leaves {outputs.pop('port')}"] if "port" in outputs else []
    if "next_block" in outputs:
        parts.append(f"goes on at `{outputs.pop('next_block')}`")
    for name, label in (("$log", "logs"), ("$fs", "files:")):
        if name in outputs:
            parts.append(f"{label} {_code(outputs.pop(name))}")
    return ", ".join(parts + ([_properties(outputs)] if outputs else [])) or "goes on"


def _code(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False).replace("|", "\\|")
    return f"`{text}`"
