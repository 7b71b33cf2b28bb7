"""Failure groups in browsers: two people at one group, a storm of failures, a list that stays."""

import re
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from playwright.sync_api import expect

from executions.failures import occurrences
from executions.grid.table.row_events import read_events
from executions.models import Execution, FailureGroup
from executions.publishing import publish
from executions.statistics.aggregation import CountedFailures, aggregate
from executions.store.lifecycle.failures import Failure, add_group
from tests.accessibility import PHONE, SMALL, STRICT, violations
from tests.browser.conftest import OpenAs
from tests.executions_in_tests import copy_in_database, make_execution
from tests.grids import LIVE, row
from tests.integration.test_failure_commands import allowed, make_group


@pytest.fixture
def ada(live_app: object) -> User:
    return allowed("ada", "view_execution", "handle_failure", "view_flow")


@pytest.fixture
def bob(live_app: object) -> User:
    return allowed("bob", "view_execution", "handle_failure", "view_flow")


def see_again(group: FailureGroup, number: int = 1, version: int = 1) -> None:
    """Count failures as the scheduler does."""
    with transaction.atomic():
        occurrences.count(None, [CountedFailures(group.pk, version, number, timezone.now())])


def test_two_people_at_one_failure(open_live: OpenAs, ada: User, bob: User) -> None:
    group = make_group(count=3)
    address = group.get_absolute_url()
    hers, his = open_live(ada, address), open_live(bob, address)
    expect(his.locator("#failures-number")).to_contain_text("1")
    # He opens the menu, and she is faster: what he chooses is refused with what has changed.
    his.get_by_role("button", name="Mute until…").click()
    hers.get_by_role("button", name="Take it").click()
    expect(hers.locator(".meta")).to_contain_text("ada")
    expect(his.locator(".meta")).to_contain_text("ada")
    expect(his.locator("#failures-number")).to_be_hidden()
    his.locator("#mute-menu").get_by_role("button", name="1 day from now").click()
    expect(his.locator("#notices")).to_contain_text("ada took it")
    group.refresh_from_db()
    assert group.state == "open"
    # She tells him, with the name completed by the keyboard; it arrives at once.
    hers.locator("#comment").focus()
    hers.keyboard.type("Look at this, @b")
    expect(hers.get_by_role("option", name="bob")).to_be_visible()
    hers.keyboard.press("Enter")
    expect(hers.locator("#comment")).to_have_value("Look at this, @bob ")
    hers.keyboard.type("please")
    hers.keyboard.press("Control+Enter")
    expect(his.locator(".activity")).to_contain_text("Look at this, @bob please")
    expect(hers.locator("#comment")).to_have_value("")
    expect(his.locator("#watch")).to_contain_text("Watching 2")
    # He resolves it by the keyboard alone.
    his.keyboard.press("Escape")
    his.locator("#resolve").focus()
    his.keyboard.press("Enter")
    expect(hers.locator(".head .failure-state")).to_contain_text("Resolved in v2")
    # It is seen again from there on, by itself.
    see_again(group, version=2)
    for page in (hers, his):
        expect(page.locator(".head .failure-state")).to_contain_text("Regressed in v2")
        expect(page.locator("[data-failure-count]").first).to_have_text("4")


#: What differs in an execution that fails as another one did.
ANOTHER_FAILED_NOW = {
    "root_id": "new.id",
    **dict.fromkeys(("started_at", "updated_at", "ended_at"), "now()"),
}


