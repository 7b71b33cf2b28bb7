"""Golden cases: what every block does with given properties, and what it throws.

They stand in the examples.yaml of each palette: block type -> cases. A test runs each of them as
a flow, from the start command to its end, and docs/blocks.md shows those that have a title. Each
block has at least one of these.

    id          unique
    title       what the example shows, for docs/blocks.md
    inputs      property -> value, in the typed JSON form of flows.values
    outputs     output property -> value. Also `port`; `iterations` of a loop, one for each visit;
                `next_block`; `$log`, `$fs` and `$mail`: what was logged, which files there are, and
                what was sent; `$storage`, what Data Storage holds; `$signals`, which nobody has
                taken; `waited`, whether it parked. A folder of `$fs` is null
    compare_fs  of `$fs`: `subset`, there may be more; `lines`, whatever ends them
    throws      short name of the exception's type, instead of outputs; `exception` holds its fields
    fs_after    files that there are after what is thrown
    unchanged   outputs that keep what they held
    compare     `subset`: there may be more than what is expected
    setup       `flows` and `receivers` that there are, `fs`: path -> content, `http`: what {server}
                answers (status, body, type), `postgresql` for a database at {postgresql}, `smtp`:
                what the mail server of port {smtp} answers to which recipients, `imap`: the
                messages {uid0}… in that of {imap}, `ssh`: a server at {ssh}, `exception` that
                enters a handler, `bind`: property -> variable, `answer`: who answers (`by`), and
                the `answers`; `storage`: collection -> key -> value, `signals`: name, key and
                payload of each
    during      what others do while it is parked: `write` and `delete` to Data Storage, `signals`
    block_timeout_ms, after_child    Block Timeout; what a task is once it was awaited
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from flows.blocks import BY_TYPE, PACKAGES

FOLDER = Path(__file__).parent
#: What a case says beside outputs, and how that reads.
_SHOWN = (
    ("$log", "logs"),
    ("$fs", "files:"),
    ("$mail", "sends"),
    ("$storage", "storage:"),
    ("$signals", "signals left:"),
)
Case = dict[str, Any]
#: The one in C is ten times as fast.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def cases() -> dict[str, list[Case]]:
    """Return every case by its block type. Callers must not change them."""
    found: dict[str, list[Case]] = {}
    for file in sorted(FOLDER.glob("*/examples.yaml")):
        found |= read(file)
    for file in PACKAGES.examples:
        for name, of_block in read(file).items():
            block = BY_TYPE.get(name.casefold())
            found.setdefault(block.type if block else name, []).extend(of_block)
    return found


def read(file: Path) -> dict[str, list[Case]]:
    """Return the cases of a file by what it calls their blocks."""
    read: dict[str, list[Case]] = yaml.load(file.read_text(encoding="utf-8"), Loader=LOADER)  # noqa: S506 - a safe one
    return read


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
    outputs.pop("waited", None)
    for name, label in _SHOWN:
        if name in outputs:
            parts.append(f"{label} {_code(outputs.pop(name))}")
    return ", ".join(parts + ([_properties(outputs)] if outputs else [])) or "goes on"


def _code(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False).replace("|", "\\|")
    return f"`{text}`"
