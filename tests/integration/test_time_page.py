"""The past on the page of an execution: what the server answers for a moment of it."""

import json
import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from executions import runner
from executions.models import Execution, Intervention
from executions.retention.trimming import trimmed_steps
from flows.models import FlowVersion
from tests.debugging import NESTED, NESTED_VARIABLES, Session
from tests.driving import begin, drive, fresh
from tests.flows_in_tests import (
    PARENT,
    PARENT_VARIABLES,
    SQUARE,
    SQUARE_VARIABLES,
    publish,
)
from tests.integration.test_execution_page import client_of, page
from tests.timing import least_seconds

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]


def part(html: str, name: str) -> str:
    return html.partition(f'id="part-{name}"')[2].partition('id="part-')[0]


def run(version: FlowVersion, **inputs: Any) -> Execution:
    execution = begin(version, **inputs)
    runner.run(execution.pk)
    return fresh(execution)


def test_a_moment_is_shown_as_it_was(loop: FlowVersion, admin_user: User) -> None:
    execution = run(loop, Last=3)
    html = page(admin_user, execution, "?step=4")  # Start, loop, add, loop: about to add 2
    assert "Viewing <b>step 4</b>, live is step 9" in html
    assert 'data-block="add"' in part(html, "tokens")
    assert 'class="ghost"' in part(html, "tokens")
    side = part(html, "side")
    assert re.search(
        r'title="Integer: 2"><span[^>]*>#</span><span class="name ellipsis">I</span>', side
    )
    assert "List with 1 item<" in side
    assert 'aria-valuetext="Step 4 of 9, For Loop"' in html
    assert 'href="?step=3"' in html  # the way back and on, without JavaScript
    assert 'href="?step=5"' in html
    live = page(admin_user, execution)
    assert "Viewing" not in live
    assert "List with 3 items<" in part(live, "side")
    assert 'aria-valuetext="Step 9 of 9, End Flow, live"' in live


def test_times_and_visits_are_those_of_the_moment(loop: FlowVersion, admin_user: User) -> None:
    execution = run(loop, Last=3)
    for number in range(1, execution.step_count + 1):
        execution.steps.filter(number=number).update(duration=number * 1_000_000)
    shown = part(page(admin_user, execution, "?step=4&overlay=time"), "marks")
    assert "For Loop: 6.0 s in all" in shown  # steps 2 and 4
    assert "Add Item At End: 3.0 s in all" in shown
    assert "End Flow" not in shown
    assert "6.0 s" in part(page(admin_user, execution, "?step=4&overlay=time"), "legend")
    live = part(page(admin_user, execution, "?overlay=time"), "marks")
    assert "For Loop: 20.0 s in all" in live
    assert "For Loop: 2 visits" in part(page(admin_user, execution, "?step=4"), "marks")
    blocks = part(page(admin_user, execution, "?step=4&tab=blocks"), "bottom")
    assert "after step 4" in blocks
    assert execution.status not in blocks
    client = client_of(admin_user)
    menu = reverse("execution-block", args=[execution.pk])
    then = client.get(menu, {"block": "l", "step": "4"}).content.decode()
    assert "<b>Until step 4:</b> 2 visits, 6.0 s in all." in then
    assert re.search(r"in all\. \w+ \W2\s*</p>", then)
    assert "4 visits, 20.0 s in all" in client.get(menu, {"block": "l"}).content.decode()
    stood = client.get(menu, {"block": "add", "step": "4"}).content.decode()
    assert "a token stood here" in stood


