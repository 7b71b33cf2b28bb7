"""The numbers in the rail: whom they count for, and what they cost."""

import asyncio
import json
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from cortexweb import navigation
from executions.access import ExecutionSet
from executions.events import FAILURES_CHANGED, QUESTIONS_CHANGED, SUBJECTS_CHANGED
from executions.live.change_notices import ChangeNotices
from executions.live.changes import Visibility
from executions.live.connection import Connection
from executions.live.rendering import RenderedRows
from executions.live.subscription import subscribe
from executions.live.viewers import FailuresViewer, SubjectViewer, Viewer
from executions.models import FailureGroup, Question
from executions.publishing import _process_sender
from executions.rail_numbers import MOST_QUESTIONS, CountedNumber, count
from flows.rights import NO_RIGHTS
from tests.executions_in_tests import make_execution
from tests.integration.test_failure_commands import allowed, make_group

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]


def ask(user: User, times: int = 1) -> None:
    for _ in range(times):
        execution = make_execution(user, "orders")
        Question.objects.create(
            execution=execution, flow_name="orders", initiator_id=user.pk, block="ask",
            block_title="Ask", text="Well?", asked_at=timezone.now(), user=user,
        )  # fmt: skip


def numbers(user: Any) -> dict[str, int]:
    return {name: one.count for name, one in count(user, "failures", "questions").items()}


def test_each_number_counts_what_its_list_shows_the_user(db: None) -> None:
    ada, bob = allowed("ada", "view_execution", "control_execution"), User.objects.create_user("b")
    make_group()
    make_group("owned", id=UUID(int=1), owner=ada)
    make_group("resolved", id=UUID(int=2), state=FailureGroup.State.RESOLVED)
    ask(ada, 2)
    ask(bob)
    assert numbers(ada) == {"failures": 1, "questions": 2}
    assert numbers(bob)["failures"] == 0
    assert numbers(AnonymousUser()) == {"failures": 0, "questions": 0}


def test_one_statement_counts_for_a_page(
    db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ada = allowed("ada", "view_execution")
    make_group()
    request = RequestFactory().get("/")
    request.user = ada
    links = navigation.rail(request)["rail"]
    numbers(ada)  # Reads what the user may do.
    with CaptureQueriesContext(connection) as captured:
        shown = {link.item.section: link.counted for link in links()}
        links()
    counting = [one for one in captured.captured_queries if "AS counted" in one["sql"]]
    assert len(counting) == 1
    assert str(shown["failures"]) == "1"
    assert shown["executions"] is None
    with django_assert_num_queries(0):
        links()


def test_a_number_says_where_counting_ends(db: None) -> None:
    ada = allowed("ada", "control_execution")
    ask(ada, MOST_QUESTIONS + 2)
    counted = count(ada, "questions")["questions"]
    assert (counted.count, str(counted)) == (MOST_QUESTIONS + 1, f"{MOST_QUESTIONS}+")
    whole = count(ada, "failures")["failures"]
    assert str(CountedNumber(whole.number, 1_000)) == "1000"


def test_a_page_fetches_its_number_and_no_other(db: None) -> None:
    client = Client()
    client.force_login(allowed("ada", "view_execution"))
    make_group()
    found = client.get("/rail/failures/")
    assert 'id="failures-number"' in found.content.decode()
    assert "no-store" in found["Cache-Control"]
    assert client.get("/rail/secrets/").status_code == 404
    assert Client().get("/rail/failures/").status_code == 302


def kinds(page: Connection) -> list[str]:
    return [json.loads(frame)["type"] for frame in page.take_frames(RenderedRows())]


async def test_pages_are_told_of_the_subjects_that_they_show(redis: object) -> None:
    first = Visibility(User(pk=1), NO_RIGHTS, ExecutionSet(frozenset(), 1))
    shown = (("storage",), ("storage", "/here/", "users"), ("signal",), ("webhook", "1"))
    pages = [Connection(SubjectViewer(first, *subject)) for subject in shown]
    broadcast = ChangeNotices(pages)

    async def told(*subjects: list[str]) -> list[int]:
        message = {"type": SUBJECTS_CHANGED, "subjects": list(subjects)}
        running = asyncio.create_task(broadcast.run())
        await asyncio.sleep(0)
        broadcast.receive(message)
        for _ in range(3):
            await asyncio.sleep(0)
        running.cancel()
        return [len(kinds(page)) for page in pages]

    assert await told(["storage", "/here/", "users"]) == [1, 1, 0, 0]
    assert await told(["storage", "/here/", "userss"], ["webhook", "12"]) == [1, 0, 0, 0]
    assert await told(["signal", "", "paid"], ["webhook", "1"]) == [0, 0, 1, 1]


async def test_a_message_names_the_subjects_of_a_moment(redis: object) -> None:
    async with subscribe() as subscription:
        for number in range(1_000):
            _process_sender().put_subject(("storage", "", str(number % 3)))
        message = await subscription.receive()
        while message["type"] != SUBJECTS_CHANGED:
            message = await subscription.receive()
    assert message["subjects"] == [["storage", "", str(number)] for number in range(3)]


@pytest.mark.parametrize(
    ("messages", "told"),
    [
        ([{"type": QUESTIONS_CHANGED, "users": [1]}], (["questions"], [])),
        ([{"type": QUESTIONS_CHANGED, "users": None}], (["questions"], ["questions"])),
        ([{"type": QUESTIONS_CHANGED, "users": [1]}] * 3, (["questions"], [])),
        ([{"type": FAILURES_CHANGED, "ids": ["a"], "is_change": False}], (["changed"], [])),
        (
            [
                {"type": FAILURES_CHANGED, "ids": ["b"], "is_change": True},
                {"type": FAILURES_CHANGED, "ids": ["a"], "is_change": False},
                {"type": QUESTIONS_CHANGED, "users": [2]},
            ],
            (["changed", "failures"], ["failures", "questions"]),
        ),
    ],
)
async def test_pages_are_told_what_concerns_them_once(
    messages: list[dict[str, Any]], told: tuple[list[str], list[str]]
) -> None:
    first, second = (
        Visibility(User(pk=pk), NO_RIGHTS, ExecutionSet(frozenset(), pk)) for pk in (1, 2)
    )
    pages = [Connection(FailuresViewer(first)), Connection(Viewer(second))]
    broadcast = ChangeNotices(pages)
    running = asyncio.create_task(broadcast.run())
    await asyncio.sleep(0)
    for message in messages:
        broadcast.receive(message)
    for _ in range(3):
        await asyncio.sleep(0)
    running.cancel()
    assert tuple(map(kinds, pages)) == told
