"""The debug plan of an execution that somebody debugs: rows ↔ `executions.engine.debugging`.

An execution that nobody debugs has NULL in each of these columns.
"""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from executions.engine.debugging import Breakpoint, RunUntil, Stepper


@dataclass(slots=True)
class DebugPlan:
    """What people set on an execution; a worker reads it at its next checkpoint."""

    break_on_exception: bool = False
    breakpoints: dict[str, Breakpoint] = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=dict)

    def stored(self) -> dict[str, Any] | None:
        """Return the form in the column `debug`."""
        form: dict[str, Any] = {}
        if self.break_on_exception:
            form["exceptions"] = True
        if self.breakpoints:
            form["breakpoints"] = {key: asdict(b) for key, b in self.breakpoints.items()}
        return form or None


#: Of an execution that nobody debugs; never changed.
NO_PLAN = DebugPlan()


def plan_of(stored: dict[str, Any] | None, counted: dict[str, int] | None = None) -> DebugPlan:
    """Return the plan of the column `debug`: the inverse of `DebugPlan.stored`."""
    form = stored or {}
    return DebugPlan(
        bool(form.get("exceptions")),
        {key: Breakpoint(**held) for key, held in form.get("breakpoints", {}).items()},
        dict(counted or {}),
    )


def load(debug: str | None, hits: str | None) -> DebugPlan:
    """Return the plan of the columns `debug` and `debug_hits`."""
    return plan_of(json.loads(debug) if debug else None, json.loads(hits) if hits else None)


def dumps(plan: DebugPlan) -> str | None:
    """Return the JSON text of the column `debug`."""
    stored = plan.stored()
    return None if stored is None else json.dumps(stored)


def stepper_of(plan: DebugPlan, until: str | None, passed: int | None) -> Stepper | None:
    """Return what runs the execution block by block, or None where nothing may halt it."""
    if until is None and not any(b.enabled for b in plan.breakpoints.values()):
        return None
    goal = RunUntil(**json.loads(until)) if until else None
    return Stepper(plan.breakpoints, goal, passed, plan.counted)


def renewed_stepper(stepper: Stepper | None, plan: DebugPlan) -> Stepper | None:
    """Return the stepper of a plan that somebody changed: what was not touched keeps its hits."""
    until = stepper.until if stepper else None
    if until is None and not any(b.enabled for b in plan.breakpoints.values()):
        return None
    before = stepper.breakpoints if stepper else {}
    counted = stepper.counted if stepper else plan.counted
    same = {key: n for key, n in counted.items() if before.get(key) == plan.breakpoints.get(key)}
    return Stepper(plan.breakpoints, until, stepper.passed if stepper else None, same)
