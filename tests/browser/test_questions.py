"""For you in browsers: a flow asks, the number in the rail says so, somebody answers, and the
execution goes on, all of it live."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from executions.models import Question
from flows.models import FlowVersion, Grant
from flows.roles import Role
from tests.accessibility import LAID_OUT, PHONE, SMALL, STRICT, violations
from tests.browser.conftest import OpenAs
from tests.driving import begin
from tests.flows_in_tests import publish
from tests.grids import LIVE
from tests.people import APPROVAL, APPROVAL_VARIABLES, answer, person


@pytest.fixture
def approval(live_app: object, tmp_path: Path) -> FlowVersion:
    return publish(tmp_path, "approval", APPROVAL, APPROVAL_VARIABLES)


@pytest.fixture
def olga(approval: FlowVersion) -> User:
    user = person("olga")
    Grant.objects.create(user=user, flow=approval.flow, role=Role.OPERATE)
    return user


@pytest.mark.usefixtures("worker")
def test_a_flow_asks_and_goes_on_when_somebody_answers(
    open_live: OpenAs, approval: FlowVersion, olga: User
) -> None:
    ann = person("ann", "approvers")
    hers = open_live(ann, "/questions/")
    expect(hers.get_by_text("Nothing waits for you.")).to_be_visible()
    badge = hers.locator("#questions-number")
    expect(badge).to_be_hidden()
    execution = begin(
        approval,
        Group="approvers",
        Item="<img src=x onerror=alert(1)>",
        Fields=[{"Name": "Amount", "Type": "Integer"}, {"Name": "Why", "Choices": ["a", "b"]}],
    )
    watched = open_live(olga, execution.get_absolute_url())
    # The list and the number come by themselves; what was asked stays text.
    expect(badge).to_have_text("1 for you")
    expect(watched.get_by_text("Waits for group approvers to answer")).to_be_visible()
    question = hers.get_by_role("link", name="Approve <img src=x onerror=alert(1)>?")
    expect(question).to_be_visible()
    # By the keyboard alone: what does not fit is said, and what was typed stays.
    question.focus()
    hers.keyboard.press("Enter")
    expect(hers.get_by_role("heading", name="Your answer")).to_be_visible()
    hers.get_by_label("Amount").focus()
    hers.keyboard.type("many")
    hers.keyboard.press("Enter")
    expect(hers.get_by_role("alert")).to_contain_text("See the marked fields")
    amount = hers.get_by_label("Amount")
    expect(amount).to_have_value("many")
    amount.fill("12")
    hers.get_by_label("Why").select_option("b")
    amount.focus()
    hers.keyboard.press("Enter")
    expect(hers.locator("#notices")).to_contain_text("the execution goes on")
    expect(hers.locator(".question-state")).to_contain_text("Answered by ann")
    expect(badge).to_be_hidden()
    expect(watched.locator(".status-pill")).to_have_text("Ended")
    expect(hers.locator(".question-state .status")).to_have_count(0)  # she may not see it


@pytest.mark.usefixtures("worker")
def test_the_second_of_two_reads_who_was_first(
    open_live: OpenAs, approval: FlowVersion, olga: User
) -> None:
    ann, bob = person("ann", "approvers"), person("bob", "approvers")
    begin(approval, Group="approvers")
    hers = open_live(ann, "/questions/")
    hers.get_by_role("link", name="Approve it?").click()
    expect(hers.locator(LIVE)).to_be_visible()
    question = question_at(hers.url)
    hers.get_by_label("Approved").select_option("true")
    answer(question, bob, Approved=False)
    expect(hers.locator("[data-closed]")).to_be_visible()
    expect(hers.locator(".question-state")).to_contain_text("Answered by bob")
    expect(hers.get_by_role("button", name="Answer", exact=True)).to_be_disabled()


def question_at(url: str) -> Question:
    return Question.objects.get(pk=url.rstrip("/").rpartition("/")[2])


@pytest.mark.usefixtures("worker")
def test_the_pages_fit_a_phone_and_axe_finds_nothing(
    open_live: OpenAs, approval: FlowVersion, olga: User
) -> None:
    begin(approval, Details="Two lines\nof details", Due={"Days": 1})
    page = open_live(olga, "/questions/")
    link = page.get_by_role("link", name="Approve it?")
    expect(link).to_be_visible()
    found: list[str] = []
    for address in ("/questions/", "/questions/?tab=all", str(link.get_attribute("href"))):
        page.goto(address)
        expect(page.locator(LIVE)).to_be_visible()
        for width in (1440, PHONE):
            page.set_viewport_size({"width": width, "height": 900})
            page.evaluate(LAID_OUT)
            said = violations(page, STRICT, dark=width != PHONE)
            if page.evaluate("document.documentElement.scrollWidth") > width:
                said.append("wider than the window")
            if width == PHONE:
                said += page.evaluate(SMALL)
            found += [f"{address} at {width}: {one}" for one in said]
    assert not found, "\n".join(found)
