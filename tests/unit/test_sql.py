"""SQL names no status by itself: statements bind what `executions.store.status_params` has."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from executions import states
from executions.states import Status

ROOT = Path(states.__file__).parent
#: Constraints and indexes are made of the values that the database holds.
EXEMPT = {"migrations", "models"}
STATUS = re.compile(rf"'({'|'.join(Status)})'")
COLUMN = re.compile(
    r"\b(status|reason|place|request|stage|trigger|waiting_for)\s*(=|<>|!=|IN\s*\()\s*'\w"
)
FILES = [path for path in sorted(ROOT.rglob("*.py")) if not EXEMPT & set(path.parts)]


def texts(source: str) -> Iterator[ast.Constant]:
    """The strings of a module, those in f-strings too, without its docstrings."""
    tree = ast.parse(source)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and id(node) not in docstrings:
            yield node


def literals(source: str) -> list[str]:
    return [
        f"line {node.lineno}: {found.group()}"
        for node in texts(source)
        for pattern in (STATUS, COLUMN)
        if (found := pattern.search(str(node.value)))
    ]


def test_statements_bind_statuses() -> None:
    assert len(FILES) > 100
    found = {str(path.relative_to(ROOT)): literals(path.read_text()) for path in FILES}
    assert not {path: lines for path, lines in found.items() if lines}


@pytest.mark.parametrize(
    "source",
    [
        "SQL = \"UPDATE t SET status = 'Queued'\"",
        "SQL = f\"SELECT {x} WHERE status IN ('Paused', 'Exception')\"",
        "SQL = f\"CASE {x} WHEN 'Stopping' THEN 1 END\"",
        'SQL = """SELECT 1 WHERE reason = \'limit\'"""',
        "SQL = \"WHERE stage IN ('granted', 'held')\"",
    ],
)
def test_the_scan_finds_literals(source: str) -> None:
    assert literals(source)


def test_the_scan_passes_what_is_bound() -> None:
    assert not literals("SQL = f\"WHERE status = %(queued)s AND reason = '' {x}\"")
