"""The cheat sheet: its expressions have their values, its flow runs, its blocks exist."""

import json
import re
from typing import Any

import pytest
from django.conf import settings

from executions.engine.state import Finished
from flows import equality, expressions, value_sources
from flows.blocks import BY_TYPE
from flows.files import parse
from flows.graph import build
from flows.validation import validate
from tests.flows_in_memory import Run

PAGE = (settings.BASE_DIR / "docs" / "cheat-sheet.md").read_text()
ORDER = json.loads(re.findall(r"`Order` is `(.*)`\.", PAGE)[0])
TABLES = re.findall(r"\| expression \| value \|\n\|---\|---\|\n((?:\|.*\n)+)", PAGE)
ROWS = [re.fullmatch(r"\| `(.*)` \| `(.*)` \|", row) for t in TABLES for row in t.splitlines()]


def test_each_table_is_read() -> None:
    assert len(TABLES) == 4
    assert all(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1])
def test_an_expression_has_its_value(row: re.Match[str]) -> None:
    compiled = expressions.compile(row[1])
    value = compiled.evaluate({"Order": ORDER} if compiled.names else {})
    assert equality.same(value, json.loads(row[2]))


def test_the_sources_are_what_they_are_said_to_be() -> None:
    kinds: dict[str, Any] = {
        "($)Order": value_sources.Variable,
        "($)Order.Lines[0]": value_sources.Path,
        "=Order.Total * 2": value_sources.Expression,
        "\\=text": value_sources.Literal,
        "($)_": value_sources.Variable,
    }
    for written, kind in kinds.items():
        assert f"`{written}`" in PAGE
        assert isinstance(value_sources.parse(written), kind), written
    assert "`{$items: [[1, one], [true, yes]]}`" in PAGE
    keyed = value_sources.parse({"$items": [[1, "one"], [True, "yes"]]})
    assert isinstance(keyed, value_sources.Literal)
    assert len(keyed.value) == 2


def test_the_blocks_exist() -> None:
    table = PAGE.partition("| to | block |\n|---|---|\n")[2]
    rows = re.findall(r"\| .* \| (.*) \|", table)
    names = [name for row in rows for name in row.split(", ")]
    assert len(names) > 15
    unknown = [
        name
        for name in names
        if name.casefold() not in BY_TYPE
        and not any(known.endswith(f"/{name.casefold()}") for known in BY_TYPE)
    ]
    assert not unknown


def test_the_flow_runs() -> None:
    [text] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    document = parse(text).document
    graph, messages = build(document)
    assert messages + validate(graph) == []
    blocks, variables = (json.dumps(document[name]) for name in ("blocks", "variables"))
    done = Run(blocks, variables, Order=ORDER).go()
    assert isinstance(done, Finished)
    assert done.outputs == {"Total": 7.0}