def test_the_built_in_variable_is_that_of_the_moment(tmp_path: Path, admin_user: User) -> None:
    """Semantics 30, 93."""
    blocks = """
    a: {type: Start Flow, bottom: s}
    s: {type: Set Variable, properties: {Value: 1, Variable: ($)EXTENSIONS.X}, bottom: t}
    t: {type: Set Variable, properties: {Value: 2, Variable: ($)EXTENSIONS.X}, bottom: e}
    e: {type: End Flow}
    """.replace("EXTENSIONS", "_executionContext.Extensions")
    execution = run(publish(tmp_path, "extended", blocks))
    client, address = client_of(admin_user), f"/executions/{execution.pk}/value/"

    def held(query: str) -> Any:
        return json.loads(client.get(f"{address}{query}").content)["Extensions"]

    assert held("?var=0:_executionContext") == {"X": 2}
    assert held("?var=0:_executionContext&step=2") == {"X": 1}
    assert held("?var=0:_executionContext&step=1") == {}
    shown = part(page(admin_user, execution, "?step=3&var=0:_executionContext"), "side")
    assert 'data-key="0:_executionContext" class="fresh"' in shown
    assert ">Before</a>" in shown
    before = part(page(admin_user, execution, "?step=3&var=0:_executionContext&before=1"), "side")
    assert "X" in before
    assert "fresh" not in part(page(admin_user, execution, "?step=4"), "side")
    told = part(page(admin_user, execution, "?step=3&tab=differences&from=2"), "bottom")
    assert "_executionContext.Extensions" in told
    assert "context:extensions" not in told
    execution.steps.filter(number=2).update(
        changes={"_executionContext.Extensions": {"summary": "Structure with 1 item", "size": 9000}}
    )
    lost = part(page(admin_user, execution, "?step=2&var=0:_executionContext"), "side")
    assert "Its Extensions were large" in lost


def test_the_first_and_the_last_moment(loop: FlowVersion, admin_user: User) -> None:
    execution = run(loop, Last=1)
    html = page(admin_user, execution, "?step=0")
    assert 'data-block="a"' in part(html, "tokens")
    assert 'data-move="previous"' not in html
    assert 'data-move="next"' in html
    assert 'aria-valuenow="0"' in html
    html = page(admin_user, execution, "?step=999999")
    assert f'aria-valuenow="{execution.step_count}"' in html
    for query in ("?step=-1", "?step=x", "?step=", f"?step={'9' * 30}", "?time=x"):
        assert "Viewing" not in page(admin_user, execution, query)


def test_exceptions_until_then_and_the_way_to_them(tmp_path: Path, admin_user: User) -> None:
    execution = run(publish(tmp_path, "nested", NESTED, NESTED_VARIABLES))
    step = execution.steps.get(block="w/v/t").number
    before = page(admin_user, execution, f"?panel=exceptions&step={step - 1}")
    assert "No exception was thrown." in part(before, "side")
    assert f'href="?panel=exceptions&amp;step={step}" data-replace data-move="exception-after"' in (
        before
    )
    then = page(admin_user, execution, f"?panel=exceptions&step={step}")
    assert "FlowException" in part(then, "side")
    assert "on the exception port of" in part(then, "tokens")


def test_a_moment_that_is_not_kept_says_so(loop: FlowVersion, admin_user: User) -> None:
    execution = run(loop, Last=6000)
    trimmed = trimmed_steps(execution.step_count)
    html = page(admin_user, execution, f"?step={trimmed[5]}")
    last = trimmed.stop - 1
    assert f"Step {trimmed[5]:,} is not kept. Steps 9,001 to {last:,} were dropped." in html
    assert 'data-token="' not in part(html, "tokens")
    assert 'href="?step=9000"' in page(admin_user, execution, f"?step={trimmed.stop}")


def test_a_large_value_of_the_past_is_loaded_with_its_moment(
    loop: FlowVersion, admin_user: User
) -> None:
    execution = run(loop, Last=400)
    url = reverse("execution-value", args=[execution.pk])
    client = client_of(admin_user)
    number = execution.steps.filter(block="add").order_by("number")[150].number
    html = page(admin_user, execution, f"?step={number}")
    assert "List with 151 items" in part(html, "side")
    assert len(client.get(url, {"var": "0:Seen", "step": number}).json()) == 151
    assert len(client.get(url, {"var": "0:Seen"}).json()) == 400


