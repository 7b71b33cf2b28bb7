"""Block cases, facts about single blocks of the original, as flows that are really run.

A case gives a block's properties and says what comes of one visit: the port, the outputs, or what
is thrown. Its values become inputs of a flow around the block; where a value is not one that can
be given at a start, a task or an exception that enters a handler, the flow makes it.
"""

import json
import re
import textwrap
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from flows import values
from flows.blocks import BY_TYPE, examples
from flows.blocks.base import Block, Direction, Effect, Property
from flows.formats.dates import duration_text
from flows.values import ExceptionValue
from tests.quick_yaml import load_yaml

DATA = Path(__file__).parent / "data"
Case = dict[str, Any]
#: Examples and exceptions of the original's documentation.
CASES: list[Case] = [
    case
    # Paths of the cases are in the folder of the tests.
    for case in json.loads((DATA / "block-cases.json").read_text().replace("{root}/", ""))
    if f"{case['palette']}/{case['block']}".casefold() in BY_TYPE
]
#: What this project promises of every block, in the same form (the examples.yaml of each palette).
GOLDEN_CASES: list[Case] = [
    {"block": block, **case} for block, cases in examples.cases().items() for case in cases
]

#: The palettes whose blocks need nothing outside of the interpreter.
PURE = frozenset({
    "Csv", "Date & Time", "Decisions", "Dictionaries", "Json", "Lists", "Objects", "Queues", "Text",
    "Variables", "Xml",
})  # fmt: skip


def runs_in_memory(case: Case) -> bool:
    """Whether the interpreter alone can run a case."""
    special = {"exception", "flows", "receivers", "fs", "http"} & set(case.get("setup", {}))
    tasks = any("$task" in str(value) for value in case["inputs"].values())
    block = block_of(case)
    pure = block.palette in PURE and block.effect is Effect.NONE
    return pure and not special and not tasks


def block_of(case: Case) -> Block:
    """The block of a case."""
    palette = f"{case['palette']}/" if "palette" in case else ""
    return BY_TYPE[f"{palette}{case['block']}".casefold()]


#: The flows that cases run, by the name that they give: variables and blocks.
FLOWS: dict[str, tuple[str, str]] = {
    "square-number-flow": (
        "{NumberToSquare: {input: true, default: 10}, SquaredNumber: {output: true}}",
        """
        a: {type: Start Flow, bottom: if}
        if:
          type: If True Exit Right
          properties: {Value: =NumberToSquare <= 0}
          right: throw
          bottom: square
        throw: {type: Throw New Flow Exception, properties: {Message: not positive}}
        square:
          type: Set Variable
          properties: {Value: =NumberToSquare * NumberToSquare, Variable: ($)SquaredNumber}
          bottom: e
        e: {type: End Flow}
        h:
          type: Handle Flow Exception
          properties: {Exception: ($)E}
          variables: {E: {}}
          blocks:
            s: {type: Start Workspace, bottom: r}
            r: {type: Rethrow Exception, properties: {Exception: =E}}
        """,
    ),
    "slow-flow": (
        "{}",
        """
        a: {type: Start Flow, bottom: w}
        w: {type: Wait For Duration, properties: {Duration: {Milliseconds: 300}}, bottom: e}
        e: {type: End Flow}
        """,
    ),
}
#: What expressions can read of a task.
TASK = (
    "IsCancelled",
    "IsCompleted",
    "IsCompletedSuccessfully",
    "IsFaulted",
    "Status",
    "Exception",
)


def variable(name: str) -> str:
    """The variable that holds the property of that name."""
    return name.replace(" ", "")


@dataclass
class Built:
    """A case as a flow: its document, the flows that it runs, and what it is started with. The
    case's block is `x`, in the workspace `w` when it is a handler of one."""

    document: dict[str, Any]
    inputs: dict[str, Any] = field(default_factory=dict)
    others: list[dict[str, Any]] = field(default_factory=list)


