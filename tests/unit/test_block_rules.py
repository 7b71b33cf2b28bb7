"""Blocks case by case: a flow document, a run, what came of it. The tests of rules show how blocks
play together; these hold the details of one."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flows.blocks import BY_TYPE
from flows.blocks.base import WaitUntil
from tests.flows_in_memory import Run, messages
from tests.quick_yaml import write_yaml


@dataclass
class Case:
    """A block with its properties, given as inputs of the flow, and what is expected of it."""

    block: str
    given: dict[str, Any]
    port: str = "bottom"
    throws: str = ""
    outputs: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.block}-{self.throws or self.port}-{list(self.given.values())}"


def run(case: Case) -> Run:
    """The case's block between a start and ends, one for each port."""
    kind = BY_TYPE[case.block.casefold()]
    names = {prop.name: prop.name.replace(" ", "") for prop in kind.properties}
    used = {p.name for p in kind.properties if p.name in case.given or p.writes}
    blocks: dict[str, Any] = {
        "s": {"type": "Start Flow", "bottom": "x"},
        "x": {
            "type": kind.type,
            "properties": {name: f"($){names[name]}" for name in used},
            **{port.value: f"at-{port.value}" for port in kind.ports},
        },
        "at-bottom": {"type": "End Flow"},
        "at-right": {"type": "End Flow"},
        "at-exception": {"type": "Handle Block Exception", "bottom": "at-bottom"},
    }
    variables = {
        names[p.name]: {"output": p.writes} | ({"input": True} if p.name in case.given else {})
        for p in kind.properties
        if p.name in used
    }
    text = write_yaml(blocks)
    assert messages(text, write_yaml(variables)) == []
    given = {names[name]: value for name, value in case.given.items()}
    return Run(text, write_yaml(variables), **given)


WHEN = datetime(2024, 5, 1, 8, 30, tzinfo=UTC)

CASES = [
    *(Case("If True Exit Right", {"Value": v}, p) for v, p in ((True, "right"), (False, "bottom"))),
    *(
        Case("If True Exit Bottom", {"Value": v}, p)
        for v, p in ((True, "bottom"), (False, "right"))
    ),
    *(
        Case(f"If True Exit {way}", {"Value": value}, throws="InvalidPropertyValueException")
        for way in ("Right", "Bottom")
        for value in (None, 1, "true", [])
    ),
    *(
        Case(f"If Null Exit {way}", {"Value": value}, port)
        for way, null, other in (("Right", "right", "bottom"), ("Bottom", "bottom", "right"))
        for value, port in ((None, null), ("", other), ([], other), ({}, other), ("x", other))
    ),
    *(
        Case(f"If Null Exit {way}", {"Value": value}, throws="PropertyNotNullableException")
        for way in ("Right", "Bottom")
        for value in (0, False, 1.5, WHEN, timedelta(seconds=1))
    ),
    *(
        Case("Set Variable", {"Value": value}, outputs={"Variable": value})
        for value in (None, 0, "=text", {"a": [1]}, WHEN, b"\0")
    ),
    *(
        Case("Wait For Duration", {"Duration": duration}, throws=thrown)
        for duration, thrown in (
            (None, "PropertyNullException"),
            ({"Seconds": -1}, "PropertyValueOutOfRangeException"),
            ({"Hours": 1, "Minutes": -61}, "PropertyValueOutOfRangeException"),
            ({"Years": 9000}, "ArgumentOutOfRangeException"),
            ({"Days": 2**31}, "ArgumentOutOfRangeException"),
            ({"Weeks": 1}, "InvalidPropertyValueException"),
            ({"Months": 0.5}, "InvalidPropertyValueException"),
            ("soon", "InvalidPropertyValueException"),
        )
    ),
    Case("Log Event", {"Event Details": None}, throws="PropertyNullException"),
    *(
        Case(
            "Log Event", {"Event Details": "x", "Event Severity": given}, throws="ArgumentException"
        )
        for given in (-1, 9, "Loud", "information")
    ),
    Case("Wireless Sender", {"Wireless Receiver Block": 5}, throws="InvalidPropertyValueException"),
    Case(
        "Wireless Sender",
        {"Wireless Receiver Block": None},
        throws="WirelessReceiverBlockNotFoundException",
        fields={"category": "NotFound", "error_code": 101},
    ),
    *(
        Case(
            "For Loop",
            {"Start Index": a, "End Index": b, "Increment": by, "Current Index": 0},
            throws="InfiniteLoopException",
            fields={"category": "Increment", "error_code": code},
        )
        for a, b, by, code in ((1, 9, 0, 100), (9, 1, 0, 100), (9, 1, 2, 102), (1, 9, -2, 101))
    ),
    *(
        Case(
            "For Loop",
            {"Start Index": a, "End Index": b, "Increment": by, "Current Index": 3},
            port="right",
            outputs={"Current Index": a},
        )
        for a, b, by in ((4, 9, 1), (9, 4, -1), (7, 7, 1), (7, 7, -1), (-2, 5, 10))
    ),
    Case("For Each Loop", {"Collection": []}, outputs={"Current Iteration": {}}),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_block_alone(case: Case) -> None:
    """Semantics 7, 8, 24, 50, 54, 56, 58, 77."""
    done = run(case)
    decision = done.go()
    visits = done.visits("x")
    assert done.thrown == ([case.throws] if case.throws else [])
    if case.throws:
        (thrown,) = done.exceptions
        assert {name: getattr(thrown, name) for name in case.fields} == case.fields
        return
    assert visits[0].port == case.port
    for name, value in case.outputs.items():
        assert decision.outputs[name.replace(" ", "")] == value  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [
        ({}, 0),
        ({"Seconds": 1.5}, 1.5),
        ({"Minutes": 2, "Seconds": -20}, 100),
        ({"Hours": 1, "Milliseconds": 250}, 3600.25),
        ({"Days": 1}, 86_400),
        (timedelta(minutes=3), 180),
    ],
)
def test_how_long_a_wait_is(duration: Any, seconds: float) -> None:
    """Semantics 77."""
    done = run(Case("Wait For Duration", {"Duration": duration}))
    decision = done.go()
    assert isinstance(decision, WaitUntil)
    assert decision.at.timestamp() - done.now == pytest.approx(seconds, abs=0.01)


