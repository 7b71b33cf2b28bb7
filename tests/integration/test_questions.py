"""Ask A Person: what parks, who may answer, and what becomes of a question.

Turns are run in this process, so that a test decides what happens in between.
"""

import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from executions import api_tokens, recovery, runner
from executions.alerts import question_alerts
from executions.api_tokens import Wanted
from executions.commands.request import CommandRequest
from executions.commands.run import run_command
from executions.models import AuditEntry, Delivery, Execution, Preferences, Question, Step
from executions.overview.figures import live_now
from executions.questions import access, changes
from executions.retention import deletion
from executions.states import Status
from executions.store.lifecycle.claims import claim
from flows.models import FlowVersion, Grant
from flows.roles import Role
from tests.driving import ACTOR, begin, drive, expire_leases, fresh, outputs
from tests.executions_in_tests import why
from tests.flows_in_tests import publish
from tests.people import APPROVAL, APPROVAL_VARIABLES, actor, answer, person, question_of
from tests.secrets_in_tests import where
from tests.servers import Process, celery_worker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


@pytest.fixture
def approval(tmp_path: Path) -> FlowVersion:
    return publish(tmp_path, "approval", APPROVAL, APPROVAL_VARIABLES)


@pytest.fixture
def ann() -> User:
    return person("ann")


def ask(version: FlowVersion, **inputs: Any) -> Execution:
    """An execution that waits for a person."""
    execution = begin(version, **inputs)
    runner.run(execution.pk)
    return fresh(execution)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def operator(version: FlowVersion, name: str = "olga") -> User:
    user = person(name)
    Grant.objects.create(user=user, flow=version.flow, role=Role.OPERATE)
    return user


# Waiting and going on ---------------------------------------------------------------------------


def test_it_waits_without_a_worker_until_there_is_an_answer(
    approval: FlowVersion, ann: User
) -> None:
    execution = ask(approval, User="ann", Item="<b>tea</b>")
    assert (execution.status, execution.reason, execution.lease_owner) == ("Running", "person", "")
    assert why(execution) == "Waits for ann to answer 'Ask for approval'."
    question = question_of(execution)
    assert (question.text, question.assignee) == ("Approve <b>tea</b>?", "ann")
    answer(question, ann, Approved=True)
    assert drive(execution.pk).status == Status.ENDED
    given = outputs(execution)
    assert (given["Answers"], given["By"]) == ({"Approved": True}, "ann")
    question.refresh_from_db()
    assert given["At"] == question.closed_at
    assert question.answered_by == ann


def test_a_due_time_that_passes_throws(approval: FlowVersion, ann: User) -> None:
    execution = ask(approval, User="ann", Due={"Milliseconds": 30})
    assert drive(execution.pk).status == Status.ENDED
    problem = outputs(execution)["Problem"]
    assert problem.short_type == "QuestionNotAnsweredException"
    question = Question.objects.get(execution=execution)
    assert (question.state, problem.extra["Question"]) == ("overdue", "Approve it?")
    with pytest.raises(changes.Closed, match="Nobody had answered when it was due"):
        answer(question, ann, Approved=True)


def test_an_answer_wins_over_a_due_time_that_nothing_has_acted_on(
    approval: FlowVersion, ann: User
) -> None:
    execution = ask(approval, User="ann", Due={"Milliseconds": 1})
    answer(question_of(execution), ann, Approved=False)
    drive(execution.pk)
    assert outputs(execution)["Answers"] == {"Approved": False}


def test_a_paused_execution_takes_the_answer_when_it_goes_on(
    approval: FlowVersion, ann: User
) -> None:
    execution = ask(approval, User="ann")
    command(execution, "pause")
    answer(question_of(execution), ann, Approved=True)
    assert fresh(execution).status == Status.PAUSED
    command(execution, "continue")
    drive(execution.pk)
    assert outputs(execution)["Answers"] == {"Approved": True}


def command(execution: Execution, name: str, **fields: str) -> None:
    admin = User.objects.filter(is_superuser=True).first()
    admin = admin or User.objects.create_superuser("root")
    request = CommandRequest(fresh(execution), admin, ACTOR, fields)
    result = run_command(name, request)
    assert result.done, result