class Builder:
    """`written` writes the values into the flow file, where it can hold them."""

    def __init__(self, case: Case, *, written: bool) -> None:
        self.case = case
        self.written = written
        self.setup = case.get("setup", {})
        self.block = block_of(case)
        self.variables: dict[str, Any] = {}
        self.inputs: dict[str, Any] = {}
        self.others: list[dict[str, Any]] = []
        #: Blocks before the case's own, in their order, and after it.
        self.before: dict[str, dict[str, Any]] = {}
        self.after: dict[str, dict[str, Any]] = {}

    def build(self) -> Built:
        for name, value in self.setup.get("variables", {}).items():
            self.variables[name] = {"output": True, "default": value}
        for name in self.setup.get("flows", []):
            self.other(name, *map(_yaml, FLOWS[name]))
        x: dict[str, Any] = {"type": self.block.type}
        if properties := self.properties():
            x["properties"] = properties
        if self.tasks:
            self.look("Seen")
            if "after_child" in self.case:
                self.after["await"] = {"type": "Wait For Task", "properties": {"Task": self.tasks}}
                self.look("Later")
        blocks = self.handler(x) if "exception" in self.setup else self.around(x) or self.plain(x)
        document = {"flow": "case", "variables": self.variables, "blocks": blocks}
        return Built(document, self.inputs, self.others)

    # Properties -------------------------------------------------------------------------------

    @property
    def tasks(self) -> str:
        """The property whose tasks the case looks at."""
        outputs = self.case.get("outputs", {})
        names = ("Execution Task", "Task", "Tasks")
        return next((f"($){variable(name)}" for name in names if name in outputs), "")

    def properties(self) -> dict[str, Any]:
        given = self.case["inputs"]
        known = {prop.name for prop in self.block.properties}
        assert set(given) <= known, f"{set(given) - known} are no properties of {self.block.type}"
        built = {}
        for prop in self.block.properties:
            bound = self.setup.get("bind", {}).get(prop.name)
            if bound:
                built[prop.name] = f"($){bound}"
            elif prop.name in given or prop.direction is Direction.OUTPUT:
                built[prop.name] = self.property(prop)
        if "block_timeout_ms" in self.case:
            built["Block Timeout"] = self.case["block_timeout_ms"]
        return built

    def property(self, prop: Property) -> Any:
        name = variable(prop.name)
        if self.written and not prop.writes and "$" not in str(self.case["inputs"][prop.name]):
            return self.case["inputs"][prop.name]
        declared = self.variables.setdefault(name, {})
        if prop.writes:
            declared["output"] = True
        if prop.name in self.case.get("unchanged", []) and prop.direction is Direction.OUTPUT:
            declared["default"] = "untouched"
        if not prop.reads:
            return f"($){name}"
        value = self.case["inputs"][prop.name]
        if prop.name == "Tasks" and value:
            self.variables[name] = {"default": []}
            for item in value:
                self.step("Add Item At End", List=f"($){name}", Item=self.task(item))
        elif prop.name == "Task" and value:
            return self.named(name, self.task(value))
        else:
            declared["input"] = True
            self.inputs[name] = plain(value)
        return f"($){name}"

    def named(self, name: str, task: str) -> str:
        self.variables[name] = {}
        self.step("Set Variable", Value=task, Variable=f"($){name}")
        return f"($){name}"

    # Tasks ------------------------------------------------------------------------------------

    def task(self, double: dict[str, Any] | None) -> str | None:
        """A real task in the state that a double asks for."""
        if double is None:
            return None
        number = len(self.others)
        state, outputs = double["$task"], double.get("outputs", {})
        # The first runs longest, so that tasks complete in another order than the cases'.
        wait = {"Milliseconds": 400 - 100 * number} if outputs else {"Hours": 1}
        blocks: dict[str, Any] = {
            "a": {"type": "Start Flow", "bottom": "w"},
            "w": {"type": "Wait For Duration", "properties": {"Duration": wait}, "bottom": "e"},
            "e": {"type": "End Flow"},
        }
        if state in ("completed", "faulted"):
            blocks["a"]["bottom"] = "e"
        if state == "faulted":
            blocks["e"] = {"type": "Throw New Flow Exception"}
            blocks["h"] = {
                "type": "Handle Flow Exception",
                "blocks": {
                    "s": {"type": "Start Workspace", "bottom": "t"},
                    "t": {"type": "Throw New Flow Exception", "properties": {"Message": "failed"}},
                },
            }
        declared = {name: {"output": True, "default": value} for name, value in outputs.items()}
        self.other(f"task-{number}", declared, blocks)
        task = f"($)Task{number}"
        self.variables[f"Task{number}"] = {}
        self.step("Run Flow Async", **{"Flow": f"task-{number}", "Execution Task": task})
        if state == "cancelled":
            self.step("Cancel Task", Task=task)
        elif state != "running":
            self.step("Wait For Task", Task=task)
        return task

    def look(self, name: str) -> None:
        """Keep what the tasks of the case are then."""
        shown = "{" + ", ".join(f"'{key}': t.{key}" for key in TASK) + "}"
        self.variables[name] = {"output": True}
        value = f"=[{self.tasks}].map(t, {shown})[0]"
        if self.tasks == "($)Tasks":
            value = f"={self.tasks}.map(t, {shown})"
        self.after[f"look-{name}"] = {
            "type": "Set Variable",
            "properties": {"Value": value, "Variable": f"($){name}"},
        }

    # Blocks -----------------------------------------------------------------------------------

    def step(self, kind: str, **properties: Any) -> None:
        """One more block before the case's own, whatever it throws."""
        key = f"b{len(self.before)}"
        self.before[key] = {"type": kind, "properties": properties}

    def other(self, name: str, variables: dict[str, Any], blocks: dict[str, Any]) -> None:
        self.others.append({"flow": name, "variables": variables, "blocks": blocks})

    def around(self, x: dict[str, Any]) -> dict[str, Any] | None:
        """The flow around a block that begins, ends, opens or is sent to something."""
        start = {"type": "Start Flow"}
        end = {"type": "End Flow", "description": "after it"}
        begin = {"type": "Start Workspace", "description": "in it"}
        done = {"type": "End Workspace"}
        match self.block.type:
            case "Start Flow":
                return {"x": x | {"bottom": "end"}, "end": end}
            case "End Flow":
                return {"start": start | {"bottom": "x"}, "x": x}
            case "Workspace":
                inside = {"begin": begin | {"bottom": "done"}, "done": done}
                x |= {"bottom": "end", "blocks": inside}
                return {"start": start | {"bottom": "x"}, "x": x, "end": end}
            case "Start Workspace":
                inside = {"x": x | {"bottom": "done"}, "done": done}
            case "End Workspace":
                inside = {"begin": begin | {"bottom": "x"}, "x": x}
            case "Wireless Receiver":
                sender = {"type": "Wireless Sender", "properties": {"Wireless Receiver Block": "x"}}
                blocks = {"start": start | {"bottom": "send"}, "send": sender}
                return blocks | {"x": x | {"bottom": "end"}, "end": end}
            case _:
                return None
        workspace = {"type": "Workspace", "bottom": "end", "blocks": inside}
        return {"start": start | {"bottom": "w"}, "w": workspace, "end": end}

    def plain(self, x: dict[str, Any]) -> dict[str, Any]:
        """Start, what comes before, the block, what comes after, end; a loop's body keeps what it
        sees, and a handler takes what any of them throws."""
        blocks: dict[str, Any] = {"start": {"type": "Start Flow"}}
        blocks |= self.before | {"x": x} | self.after
        blocks["end"] = {"type": "End Flow"}
        keys = list(blocks)
        for key, following in pairwise(keys):
            ports = BY_TYPE[blocks[key]["type"].casefold()].ports
            if "bottom" in ports:
                blocks[key]["bottom"] = following
            if "exception" in ports:
                blocks[key]["exception"] = f"{key}-failed"
                blocks[f"{key}-failed"] = {"type": "Handle Block Exception", "bottom": following}
        if "right" in self.block.ports:
            x["right"] = "end"
        if "iterations" in self.case.get("outputs", {}):
            (current,) = (p.name for p in self.block.properties if p.writes)
            self.variables["Seen"] = {"output": True, "default": []}
            x["right"] = "keep"
            properties = {"List": "($)Seen", "Item": f"($){variable(current)}"}
            blocks["keep"] = {"type": "Add Item At End", "properties": properties, "bottom": "x"}
        for number, name in enumerate(self.setup.get("receivers", [])):
            receiver = {"type": "Wireless Receiver", "description": name, "bottom": "end"}
            blocks[f"receiver-{number}"] = receiver
        return blocks

    def handler(self, x: dict[str, Any]) -> dict[str, Any]:
        """A handler, and before it a block that throws what enters it."""
        self.variables["Thrown"] = {"input": True}
        self.inputs["Thrown"] = exception(self.setup["exception"])
        throw = {"type": "Rethrow Exception", "properties": {"Exception": "($)Thrown"}}
        end = {"type": "End Flow"}
        kind = self.block.type
        if kind == "Handle Flow Exception":
            x["blocks"] = {"s": {"type": "Start Workspace", "bottom": "e"}, "e": end}
            return {"start": {"type": "Start Flow", "bottom": "throw"}, "throw": throw, "x": x}
        x["bottom"] = "end"
        if kind == "Handle Workspace Exception":
            inside = {"s": {"type": "Start Workspace", "bottom": "throw"}, "throw": throw}
            inside |= {"x": x, "end": end}
            w = {"type": "Workspace", "blocks": inside}
            return {"start": {"type": "Start Flow", "bottom": "w"}, "w": w}
        blocks = {"start": {"type": "Start Flow", "bottom": "throw"}, "throw": throw, "x": x}
        throw["exception"] = "x"
        if "exception" in self.block.ports:
            x["exception"] = "other"
            blocks["other"] = {"type": "Handle Block Exception", "bottom": "end"}
        return blocks | {"end": end}


