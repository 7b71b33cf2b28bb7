"""Reading a flow file: text → data with the line of everything → a document that holds.

Pure but for opening the file.
"""

import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import yaml

from flows import parsing
from flows.files import schema_errors, yaml_scalars
from flows.files.canonical import canonical
from flows.graph import Message, build
from flows.validation import structural

#: The largest flow file that is read, in bytes.
LARGEST = 4_000_000
_TOO_LARGE = f"It is larger than {LARGEST:,} bytes."

DocumentPath = tuple[str | int, ...]


class FlowFileError(Exception):
    """A flow file that does not hold. `problems` are whole lines: file:line, path, what is wrong
    and what was expected."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class FlowFile:
    """A flow document in its canonical form, and on which line of which file its parts stand."""

    name: str
    document: dict[str, Any]
    lines: Mapping[DocumentPath, int]
    #: The schedules that the file carries beside the flow, by name.
    schedules: Mapping[str, Any] = field(default_factory=dict)

    def explain(self, message: Message) -> str:
        """A message with the place in the file that it is about."""
        return _problem(self.name, self.lines, message.path, f"{message.summary} {message.details}")


def read(path: Path) -> FlowFile:
    """Read a `.yaml`, `.yml` or `.json` file. Raises FlowFileError."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            # A pipe or a device may never end.
            raise FlowFileError([f"{path}: It is not a regular file."])
        if status.st_size > LARGEST:
            raise FlowFileError([f"{path}: {_TOO_LARGE}"])
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise FlowFileError([f"{path}: It is not UTF-8 text."]) from None
    except OSError as error:
        raise FlowFileError([f"{path}: It cannot be read: {error.strerror}."]) from None
    return parse(text, str(path))


def parse(text: str, name: str = "flow.yaml") -> FlowFile:
    """Read the text of a flow file; a name that ends in `.json` makes it JSON.

    Raises FlowFileError for what is not YAML or JSON, does not fit docs/flow.schema.json, or could
    not be stored: connections to blocks that don't exist, variables named twice. Whether the flow
    makes sense is a matter of `flows.validation`.
    """
    if len(text.encode("utf-8", "surrogatepass")) > LARGEST:
        raise FlowFileError([f"{name}: {_TOO_LARGE}"])
    try:
        return _parse(text, name)
    except RecursionError:
        raise FlowFileError([f"{name}: It is nested too deeply."]) from None


def _parse(text: str, name: str) -> FlowFile:
    data, lines = _json(text, name) if name.lower().endswith(".json") else _yaml(text, name)
    found = schema_errors.check(data)
    if not found:
        graph, _ = build(data)
        found = [(m.path, f"{m.summary} {m.details}".strip()) for m in structural(graph)]
    if found:
        raise FlowFileError([_problem(name, lines, path, text) for path, text in found])
    return FlowFile(name, canonical(data), lines, data.get("schedules") or {})


def _problem(name: str, lines: Mapping[DocumentPath, int], path: DocumentPath, text: str) -> str:
    known = path
    while known and known not in lines:
        known = known[:-1]
    where = f"{name}:{lines[known]}" if known in lines else name
    return f"{where}: {'.'.join(map(str, path))}: {text}" if path else f"{where}: {text}"


# YAML ----------------------------------------------------------------------------------------


class _Builder:
    """Nodes to data, with the line of each path."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[DocumentPath, int] = {}
        self.seen: set[int] = set()

    def fail(self, node: yaml.Node, path: DocumentPath, text: str) -> NoReturn:
        lines = {path: node.start_mark.line + 1}
        raise FlowFileError([_problem(self.name, lines, path, text)])

    def build(self, node: yaml.Node, path: DocumentPath = ()) -> Any:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if id(node) in self.seen:
            self.fail(node, path, "Aliases (*name) are not supported. Repeat the value.")
        self.seen.add(id(node))
        if not isinstance(node, yaml.ScalarNode) and node.tag not in (
            yaml_scalars.MAP,
            yaml_scalars.SEQ,
        ):
            self.fail(node, path, f"The tag {node.tag} is not supported.")
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, i)) for i, item in enumerate(node.value)]
        assert isinstance(node, yaml.ScalarNode)
        try:
            return yaml_scalars.value(node)
        except ValueError as error:
            told = str(error).rstrip(".")
            self.fail(node, path, f"This is not a value: {told}.")

    def mapping(self, node: yaml.MappingNode, path: DocumentPath) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self.fail(key_node, path, "A key must be a text.")
            # As it is written: `404:` is the key "404".
            key = key_node.value
            if key in built:
                self.fail(key_node, (*path, key), "This key is given twice.")
            self.lines[*path, key] = key_node.start_mark.line + 1
            built[key] = self.build(value_node, (*path, key))
        return built


def _yaml(text: str, name: str) -> tuple[Any, dict[DocumentPath, int]]:
    try:
        node = yaml_scalars.Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}" if mark else name
        hint = (
            ' Put quotes around a text that holds ": " or " #".'
            if error.problem and "mapping values" in error.problem
            else ""
        )
        raise FlowFileError([f"{where}: This is not YAML: {error.problem}.{hint}"]) from None
    except yaml.YAMLError as error:
        raise FlowFileError([f"{name}: This is not YAML: {error}"]) from None
    if node is None:
        raise FlowFileError([f"{name}: The file is empty."])
    builder = _Builder(name)
    return builder.build(node), builder.lines


# JSON ----------------------------------------------------------------------------------------


def _json(text: str, name: str) -> tuple[Any, dict[DocumentPath, int]]:
    try:
        data = parsing.load(text)
    except parsing.ParseError as error:
        raise FlowFileError([f"{_at(error, name)}: {error}"]) from None
    try:
        # JSON is YAML, which tells the lines; where it is not quite, there are none to tell.
        _, lines = _yaml(text, name)
    except FlowFileError:
        lines = {}
    return data, lines


def _at(error: parsing.ParseError, name: str) -> str:
    return f"{name}:{error.line}" if error.line else name