@pytest.mark.parametrize("name", ["stop", "force-stop"])
def test_a_stop_withdraws_the_question(approval: FlowVersion, ann: User, name: str) -> None:
    execution = ask(approval, User="ann")
    question = question_of(execution)
    command(execution, name)
    question.refresh_from_db()
    assert (fresh(execution).status, question.state) == ("Stopped", "withdrawn")
    with pytest.raises(changes.Closed, match="Withdrawn"):
        answer(question, ann, Approved=True)


def test_another_next_block_withdraws_the_question(approval: FlowVersion, ann: User) -> None:
    execution = ask(approval, User="ann")
    question = question_of(execution)
    command(execution, "pause")
    command(execution, "set-next", block="ask")
    question.refresh_from_db()
    assert question.state == "withdrawn"
    command(execution, "continue")
    runner.run(execution.pk)
    assert question_of(execution).pk != question.pk


# Exactly once ------------------------------------------------------------------------------------


def test_a_worker_that_dies_before_it_has_parked_asks_once(
    approval: FlowVersion, ann: User
) -> None:
    """The question and the parking are one transaction, so a death leaves neither."""
    execution = begin(approval, User="ann")
    assert claim(execution.pk, "dead:1:x:")
    expire_leases()
    recovery.recover()
    runner.run(execution.pk)
    assert Question.objects.filter(execution=execution).count() == 1


def test_a_worker_that_dies_with_an_answer_does_not_lose_it(
    approval: FlowVersion, ann: User
) -> None:
    execution = ask(approval, User="ann")
    answer(question_of(execution), ann, Approved=True)
    for _ in range(2):
        assert claim(execution.pk, "dead:1:x:")
        expire_leases()
        recovery.recover()
    drive(execution.pk)
    assert outputs(execution)["Answers"] == {"Approved": True}
    assert Question.objects.filter(execution=execution).count() == 1


def test_of_two_answers_at_once_one_counts(approval: FlowVersion) -> None:
    ann, bob = person("ann", "approvers"), person("bob", "approvers")
    execution = ask(approval, Group="approvers")
    question = question_of(execution)
    ready = threading.Barrier(2)
    refused: list[str] = []

    def one(user: User, approved: bool) -> None:
        ready.wait()
        try:
            answer(question, user, Approved=approved)
        except changes.Closed as closed:
            refused.append(str(closed))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=pair) for pair in ((ann, True), (bob, False))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    question.refresh_from_db()
    (told,) = refused
    assert told.startswith(f"Answered by {question.answered_by_name} meanwhile")
    drive(execution.pk)
    assert outputs(execution)["By"] == question.answered_by_name
    done = AuditEntry.objects.filter(command="answer-question").values_list("outcome", flat=True)
    assert sorted(done) == ["done", "refused"]


def test_no_answer_is_lost_or_counts_twice_when_workers_are_killed(
    worker: Process,
    approval: FlowVersion,
    ann: User,
    product_environment: dict[str, str],
    tmp_path: Path,
) -> None:
    started = [begin(approval, User="ann", Fields=["N"]) for _ in range(8)]
    until(lambda: Question.objects.filter(state="open").count() == len(started))
    for number, execution in enumerate(started):
        answer(question_of(execution), ann, N=str(number))
        if number == 3:
            worker.kill()
    expire_leases()
    recovery.recover()
    second = celery_worker(tmp_path / "second.log", product_environment)
    try:
        until(lambda: not Execution.objects.filter(ended_at=None).exists())
    finally:
        second.kill()
    assert [outputs(one)["Answers"] for one in started] == [{"N": str(n)} for n in range(8)]
    assert Question.objects.filter(state="answered").count() == len(started)
    for one in started:
        assert Step.objects.filter(execution=one, block="ask").count() == 1