def _yaml(text: str) -> Any:
    return load_yaml(textwrap.dedent(text))


# Values ---------------------------------------------------------------------------------------


def plain(form: Any) -> Any:
    """The value that a case writes as JSON."""
    match form:
        case {"$exception": told}:
            return exception(told)
        case {"$datetime": str(text)} if (at := datetime.fromisoformat(text)).tzinfo is None:
            return at
    return values.decode(form)


def exception(form: dict[str, Any]) -> ExceptionValue:
    """The exception that a case describes: a value, or what enters a handler."""
    kind = form.get("type") or form["Exception Type"]
    return ExceptionValue(kind, form.get("message") or form.get("Message") or "")


def shown(value: Any) -> Any:
    """A value as cases write it: an exception by its parts."""
    if isinstance(value, ExceptionValue):
        return {
            "Exception Type": value.short_type,
            "Message": value.message,
            "HelpLink": value.help_link,
            "Category": value.category,
            "ErrorCode": value.error_code,
            "Details": value.details,
            "InnerException": shown(value.inner),
            **{key: shown(item) for key, item in value.extra.items()},
        }
    if isinstance(value, list):
        return [shown(item) for item in value]
    if isinstance(value, dict):
        if "ExceptionType" in value:
            kind = str(value["ExceptionType"]).rpartition(".")[2]
            return {"Exception Type": kind} | {k: shown(v) for k, v in value.items()}
        return {key: shown(item) for key, item in value.items()}
    return value