def test_differences_between_two_moments(loop: FlowVersion, admin_user: User) -> None:
    execution = run(loop, Last=3)
    html = part(page(admin_user, execution, "?tab=differences&from=3&step=5"), "bottom")
    assert "From step <b>3</b> to step <b>5</b>" in html
    assert "<del>1</del>" in html
    assert "<ins>2</ins>" in html
    assert "Seen[1]" in html
    assert "For Loop \u00d71" in html
    swapped = part(page(admin_user, execution, "?tab=differences&from=5&step=3"), "bottom")
    assert "From step <b>3</b> to step <b>5</b>" in swapped
    same = part(page(admin_user, execution, "?tab=differences&from=3&step=3"), "bottom")
    assert "No variable differs." in same


def test_children_on_one_clock(tmp_path: Path, admin_user: User) -> None:
    publish(tmp_path, "square", SQUARE, SQUARE_VARIABLES)
    execution = drive(begin(publish(tmp_path, "parent", PARENT, PARENT_VARIABLES), N=3).pk)
    child = Execution.objects.get(parent=execution)
    html = page(admin_user, execution, "?step=2&clock=1")
    told = html.partition('aria-label="Children at this moment"')[2].partition("</table>")[0]
    link = re.search(rf'href="({child.get_absolute_url()}\?time=(\d+))"', told)
    assert link is not None
    assert "None had started" in page(admin_user, execution, "?step=0&clock=1")
    start = int(child.started_at.timestamp() * 1000) - 1000
    html = page(admin_user, child, f"?time={start}")
    assert 'aria-valuenow="0"' in html
    assert "Viewing" not in page(admin_user, child, "?time=99999999999999")


def test_steps_of_one_block_and_those_that_threw(tmp_path: Path, admin_user: User) -> None:
    execution = run(publish(tmp_path, "nested", NESTED, NESTED_VARIABLES))
    step = execution.steps.get(block="w/v/t").number
    for query in ("?block=w/v/t", "?thrown=1"):
        html = part(page(admin_user, execution, query), "bottom")
        assert re.findall(r'data-key="s(\d+)"', html) == [str(step)]
    html = part(page(admin_user, execution, "?thrown=1&block=a"), "bottom")
    assert "No kept step matches the filter." in html


def listed(html: str) -> list[int]:
    return [int(number) for number in re.findall(r'data-key="s(\d+)"', part(html, "bottom"))]


def test_steps_of_the_selected_token(tmp_path: Path, admin_user: User) -> None:
    execution = run(publish(tmp_path, "nested", NESTED, NESTED_VARIABLES))
    blocks = list(execution.steps.order_by("number").values_list("block", flat=True))
    assert blocks == ["a", "w", "w/s", "w/v", "w/v/s", "w/v/t", "w/h", "w/x", "e"]
    inner = page(admin_user, execution, "?step=5&own=1")
    assert listed(inner) == [5, 6]
    assert "Only the token in Inner" in inner
    middle = page(admin_user, execution, "?step=5&own=1&token=1")
    assert listed(middle) == [3, 4, 7, 8]
    assert "Only the token in Outer" in middle
    assert listed(page(admin_user, execution, "?step=5&own=1&token=0")) == [1, 2, 9]
    assert listed(page(admin_user, execution, "?step=5&own=1&token=1&block=w/h")) == [7]
    assert listed(page(admin_user, execution, "?step=5&own=1&thrown=1")) == [6]
    assert listed(page(admin_user, execution, "?own=1")) == [1, 2, 9]
    # One click on the selected token, which is the inner one; one on another selects that.
    tokens = part(page(admin_user, execution, "?step=5&thrown=1&workspace=w/v"), "tokens")
    assert 'href="?step=5&amp;thrown=1&amp;own=1&amp;workspace=w/v"' in tokens
    assert "Click for its steps alone" in tokens
    tokens = part(page(admin_user, execution, "?step=5&own=1&workspace=w"), "tokens")
    assert 'href="?token=1&amp;step=5&amp;own=1&amp;workspace=w"' in tokens
    # The form keeps the rest of the address, and paging keeps the filter.
    form = part(inner, "bottom").partition("<form")[2].partition("</form>")[0]
    assert 'name="step" value="5"' in form
    assert 'name="own" value="1" checked' in form


