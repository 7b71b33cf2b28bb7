"""Two executions compared: where they diverge, what each did and holds, and who may see that."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from executions import runner
from executions.models import Execution
from executions.store.history.divergence import Divergence, compare_steps
from flows.models import FlowVersion
from tests.debugging import Session
from tests.driving import begin, drive, fresh
from tests.flows_in_tests import LOOP, LOOP_VARIABLES, SQUARE, SQUARE_VARIABLES, publish
from tests.integration.test_execution_page import client_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]


@pytest.fixture
def square(tmp_path: Path) -> FlowVersion:
    return publish(tmp_path, "square", SQUARE, SQUARE_VARIABLES)


def run(version: FlowVersion, **inputs: Any) -> Execution:
    return drive(begin(version, **inputs).pk)


def compared(client: Client, status: int = 200, **query: Any) -> str:
    response = client.get(reverse("executions-compare"), query)
    assert response.status_code == status
    return re.sub(r">\s+<", "><", response.content.decode())


def table(html: str, name: str) -> str:
    return html.partition(f'<table class="dense-table" aria-label="{name}"')[2].partition(
        "</table>"
    )[0]


def test_the_first_step_at_which_they_diverge(square: FlowVersion, admin_user: User) -> None:
    good, bad = run(square, N=4), run(square, N=-4)
    diverged = compare_steps(good, bad).divergence
    assert diverged == Divergence(2, 2)
    html = compared(client_of(admin_user), a=good.pk, b=bad.pk)
    told = html.partition("Where they diverge")[2].partition("</section>")[0]
    assert f'href="{good.get_absolute_url()}?step=2"' in told
    assert f'href="{bad.get_absolute_url()}?step=2"' in told
    assert "left by port no" in told
    assert "left by port yes" in told
    blocks = table(html, "Blocks")
    assert blocks.count("only A") == 2  # Set Variable and End Flow
    assert blocks.count("only B") == 2  # Throw and Handle Flow Exception
    assert blocks.count("they diverge here") == 1
    assert f'href="{good.get_absolute_url()}?block=s" aria-label="1 visits of Set' in blocks
    assert re.search(r"Start Flow.*?(\d+ µs|\d+ ms).*?(\d+ µs|\d+ ms)", blocks, re.S)
    values = table(html, "Inputs and outputs")
    assert re.search(
        r">N</td>.*?<del>4</del>.*?<ins>-4</ins></td><td>Input</td><td>differs<", values
    )
    assert re.search(r">Square</td>.*?<del>16</del>.*?</td><td>Output</td><td>only A<", values)
    variables = table(html, "Variables")
    assert "<del>4</del>" in variables
    assert "<ins>-4</ins>" in variables


def test_the_same_steps(square: FlowVersion, admin_user: User) -> None:
    one, two = run(square, N=2), run(square, N=2)
    html = compared(client_of(admin_user), a=one.pk, b=two.pk)
    assert "They took the same steps." in html
    assert "0 of 2 differ" in html  # N and Square, in and out
    values, variables = table(html, "Inputs and outputs"), table(html, "Variables")
    assert re.search(r">N</td>.*?>2</td>.*?>2</td><td>Input</td><td>same</td>", values)
    assert 'class="diff-same"' in variables
    assert "<ins>" not in values + variables
    assert 'class="ch ' not in html


def test_one_that_went_further(tmp_path: Path, admin_user: User) -> None:
    loop = publish(tmp_path, "loop", LOOP, LOOP_VARIABLES)
    one, two = run(loop, Last=2), run(loop, Last=3)
    assert compare_steps(one, two).divergence == Divergence(6, 6)
    stopped = begin(loop, Last=2)
    Execution.objects.filter(pk=stopped.pk).update(steps_wanted=3)
    runner.run(stopped.pk)
    assert compare_steps(fresh(stopped), one).divergence == Divergence(None, 4)
    html = compared(client_of(admin_user), a=stopped.pk, b=one.pk)
    assert "had already ended" in html


def test_what_is_not_kept_is_told(tmp_path: Path, admin_user: User) -> None:
    loop = publish(tmp_path, "loop", LOOP, LOOP_VARIABLES)
    one, two = run(loop, Last=5_600), run(loop, Last=5_700)
    assert compare_steps(one, two).trimmed == range(9_001, 10_001)
    html = compared(client_of(admin_user), a=one.pk, b=two.pk)
    assert (
        "Steps 9,001 to 10,000 are not kept in both executions. They may have diverged there."
        in html
    )


def test_a_retry_is_held_against_the_end_of_its_origin(
    square: FlowVersion, admin_user: User
) -> None:
    session = Session(admin_user)
    failed = session.start(square, inputs={"N": -2})
    assert failed.status == "Error"
    session.do("retry", failed, paused="1")
    retried = Execution.objects.get(origin=failed)
    runner.run(retried.pk)
    session.do("set-next", retried, block="s")
    session.do("continue", retried)
    diverged = compare_steps(failed, fresh(retried)).divergence
    assert diverged is not None
    html = compared(client_of(admin_user), b=retried.pk)
    assert "retried by this one" in html


def test_two_versions(tmp_path: Path, admin_user: User, square: FlowVersion) -> None:
    old = run(square, N=2)
    newer = publish(
        tmp_path,
        "square",
        SQUARE.replace("bottom: s}\nt:", "bottom: more}\nt:")
        + "more: {type: Set Variable, properties: {Value: 1, Variable: ($)Extra}, bottom: s}\n",
        SQUARE_VARIABLES[:-1] + ", Extra: {}}",
    )
    new = run(newer, N=2)
    assert newer.number == 2
    assert compare_steps(old, new).divergence == Divergence(3, 3)
    html = compared(client_of(admin_user), a=old.pk, b=new.pk)
    assert 'data-block="more"' in html
    assert ">only B<" in table(html, "Variables")


def test_what_only_the_older_version_has_is_told(
    tmp_path: Path, admin_user: User, square: FlowVersion
) -> None:
    old = run(square, N=-2)
    less = {"a": "{type: Start Flow, bottom: e}", "e": "{type: End Flow}"}
    newer = publish(
        tmp_path, "square", "\n".join(f"{k}: {v}" for k, v in less.items()), SQUARE_VARIABLES
    )
    html = compared(client_of(admin_user), a=old.pk, b=run(newer, N=-2).pk)
    blocks = table(html, "Blocks")
    assert 'data-block="t"' not in html
    assert blocks.count("not in the version on the diagram") == 3
    # The inside of its handler is not there in the newer one, but for who opens it.
    assert "workspace=h" in html
    inside = compared(client_of(admin_user), a=old.pk, b=old.pk, status=422)
    assert "You chose the same execution twice." in inside
    inside = compared(client_of(admin_user), a=old.pk, b=run(newer, N=-2).pk, workspace="h")
    assert 'data-block="h/s"' in inside
    assert "only A" in table(inside, "Blocks")


def test_where_they_part_is_shown_first(tmp_path: Path, admin_user: User) -> None:
    blocks = """
    a: {type: Start Flow, bottom: w}
    w:
      type: Workspace
      blocks:
        s: {type: Start Workspace, bottom: i}
        i: {type: If True Exit Right, properties: {Value: =N}, right: x, bottom: t}
        t: {type: Set Variable, properties: {Value: 1, Variable: ($)Out}, bottom: x}
        x: {type: End Workspace}
      bottom: e
    e: {type: End Flow}
    """
    version = publish(tmp_path, "deep", blocks, "{N: {input: true}, Out: {}}")
    one, two = run(version, N=True), run(version, N=False)
    html = compared(client_of(admin_user), a=one.pk, b=two.pk)
    assert 'data-workspace="w"' in html
    assert table(html, "Blocks").count("they diverge here") == 1
    top = compared(client_of(admin_user), a=one.pk, b=two.pk, workspace="")
    assert 'data-workspace=""' in top
    # The time of a workspace is that of the blocks inside of it.
    assert "they diverge here" not in table(top, "Blocks")


def test_the_previous_execution(square: FlowVersion, tmp_path: Path, admin_user: User) -> None:
    client = client_of(admin_user)
    first = run(square, N=1)
    run(publish(tmp_path, "loop", LOOP, LOOP_VARIABLES), Last=1)
    hidden, last = run(square, N=2), run(square, N=3)
    ada = User.objects.create_user("ada")
    Execution.objects.filter(pk__in=[first.pk, last.pk]).update(initiator=ada)
    address = f"?a=previous&b={last.pk}"
    assert address.replace("&", "&amp;") in client.get(last.get_absolute_url()).content.decode()
    for who, previous in ((admin_user, hidden), (ada, first)):
        response = client_of(who).get(f"{reverse('executions-compare')}{address}")
        assert response.status_code == 302
        assert response["Location"].endswith(f"?a={previous.pk}&b={last.pk}")
    html = compared(client, a="previous", b=first.pk)
    assert "There is no earlier execution" in html
    assert str(last.pk) in html  # offered instead
    compared(client_of(ada), 404, a="previous", b=hidden.pk)
    compared(client, 404, a="previous")


def test_what_cannot_be_compared(square: FlowVersion, tmp_path: Path, admin_user: User) -> None:
    client = client_of(admin_user)
    one = run(square, N=1)
    other = run(publish(tmp_path, "loop", LOOP, LOOP_VARIABLES), Last=1)
    assert "These are of “square” and “loop”" in compared(client, 422, a=one.pk, b=other.pk)
    assert "You chose the same execution twice." in compared(client, 422, a=one.pk, b=one.pk)
    assert "Choose two executions" in compared(client, 422)
    assert "You selected 3" in compared(client, 422, id=[one.pk, other.pk, one.pk])
    assert "There is no other execution" in compared(client, b=one.pk)
    compared(client, 404, a="nothing", b=one.pk)


def test_both_must_be_visible(square: FlowVersion, admin_user: User) -> None:
    person = User.objects.create_user("ada")
    theirs, mine = run(square, N=1), run(square, N=2)
    Execution.objects.filter(pk=mine.pk).update(initiator=person)
    client = client_of(person)
    compared(client, 404, a=mine.pk, b=theirs.pk)
    compared(client, 404, a=theirs.pk, b=mine.pk)
    html = compared(client, b=mine.pk)
    assert str(theirs.pk) not in html
    client.logout()
    compared(client, 302, a=mine.pk, b=mine.pk)