#: Blanks that mean nothing in XML.
_BLANKS = re.compile(r">\s+|\s+<|\s+")


def agrees(expected: Any, found: Any, how: str) -> bool:
    """Whether a value is what a case expects, as the case compares them."""
    if isinstance(found, timedelta) and isinstance(expected, str):
        found = duration_text(found)
    match how:
        case "subset":
            return fits(expected, found)
        case "json-text":
            return bool(json.loads(expected) == json.loads(found))
        case "xml-text":
            return _BLANKS.sub(_tight, expected) == _BLANKS.sub(_tight, found)
        case "unordered":
            return sorted(map(str, expected)) == sorted(map(str, found))
        case "loose-scalars":
            return _texts(expected) == _texts(found)
        case "no-throw":
            return True
    return type(expected) is type(found) and bool(expected == found)


def _tight(found: re.Match[str]) -> str:
    return found[0].strip() or " "


def _texts(value: Any) -> Any:
    """A value with its scalars as texts."""
    if isinstance(value, list):
        return [_texts(item) for item in value]
    if isinstance(value, dict):
        return {key: _texts(item) for key, item in value.items()}
    return str(value)


def fits(expected: Any, found: Any) -> bool:
    """Whether `found` holds everything of `expected`; more keys are no harm."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return all(key in found and fits(item, found[key]) for key, item in expected.items())
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(fits, expected, found))
    return type(expected) is type(found) and bool(expected == found)


def has(outputs: dict[str, Any], path: str) -> bool:
    """Whether outputs hold something at a path such as `Matches[0].Groups.contains`."""
    name, *parts = re.findall(r"[^.\[\]]+", path)
    found: Any = outputs[variable(name)]
    for part in parts:
        if isinstance(found, list):
            found = found[int(part)]
        elif part in found:
            found = found[part]
        else:
            return False
    return True
