"""Long executions: the first and the last steps are kept, with exact counts of all."""

from collections import Counter
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from executions import limits, runner
from executions.commands.actor import Actor
from executions.commands.lifecycle.start import start
from executions.models import Execution
from executions.retention.trimming import trimmed_steps
from executions.store.read import pages, step_lists, visit_counts
from flows.models import FlowVersion
from tests.flows_in_tests import publish
from tests.integration.test_execution_page import page

pytestmark = pytest.mark.django_db

#: Two blocks an iteration.
COUNT = """
a: {type: Start Flow, bottom: l}
l:
  type: For Loop
  properties: {Start Index: 1, End Index: =Last, Current Index: ($)I}
  right: s
  bottom: e
s: {type: Set Variable, properties: {Value: =I, Variable: ($)Out}, bottom: l}
e: {type: End Flow}
"""
COUNT_VARIABLES = "{Last: {input: true, default: 3}, I: {default: 0}, Out: {output: true}}"


@pytest.fixture
def count(tmp_path: Path) -> FlowVersion:
    return publish(tmp_path, "count", COUNT, COUNT_VARIABLES)


def run(version: FlowVersion, user: User, last: int) -> Execution:
    actor = Actor(user_id=user.pk, name=user.get_username(), source="page")
    execution = start(version, {"Last": last}, actor, Execution.Trigger.PAGE)
    runner.run(execution.pk)
    execution.refresh_from_db()
    return execution


def kept(execution: Execution) -> list[int]:
    return list(execution.steps.order_by("number").values_list("number", flat=True))


def test_what_is_dropped_lies_between_the_first_and_the_last() -> None:
    certain = limits.FIRST_STEPS_KEPT + limits.LAST_STEPS_KEPT
    assert not trimmed_steps(0)
    assert not trimmed_steps(certain + limits.TRIM_BATCH - 1)
    for count in range(certain + limits.TRIM_BATCH, certain + 5 * limits.TRIM_BATCH, 77):
        trimmed = trimmed_steps(count)
        assert trimmed[0] == limits.FIRST_STEPS_KEPT + 1
        kept = count - trimmed[-1]
        assert limits.LAST_STEPS_KEPT <= kept < limits.LAST_STEPS_KEPT + limits.TRIM_BATCH


@pytest.mark.parametrize("last", [5_200, 12_000])
def test_the_first_and_the_last_steps_are_kept_with_exact_counts(
    count: FlowVersion, admin_user: User, last: int
) -> None:
    execution = run(count, admin_user, last)
    assert execution.status == "Ended"
    assert execution.step_count == 3 + 2 * last
    trimmed = trimmed_steps(execution.step_count)
    expected = [n for n in range(1, execution.step_count + 1) if n not in trimmed]
    assert kept(execution) == expected
    assert visit_counts.visit_counts(execution) == Counter(
        {("a", "bottom"): 1, ("l", "right"): last, ("l", "bottom"): 1, ("s", "bottom"): last}
        | {("e", ""): 1}
    )


def test_a_batch_that_overtakes_the_last_ones_is_not_written_whole(
    count: FlowVersion, admin_user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "CHECKPOINT_BLOCKS", 50_000)
    monkeypatch.setattr(runner, "CHECKPOINT_SECONDS", 60)
    execution = run(count, admin_user, 12_000)
    trimmed = trimmed_steps(execution.step_count)
    assert kept(execution) == [n for n in range(1, execution.step_count + 1) if n not in trimmed]
    assert sum(visit_counts.visit_counts(execution).values()) == execution.step_count


def test_pages_say_what_is_not_kept_and_skip_it(count: FlowVersion, admin_user: User) -> None:
    execution = run(count, admin_user, 10_000)
    trimmed = trimmed_steps(execution.step_count)
    told = f"Steps 9,001 to {trimmed[-1]:,} of 20,003 are not kept."
    html = page(admin_user, execution)
    assert told in html
    assert "\u00d710k" in html  # the visits of the loop's block
    for asked in (9_001, 9_999, trimmed[-1], trimmed[-1] + 1):
        html = page(admin_user, execution, f"?at={asked}")
        assert told in html
        assert f'data-key="s{trimmed[-1] + 1}"' in html
        assert f'data-key="s{trimmed[-1] + pages.PAGE_SIZE}"' in html
        assert 'href="?at=8951"' in html
    html = page(admin_user, execution, "?at=8951")
    assert 'data-key="s9000"' in html
    assert f'href="?at={trimmed[-1] + 1}"' in html
    seen, at = [], "1"
    while at:
        rows = step_lists.step_page(execution, int(at))
        seen += [step.number for step in rows.rows if step.number not in seen[-50:]]
        at = rows.newer
    assert seen == kept(execution)
    assert "not kept" not in page(admin_user, run(count, admin_user, 100))
