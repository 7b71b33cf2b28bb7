"""Cases of blocks that need nothing outside, run by the interpreter alone.

tests/integration/test_block_cases.py takes some of them all the way: a file, a published version, a
start, a run. With CORTEXWEB_ALL_CASES=1 it takes every one.
"""

from typing import Any

import pytest

from flows.files import parse
from flows.graph import build
from flows.validation import validate
from tests.block_cases import (
    CASES,
    GOLDEN_CASES,
    Builder,
    Case,
    agrees,
    fits,
    has,
    plain,
    runs_in_memory,
    shown,
    variable,
)
from tests.flows_in_memory import Run
from tests.quick_yaml import write_yaml

IN_MEMORY = [case for case in (*CASES, *GOLDEN_CASES) if runs_in_memory(case)]


@pytest.mark.parametrize("case", IN_MEMORY, ids=lambda case: case["id"])
def test_a_case(case: Case) -> None:
    built = Builder(case, written=False).build()
    document = parse(write_yaml(built.document)).document
    graph, messages = build(document)
    assert messages + validate(graph) == []
    run = Run.of(graph, built.inputs)
    outputs = shown(run.outputs())
    thrown = [one for one in run.interpreter.progress.thrown if one.block.rpartition("/")[2] == "x"]
    if "throws" in case:
        (record,) = thrown
        assert record.exception.short_type == case["throws"]
        assert fits(case.get("exception", {}), shown(record.exception))
        for name in case.get("unchanged", []):
            assert outputs[variable(name)] == "untouched"
        return
    assert not thrown
    expected: dict[str, Any] = dict(case["outputs"])
    (visit,) = run.visits("x")
    if "port" in expected:
        assert visit.port == expected.pop("port")
    for name, form in expected.items():
        assert agrees(plain(form), outputs[variable(name)], case.get("compare", ""))
    assert not [path for path in case.get("absent", []) if has(outputs, path)]
