"""docs/engine.md knows every status, transition, decision and wait state; commands are held in
test_command_reference.py, its limits in test_limits.py, blocks in test_block_reference.py."""

import re
from typing import get_args

from django.conf import settings

from executions.engine.debugging import Halted
from executions.engine.state import Decision
from executions.states import TRANSITIONS, Status
from executions.wait_states import registry

PAGE = (settings.BASE_DIR / "docs" / "engine.md").read_text()


def table(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading."""
    lines = PAGE.partition(f"\n## {heading}\n")[2].splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith("|"))
    rows = []
    for line in lines[first + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return rows


def test_every_status_says_who_moves_it_on() -> None:
    assert [row[0] for row in table("Statuses")] == [status.value for status in Status]


def test_the_diagram_has_every_transition_and_no_other() -> None:
    drawn = re.findall(r"^ +(\S+) --> (\w+|\[\*\])", PAGE, re.MULTILINE)
    known = {(before.value, after.value) for before in Status for after in TRANSITIONS[before]}
    ends = {(status.value, "[*]") for status in Status if status.is_terminal}
    assert sorted(drawn) == sorted({*known, *ends, ("[*]", Status.QUEUED.value)})


def test_every_decision_says_what_the_runner_does() -> None:
    told = {name for row in table("One turn") for name in re.findall(r"`(\w+)`", row[0])}
    assert told == {kind.__name__ for kind in (*get_args(Decision), Halted)}


def test_every_wait_state_says_what_wakes_it() -> None:
    told = {row[0].strip("`") for row in table("Wait states")}
    assert told == {one.request.__name__ for one in registry.WAIT_STATES}