def test_a_token_that_was_moved_out_begins_anew(tmp_path: Path, admin_user: User) -> None:
    """Out of its workspace and in again: another token, with steps of its own."""
    session = Session(admin_user)
    execution = session.start(publish(tmp_path, "nested", NESTED, NESTED_VARIABLES), paused=True)
    for _ in range(3):
        session.do("step", execution)
    session.do("set-next", execution, block="w")  # out
    session.do("step", execution)  # in
    session.do("step", execution)
    assert listed(page(admin_user, execution, "?own=1&token=1")) == [5]
    # Out of it there is only the outer one.
    assert listed(page(admin_user, execution, "?step=3&own=1&token=1")) == [1, 2, 4]
    assert listed(page(admin_user, execution, "?step=2&own=1&token=1")) == [3]


def test_filtered_steps_are_paged_by_number(loop: FlowVersion, admin_user: User) -> None:
    execution = run(loop, Last=120)
    html = part(page(admin_user, execution, "?block=add"), "bottom")
    numbers = re.findall(r'data-key="s(\d+)"', html)
    assert len(numbers) == 50
    older = re.search(r'href="(\?at=\d+&amp;block=add)"', html)
    assert older is not None
    html = part(page(admin_user, execution, older[1].replace("&amp;", "&")), "bottom")
    assert len(re.findall(r'data-key="s(\d+)"', html)) == 50


def test_the_gantt_view(tmp_path: Path, admin_user: User) -> None:
    publish(tmp_path, "square", SQUARE, SQUARE_VARIABLES)
    execution = drive(begin(publish(tmp_path, "parent", PARENT, PARENT_VARIABLES), N=-3).pk)
    html = part(page(admin_user, execution, "?tab=gantt"), "bottom")
    assert html.count('class="line"') == 5
    assert 'class="thrown"' in html
    assert "Child square" in html
    assert 'href="?tab=gantt&amp;step=2"' in html


def test_many_visits_become_few_bars(loop: FlowVersion, admin_user: User) -> None:
    execution = run(loop, Last=3000)
    html = part(page(admin_user, execution, "?tab=gantt"), "bottom")
    assert "Visits that are close together are one bar." in html
    assert html.count("<rect") < 2000


def test_who_may_not_see_it_learns_no_times(loop: FlowVersion, admin_user: User) -> None:
    execution = run(loop, Last=2)
    url = reverse("execution-times", args=[execution.pk])
    told = client_of(admin_user).get(url, {"step": 2}).json()
    assert [number for number, _ in told["steps"]] == [2, 3, 4, 5, 6, 7]
    back = client_of(admin_user).get(url, {"step": 3, "back": ""}).json()
    assert [number for number, _ in back["steps"]] == [3, 2, 1]
    client = client_of(User.objects.create_user("eve"))
    assert client.get(url).status_code == 404
    assert client.get(f"/executions/{execution.pk}/?step=2").status_code == 404
    value = reverse("execution-value", args=[execution.pk])
    assert client.get(value, {"level": 0, "name": "seen", "step": 3}).status_code == 404
    client.logout()
    assert client.get(url).status_code == 302


def test_what_people_did_is_kept_with_the_step(loop: FlowVersion, admin_user: User) -> None:
    execution = begin(loop, paused=True, Last=2)
    runner.run(execution.pk)
    note = Intervention.objects.get(execution=execution)
    assert (note.kind, note.after_step, note.stays) == ("start", 0, 0)
    assert json.dumps(note.changes["0"]["seen"]) == '{"value": []}'


def test_a_jump_answers_in_time(loop: FlowVersion, admin_user: User) -> None:
    execution = run(loop, Last=50_000)
    while execution.status == "Queued":
        runner.run(execution.pk)
        execution = fresh(execution)
    assert execution.step_count > 100_000
    client = client_of(admin_user)
    url = reverse("execution-live", args=[execution.pk])
    client.get(url)
    for step in (100, 8_000, execution.step_count - 500):
        jump = partial(client.get, url, {"step": step})
        assert jump().status_code == 200
        # 200 ms on a machine of its own (benchmarks/history.py); this one may be busy.
        assert least_seconds(jump, 1.0) < 1.0, step
