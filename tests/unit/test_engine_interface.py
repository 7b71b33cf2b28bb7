"""Nobody outside the engine writes into an interpreter: it changes by its methods only."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from executions.engine.interpreter import Interpreter
from tests.flows_in_memory import Run

ROOT = Path(__file__).resolve().parent.parent.parent
FILES = sorted(
    path
    for folder in ("executions", "flows", "cortexweb", "tests", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
    if "migrations" not in path.parts and path.parent != ROOT / "executions" / "engine"
)
#: Methods that change a list, a dict or a set.
MUTATORS = frozenset(
    {"add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove"}
    | {"reverse", "setdefault", "sort", "update"}
)


def chain(node: ast.expr) -> list[str]:
    """The names of `a.b[0].c`, outermost last: a, b, c."""
    match node:
        case ast.Name(id=name):
            return [name]
        case ast.Attribute(value=value, attr=name):
            return [*chain(value), name]
        case ast.Subscript(value=value) | ast.Starred(value=value):
            return chain(value)
    return []


def interpreters(tree: ast.Module) -> set[str]:
    """The names by which a file knows interpreters, or their tokens."""
    names = {"interpreter"}
    for node in ast.walk(tree):
        match node:
            case ast.arg(arg=name, annotation=ast.Name(id="Interpreter" | "Frame")):
                names.add(name)
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name(id=made))):
                if made == "Interpreter":
                    names.add(name)
            case (
                ast.For(target=ast.Name(id=name), iter=looped)
                | ast.comprehension(target=ast.Name(id=name), iter=looped)
            ):
                if "frames" in chain(looped):
                    names.add(name)
    return names


def targets(node: ast.AST) -> list[ast.expr]:
    match node:
        case ast.Assign(targets=found) | ast.Delete(targets=found):
            return found
        case ast.AugAssign(target=found) | ast.AnnAssign(target=found) | ast.For(target=found):
            return [found]
    return []


def writes(tree: ast.Module) -> Iterator[int]:
    """The lines that assign to a part of an interpreter, change one of its collections, or look at
    what is private to it."""
    known = interpreters(tree)
    for node in ast.walk(tree):
        for target in targets(node):
            for part in target.elts if isinstance(target, ast.Tuple) else [target]:
                if isinstance(part, ast.Attribute | ast.Subscript) and known & {*chain(part.value)}:
                    yield part.lineno
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Attribute() | ast.Subscript() as held)):
                method = node.func.attr  # type: ignore[attr-defined]
                if method in MUTATORS and known & {*chain(held)[:-1]}:
                    yield node.lineno
            case ast.Attribute(value=value, attr=name) if name.startswith("_"):
                if chain(value)[-1:] == ["interpreter"]:
                    yield node.lineno


def test_nothing_outside_the_engine_writes_into_an_interpreter() -> None:
    found = {
        f"{path.relative_to(ROOT)}:{line}"
        for path in FILES
        if "nterpreter" in (text := path.read_text())
        for line in writes(ast.parse(text))
    }
    assert not found


@pytest.mark.parametrize(
    "line",
    [
        "turn.interpreter.since = 0",
        "run.interpreter.frames[0].block = 'b'",
        "interpreter.progress.thrown.append(one)",
        "interpreter.progress.room -= 1",
        "del interpreter.frames[0]",
        "interpreter._since",
        "i = Interpreter(graph, clock)\ni.step_count = 2",
        "for frame in interpreter.frames:\n    frame.changed.clear()",
    ],
)
def test_the_check_finds(line: str) -> None:
    assert list(writes(ast.parse(line)))


def test_what_others_may_know_of_an_interpreter_cannot_be_assigned() -> None:
    run = Run("a: {type: Start Flow, bottom: e}\ne: {type: End Flow}")
    known = [name for name, it in vars(Interpreter).items() if isinstance(it, property)]
    assert {"frames", "progress", "step_count", "since", "secrets"} <= {*known}
    for name in [*known, "anything"]:
        with pytest.raises(AttributeError):
            setattr(run.interpreter, name, None)