def until(is_so: Callable[[], bool], seconds: float = 60) -> None:
    """Recover, as the scheduler does, until something is so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        recovery.recover()
        time.sleep(0.1)


# Who may ----------------------------------------------------------------------------------------


def test_only_the_assigned_and_those_who_operate_the_flow_may_answer(
    approval: FlowVersion, ann: User
) -> None:
    eve, olga = person("eve"), operator(approval)
    starter = person("sam")
    execution = ask(approval, User="ann")
    Question.objects.update(initiator_id=starter.pk)
    Execution.objects.update(initiator=starter)
    question = question_of(execution)
    for user in (eve, starter):
        with pytest.raises(changes.NotAllowed, match="it is for ann"):
            answer(question, user, Approved=True)
    refused = AuditEntry.objects.filter(command="answer-question", outcome="refused")
    assert set(refused.values_list("actor", flat=True)) == {"eve", "sam"}
    assert access.open_for(ann).count() == 1
    assert access.open_for(olga).count() == 0  # she may answer, but is not asked
    answer(question, olga, Approved=True)


def test_a_question_for_nobody_in_particular_is_for_those_who_control_the_execution(
    approval: FlowVersion,
) -> None:
    olga, eve, starter = operator(approval), person("eve"), person("sam")
    execution = ask(approval)
    Question.objects.update(initiator_id=starter.pk)
    question = question_of(execution)
    assert fresh(execution).waiting_for == f"{question.pk} a person"
    assert [access.open_for(user).count() for user in (olga, starter, eve)] == [1, 1, 0]
    with pytest.raises(changes.NotAllowed):
        answer(question, eve, Approved=True)


def test_the_page_is_not_there_for_others_and_a_form_that_they_send_is_refused(
    approval: FlowVersion, ann: User
) -> None:
    question = question_of(ask(approval, User="ann"))
    address = question.get_absolute_url()
    eve = signed_in(person("eve"))
    assert eve.get(address).status_code == 404
    assert eve.post(address, {"input-Approved": "true"}).status_code == 404
    seer = person("sue")
    Grant.objects.create(user=seer, flow=approval.flow, role=Role.SEE)
    page = signed_in(seer)
    assert "not answer it" in page.get(address).content.decode()
    assert page.post(address, {"input-Approved": "true"}).status_code == 403
    for name in ("take-question", "give-back-question", "assign-question"):
        assert page.post(reverse(name, args=[question.pk])).status_code == 403
        assert eve.post(reverse(name, args=[question.pk])).status_code == 404
    assert question_of(question.execution_id).user == ann


def test_the_list_leads_to_the_flow_for_those_who_see_it(approval: FlowVersion, ann: User) -> None:
    ask(approval, User="ann")
    link = f'href="{approval.flow.get_absolute_url()}"'
    assert link not in signed_in(ann).get("/questions/").content.decode()
    Grant.objects.create(user=ann, flow=approval.flow, role=Role.SEE)
    assert link in signed_in(ann).get("/questions/").content.decode()


def test_take_give_back_and_assign(approval: FlowVersion) -> None:
    ann, bob, olga = person("ann", "approvers"), person("bob", "approvers"), operator(approval)
    execution = ask(approval, Group="approvers")
    question = question_of(execution)
    changes.take(ann, actor(ann), question.pk)
    assert fresh(execution).waiting_for == f"{question.pk} ann"
    assert (access.open_for(ann).count(), access.open_for(bob).count()) == (1, 0)
    with pytest.raises(changes.NotAllowed, match="it is for ann"):
        answer(question, bob, Approved=True)
    with pytest.raises(changes.NotAllowed, match="the role operate on approval"):
        changes.assign(ann, actor(ann), question.pk, "bob")
    changes.give_back(ann, actor(ann), question.pk)
    assert fresh(execution).waiting_for == f"{question.pk} group approvers"
    with pytest.raises(changes.NoSuchAssignee, match="no active user called nobody"):
        changes.assign(olga, actor(olga), question.pk, "nobody")
    changes.assign(olga, actor(olga), question.pk, "bob")
    answer(question_of(execution), bob, Approved=True)
    assert drive(execution.pk).status == Status.ENDED
    trail = AuditEntry.objects.filter(execution=execution, outcome="done").order_by("id")
    assert [(one.command, one.actor) for one in trail.exclude(command="start")] == [
        ("take-question", "ann"),
        ("give-back-question", "ann"),
        ("assign-question", "olga"),
        ("answer-question", "bob"),
    ]
    assert trail.last().after == {"Approved": True}


def test_who_answers_begins_with_whom_it_is_for(approval: FlowVersion) -> None:
    ann, olga = person("ann", "approvers"), operator(approval)
    question = question_of(ask(approval, Group="approvers"))
    changes.take(ann, actor(ann), question.pk)
    page = signed_in(olga).get(question.get_absolute_url()).content.decode()
    assert re.search(r'name="user"[^>]* value="ann"', page)
    assert "<option selected>approvers</option>" in page
    changes.give_back(ann, actor(ann), question.pk)
    page = signed_in(olga).get(question.get_absolute_url()).content.decode()
    assert re.search(r'name="user"[^>]* value=""', page)


# Notices ----------------------------------------------------------------------------------------


def titles(user: User) -> list[str]:
    told = Delivery.objects.filter(user=user, via="here").order_by("created_at", "id")
    return [one.message["title"] for one in told]


def test_those_who_are_asked_are_told_once_and_reminded_once(approval: FlowVersion) -> None:
    ann, bob, eve = person("ann", "approvers"), person("bob", "approvers"), person("eve")
    Preferences.objects.create(user=ann, notifications={"asked": ["here"]})
    execution = ask(approval, Group="approvers")
    for _ in range(2):
        question_alerts.send_due()
    assert [titles(user) for user in (ann, bob, eve)] == [["Approve it?"], ["Approve it?"], []]
    chosen = Delivery.objects.exclude(via="here").values_list("user__username", "via")
    assert list(chosen) == [("bob", "browser")]
    question = question_of(execution)
    changes.take(ann, actor(ann), question.pk)
    Question.objects.update(remind_at=timezone.now())
    for _ in range(2):
        question_alerts.send_due()
    assert titles(ann) == ["Approve it?", "Reminder: Approve it?"]
    assert titles(bob) == ["Approve it?"]


def test_whoever_is_assigned_a_question_is_told(approval: FlowVersion, ann: User) -> None:
    olga, starter = operator(approval), person("sam")
    execution = ask(approval)
    Question.objects.update(initiator_id=starter.pk)
    question_alerts.send_due()
    assert [titles(user) for user in (olga, starter, ann)] == [["Approve it?"]] * 2 + [[]]
    changes.assign(olga, actor(olga), question_of(execution).pk, "ann")
    question_alerts.send_due()
    assert titles(ann) == ["Approve it?"]


def test_an_answered_question_reminds_nobody(approval: FlowVersion, ann: User) -> None:
    execution = ask(approval, User="ann")
    question_alerts.send_due()
    Question.objects.update(remind_at=timezone.now())
    answer(question_of(execution), ann, Approved=True)
    question_alerts.send_due()
    assert titles(ann) == ["Approve it?"]


# Programs ----------------------------------------------------------------------------------------


def program(user: User, *scopes: str) -> dict[str, str]:
    _, raw = api_tokens.issue(actor(user), user, Wanted(name="-".join(scopes), scopes=scopes))
    return {"Authorization": f"Bearer {raw}"}


def test_a_program_lists_questions_and_answers(approval: FlowVersion, ann: User) -> None:
    rank = {"Name": "Rank", "Type": "Integer", "Default": 3, "Description": "1 is first"}
    pin = {"Name": "Pin", "Secret": True, "Default": "opensesame"}
    on = {"Name": "On", "Type": "Date Time"}
    execution = ask(approval, User="ann", Fields=[on, "Why", rank, pin])
    client, headers = Client(), program(ann, "see", "start", "operate")
    (found,) = client.get("/api/v1/questions", headers=headers).json()["items"]
    assert (found["text"], found["user"], found["state"]) == ("Approve it?", "ann", "open")
    fields = {one["name"]: one for one in found["fields"]}
    assert list(fields) == ["On", "Why", "Rank", "Pin"]
    assert (fields["On"]["type"], fields["On"]["required"]) == ("Date Time", True)
    assert fields["On"]["default"] is None
    shown = fields["Rank"]
    assert (shown["required"], shown["default"], shown["description"]) == (False, 3, "1 is first")
    assert fields["Pin"]["default"] == "••••••"
    address = f"/api/v1/questions/{found['id']}"

    def post(**answers: Any) -> Any:
        given = {"data": {"answers": answers}, "content_type": "application/json"}
        return client.post(f"{address}/answer", headers=headers, **given)

    refused = post(On="2026-11-28T10:00:00Z", What="?")
    assert refused.status_code == 400
    told = {one["location"]: one["summary"] for one in refused.json()["messages"]}
    assert told.keys() == {"Why", "What"}
    assert told["What"] == "The question has no such field; it has On, Why, Rank, Pin."
    unread = post(On="tomorrow", Why="?").json()["messages"][0]
    assert (unread["location"], unread["path"]) == ("On", ["answers", "On"])
    done = post(On="2026-11-28T10:00:00Z", Why="It is time")
    assert (done.status_code, done.json()["state"]) == (200, "answered")
    again = post(On="2026-11-28T10:00:00Z", Why="Still")
    assert again.status_code == 409
    assert "Answered by ann meanwhile" in again.json()["detail"]
    drive(execution.pk)
    assert outputs(execution)["Answers"]["Why"] == "It is time"
    entry = AuditEntry.objects.get(command="answer-question", outcome="done")
    assert (entry.source, entry.token, entry.actor) == ("api", "see-start-operate", "ann")
    assert client.get(address, headers=headers).json()["answered_by"] == "ann"


def test_a_program_may_not_answer_for_others_or_without_the_scope(
    approval: FlowVersion, ann: User
) -> None:
    question = question_of(ask(approval, User="ann"))
    address = f"/api/v1/questions/{question.pk}/answer"
    body = {"data": {"answers": {"Approved": True}}, "content_type": "application/json"}
    eve, sue = person("eve"), person("sue")
    Grant.objects.create(user=sue, flow=approval.flow, role=Role.SEE)
    for user, scopes, status in (
        (eve, ("operate",), 404),
        (sue, ("operate",), 403),
        (ann, ("see",), 403),
    ):
        answered = Client().post(address, headers=program(user, *scopes), **body)
        assert answered.status_code == status, (user, answered.content)
    assert question_of(question.execution_id).is_open


# Secrets, markup and keeping ----------------------------------------------------------------------


def test_secret_answers_are_never_shown(approval: FlowVersion, ann: User, admin_user: User) -> None:
    fields = [{"Name": "Pin", "Secret": True}, {"Name": "Note", "Required": False}]
    execution = ask(approval, User="ann", Fields=fields)
    question = question_of(execution)
    page = signed_in(ann).post(question.get_absolute_url(), {"input-Pin": "swordfish-17"})
    assert page.status_code == 302
    drive(execution.pk)
    for user in (ann, admin_user):
        shown = signed_in(user).get(question.get_absolute_url()).content.decode()
        assert "swordfish" not in shown
        assert "••••••" in shown
    entry = AuditEntry.objects.get(command="answer-question")
    assert entry.after["Pin"] == "••••"
    assert where("swordfish-17") == []
    listed = signed_in(admin_user).get(f"/api/v1/questions/{question.pk}").json()
    assert "swordfish" not in str(listed)


def test_markup_stays_text_and_a_secret_that_was_typed_is_not_sent_back(
    approval: FlowVersion, ann: User
) -> None:
    hostile = "<script>alert(1)</script>"
    fields = [
        {"Name": "Pin", "Secret": True, "Description": hostile},
        {"Name": "Count", "Type": "Integer"},
        {"Name": "One", "Choices": [hostile]},
    ]
    question = question_of(ask(approval, User="ann", Item=hostile, Details=hostile, Fields=fields))
    client = signed_in(ann)
    for page in (
        client.get("/questions/"),
        client.get(question.get_absolute_url()),
        client.post(question.get_absolute_url(), {"input-Pin": "fish-17", "input-Count": hostile}),
    ):
        shown = page.content.decode()
        assert hostile not in shown
        assert "fish-17" not in shown
    assert page.status_code == 422
    assert "See the marked fields" in shown


def test_a_question_goes_with_its_execution(approval: FlowVersion, ann: User) -> None:
    execution = ask(approval, User="ann")
    answer(question_of(execution), ann, Approved=True)
    drive(execution.pk)
    assert deletion.delete_family(execution.pk) == 1
    assert not Question.objects.exists()
    entry = AuditEntry.objects.get(command="answer-question")
    assert (entry.object_name, entry.after) == ("Approve it?", {"Approved": True})


# Where it shows -----------------------------------------------------------------------------------


def test_the_overview_and_the_filter_count_it(approval: FlowVersion, ann: User) -> None:
    execution = ask(approval, User="ann")
    assert (live_now().asked, live_now().needs_person) == (1, 1)
    admin = User.objects.create_superuser("root")
    grid = signed_in(admin).get("/", {"waiting": "person"}).content.decode()
    assert "Waits for ann" in grid
    assert question_of(execution).get_absolute_url() in grid
    page = signed_in(admin).get(fresh(execution).get_absolute_url()).content.decode()
    assert "Waits for ann to answer" in page
    assert "Show the question" in page