def test_a_storm_of_failures_is_one_group(open_live: OpenAs, ada: User) -> None:
    """5,000 failures of one group while somebody looks: the page stays usable, and counts right."""
    failure = Failure("storm", "pay", "Shop.TakenException", "Line {number} is taken")
    page = open_live(ada, "/failures/")
    expect(page.get_by_text("No open failures")).to_be_visible()
    first = make_execution(ada, "storm", 0, status="Error", failure=failure.fingerprint)
    add_group(first.pk, failure)
    aggregate()
    page.get_by_role("link", name=re.compile("Shop.TakenException")).click()
    expect(page.locator("#comment")).to_be_visible()
    frames: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda one: frames.append(one)))
    page.reload()
    expect(page.locator(LIVE)).to_be_visible()
    began = timezone.now()
    for _ in range(25):
        ids = copy_in_database(first, 200, ANOTHER_FAILED_NOW)
        publish(read_events(Execution.objects.filter(pk__in=ids[-20:])))
        aggregate()
    # It can be used meanwhile.
    page.locator("#comment").fill("What a storm")
    page.get_by_role("button", name="Comment").click()
    expect(page.locator(".activity")).to_contain_text("What a storm")
    expect(page.locator("[data-failure-count]").first).to_have_text("5,001", timeout=20_000)
    assert FailureGroup.objects.get().count == 5001
    assert Execution.objects.filter(failure=failure.fingerprint).count() == 5001
    changed = [frame for frame in frames if '"changed"' in str(frame)]
    seconds = (timezone.now() - began).total_seconds()
    assert len(changed) <= seconds + 2, "more than one frame a second"
    page.goto("/failures/")
    expect(page.locator("tr[data-key]")).to_have_count(1)
    expect(page.locator(".c-count b")).to_have_text("5,001")


def test_the_list_stays_under_the_pointer(open_live: OpenAs, ada: User) -> None:
    first = make_group(count=3)
    page = open_live(ada, "/failures/?sort=-count")
    group = page.locator(f'tr[data-key="{first.pk}"]')
    group.hover()
    make_group("other", id=UUID(int=2), count=9, is_known=False)
    see_again(FailureGroup.objects.get(flow__name="other"))
    see_again(first)
    pill = page.locator("[data-new-rows]")
    expect(pill).to_have_text("1 new failure")
    expect(group.locator(".c-count b")).to_have_text("4")
    expect(page.locator("tr[data-key]")).to_have_count(1)
    pill.click()
    expect(page.locator("tr[data-key]")).to_have_count(2)
    expect(page.locator("tr[data-key] .c-count b").first).to_have_text("10")
    # Taking it from the list leaves it there, with its owner.
    group.get_by_role("button", name=re.compile("Take")).click()
    expect(group.locator(".c-owner")).to_contain_text("ada")
    page.locator("select[name=owner]").select_option("me")
    expect(page.locator("tr[data-key]")).to_have_count(1)
    expect(page).to_have_url(re.compile("owner=me"))


def test_without_websockets_the_pages_poll(open_live: OpenAs, ada: User) -> None:
    group = make_group()
    page = open_live(ada, group.get_absolute_url())
    page.route_web_socket("**/ws/**", lambda socket: socket.close())
    page.reload()
    expect(page.locator('[data-live][data-state="poll"]')).to_be_visible(timeout=15_000)
    see_again(group, 8)
    late = make_execution(ada, status="Error", failure=group.pk)
    expect(page.locator("[data-failure-count]").first).to_have_text("8", timeout=15_000)
    expect(row(page, late)).to_be_visible(timeout=15_000)


def test_nothing_is_wrong_for_those_who_see_otherwise(open_live: OpenAs, ada: User) -> None:
    """In both themes, and on a phone."""
    group = make_group(owner=ada)
    for region in ("EU", "US"):
        inputs = {"Region": region}
        make_execution(
            ada, status="Error", failure=group.pk, inputs=inputs, ended_at=timezone.now()
        )
        make_execution(ada, status="Ended", inputs=inputs)
    aggregate()
    make_group("muted", id=UUID(int=3), state="muted")
    make_group("back", id=UUID(int=4), state="regressed")
    page = open_live(ada, "/failures/?state=all")
    for address in ("/failures/?state=all", group.get_absolute_url()):
        for width in (1440, PHONE):
            page.set_viewport_size({"width": width, "height": 844})
            page.goto(address)
            expect(page.locator(LIVE)).to_be_visible()
            found = violations(page, STRICT, dark=width != PHONE)
            assert not found, "\n".join(found)
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, f"{address} is {wide} px too wide"
        assert page.evaluate(SMALL) == []