@pytest.mark.parametrize(
    ("start", "duration", "until"),
    [
        ((2024, 1, 31), {"Months": 1}, (2024, 2, 29)),
        ((2024, 2, 29), {"Years": 1}, (2025, 2, 28)),
        ((2024, 2, 29), {"Years": 1, "Months": 1}, (2025, 3, 28)),
        ((2024, 10, 31), {"Months": 1, "Days": 1}, (2024, 12, 1)),
        ((2024, 3, 31), {"Months": -1, "Days": 40}, (2024, 4, 9)),
    ],
)
def test_years_and_months_are_clamped_one_after_the_other(
    start: tuple[int, int, int], duration: dict[str, int], until: tuple[int, int, int]
) -> None:
    """Semantics 77."""
    done = run(Case("Wait For Duration", {"Duration": duration}))
    done.now = datetime(*start, tzinfo=UTC).timestamp()
    decision = done.go()
    assert isinstance(decision, WaitUntil)
    assert (decision.at.year, decision.at.month, decision.at.day) == until


def test_an_event_is_logged_with_its_times() -> None:
    """What a Log Event block is given is what is written down."""
    given = {
        "Event Details": {"Order": 7},
        "Event Type": "Orders",
        "Event Severity": "Warning",
        "Started At": WHEN,
        "Ended At": WHEN + timedelta(seconds=12),
    }
    done = run(Case("Log Event", given))
    done.go()
    (logged,) = done.interpreter.progress.logged
    line = logged.line
    assert (line.details, line.event_type, line.severity) == ({"Order": 7}, "Orders", "Warning")
    assert (line.started_at, line.ended_at) == (WHEN, WHEN + timedelta(seconds=12))


@pytest.mark.parametrize("given", [{}, {"Event Severity": None, "Event Type": None}])
def test_an_event_has_a_severity_and_times_of_its_own(given: dict[str, Any]) -> None:
    done = run(Case("Log Event", {"Event Details": "x"} | given))
    done.go()
    (logged,) = done.interpreter.progress.logged
    assert logged.line.severity == "Information"
    assert logged.line.started_at == logged.line.ended_at
    assert logged.line.started_at is not None
    assert abs(logged.line.started_at.timestamp() - done.now) < 1
