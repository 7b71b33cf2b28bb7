"""Alert rules: what each kind finds, and when people are told of it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.utils import timezone
from redis import Redis

from executions import workers
from executions.alerts import evaluation
from executions.alerts.kind import Check, Finding, Found, Round, merge_intervals
from executions.alerts.registry import KINDS
from executions.failures.commands.run import run as give_failure_command
from executions.models import (
    Alert,
    AlertRule,
    Delivery,
    Execution,
    FailureGroup,
    FailureWatch,
    Observation,
)
from executions.states import Status
from executions.statistics import aggregation
from flows.models import Flow, Folder, Label
from tests.alerts_in_tests import evaluate, make_rule, steps
from tests.driving import ACTOR, begin, drive
from tests.executions_in_tests import make_execution
from tests.flows_in_tests import publish
from tests.integration.test_failure_groups import REFUSE, REFUSE_VARIABLES

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


def check(rule: AlertRule) -> Found:
    return KINDS[rule.kind].check(Check(rule, Round(timezone.now())))


def would_have_fired(rule: AlertRule) -> int:
    now = timezone.now()
    return len(merge_intervals(KINDS[rule.kind].history(Check(rule, Round(now))), now))


def fail(version: Any, times: int = 1) -> FailureGroup:
    for _ in range(times):
        failed = drive(begin(version, Line=1).pk)
    aggregation.aggregate()
    return FailureGroup.objects.get(pk=failed.failure)


@pytest.fixture
def refuse(tmp_path: Path) -> Any:
    return publish(tmp_path, "refuse", REFUSE, REFUSE_VARIABLES)


@pytest.fixture
def person(django_user_model: Any) -> Any:
    """Somebody who sees all executions."""
    user = django_user_model.objects.create_user("ada", "ada@example.com")
    user.user_permissions.add(Permission.objects.get(codename="view_execution"))
    return user


# When people are told ----------------------------------------------------------------------------


def test_a_new_failure_is_told_once_until_somebody_takes_it(refuse: Any, person: Any) -> None:
    rule = make_rule("failure-new", users=[person])
    evaluate()
    assert not Alert.objects.exists()
    group = fail(refuse, 3)
    evaluate()
    alert = Alert.objects.get()
    assert (alert.rule, alert.count, alert.closed_at) == (rule, 1, None)
    assert "FlowException in refuse is new" in alert.findings[0]["text"]
    assert steps(via="here") == ["opened"]
    fail(refuse, 2)
    evaluate(later=timedelta(hours=1))
    assert steps(via="here") == ["opened"]
    person.user_permissions.add(Permission.objects.get(codename="handle_failure"))
    person = type(person).objects.get(pk=person.pk)
    actor = ACTOR.__class__(person.pk, "ada", "page")
    assert give_failure_command("take", group, person, actor).done
    evaluate()
    assert steps(via="here") == ["opened"]  # it may come back at once
    evaluate(later=timedelta(minutes=3))
    assert steps(via="here") == ["opened", "closed"]
    alert.refresh_from_db()
    assert alert.is_done
    assert alert.closed_at


def test_a_storm_is_one_message_and_what_joins_later_another(person: Any) -> None:
    make_rule("queued-long", users=[person], parameters={"minutes": 5})
    for number in range(30):
        make_execution(person, f"storm-{number % 3}", age=600 + number, status=Status.QUEUED)
    evaluate()
    alert = Alert.objects.get()
    assert (alert.count, len(alert.findings)) == (30, 20)
    message = Delivery.objects.get(via="here").message
    assert "30" in message["title"]
    assert (len(message["lines"]), message["more"]) == (20, 10)
    make_execution(person, "storm-1", age=700, status=Status.QUEUED)
    make_execution(person, "another", age=700, status=Status.QUEUED)
    evaluate()
    assert steps(via="here") == ["opened"]
    evaluate(later=timedelta(minutes=6))
    assert steps(via="here") == ["opened", "spread"]
    evaluate(later=timedelta(minutes=6))
    assert steps(via="here") == ["opened", "spread"]


def test_it_is_repeated_while_it_lasts(person: Any) -> None:
    make_rule("queued-long", users=[person], repeat_minutes=60)
    make_execution(person, age=600, status=Status.QUEUED)
    evaluate()
    evaluate(later=timedelta(minutes=59))
    assert steps(via="here") == ["opened"]
    evaluate(later=timedelta(minutes=2))
    assert steps(via="here") == ["opened", "lasts"]
    AlertRule.objects.update(repeat_minutes=0)
    evaluate(later=timedelta(days=9))
    assert steps(via="here") == ["opened", "lasts"]


def test_a_rule_tells_nobody_in_its_quiet_hours(person: Any) -> None:
    now = timezone.now()
    rule = make_rule(
        "queued-long",
        users=[person],
        quiet_from=(now - timedelta(hours=1)).time(),
        quiet_until=(now + timedelta(hours=1)).time(),
    )
    execution = make_execution(person, age=600, status=Status.QUEUED)
    evaluate()
    assert Alert.objects.get().count == 1
    assert not Delivery.objects.exists()
    AlertRule.objects.filter(pk=rule.pk).update(quiet_from=None, quiet_until=None)
    evaluate()
    assert steps(via="here") == ["opened"]
    # It ends in quiet hours: that is told when they are over.
    AlertRule.objects.filter(pk=rule.pk).update(
        quiet_from=rule.quiet_from, quiet_until=rule.quiet_until
    )
    Execution.objects.filter(pk=execution.pk).delete()
    evaluate(later=timedelta(minutes=3))
    assert Alert.objects.get().closed_at
    assert steps(via="here") == ["opened"]
    AlertRule.objects.filter(pk=rule.pk).update(quiet_from=None, quiet_until=None)
    evaluate()
    assert steps(via="here") == ["opened", "closed"]


def test_what_comes_and_goes_in_quiet_hours_is_told_to_nobody(person: Any) -> None:
    rule = make_rule(
        "queued-long",
        users=[person],
        quiet_from="00:00",
        quiet_until="00:00",
    )
    make_execution(person, age=600, status=Status.QUEUED)
    evaluate()
    Execution.objects.all().delete()
    evaluate(later=timedelta(minutes=3))
    AlertRule.objects.filter(pk=rule.pk).update(quiet_from=None, quiet_until=None)
    evaluate()
    assert Alert.objects.get().is_done
    assert not Delivery.objects.exists()


def test_quiet_rules_share_their_statements(django_assert_max_num_queries: Any) -> None:
    for number in range(30):
        make_rule("failure-count", name=f"Often {number}")
        make_rule("error-rate", name=f"Rate {number}")
    with django_assert_max_num_queries(40):
        evaluation.evaluate()
    assert not AlertRule.objects.filter(evaluated_at=None).exists()
    # Nobody else evaluates them for some seconds.
    with django_assert_max_num_queries(20):
        evaluation.evaluate()


def test_what_a_rule_found_before_it_was_changed_is_not_told(person: Any) -> None:
    now = timezone.now()
    found = Found.of([Finding(group="a", text="b", address="/")])
    rules = [make_rule("queued-long", name=name, users=[person]) for name in "ABC"]
    AlertRule.objects.filter(name="A").update(is_on=False)
    AlertRule.objects.filter(name="B").update(since=now)
    for rule in rules:
        evaluation._apply_to(rule, found, now)
    assert Alert.objects.get().rule.name == "C"


def test_a_rule_that_fails_keeps_no_other_from_it(
    person: Any, caplog: pytest.LogCaptureFixture
) -> None:
    broken = make_rule("queued-long", name="A", users=[person])
    AlertRule.objects.filter(pk=broken.pk).update(parameters={})
    make_rule("queued-long", name="B", users=[person])
    make_execution(person, age=600, status=Status.QUEUED)
    with pytest.raises(AssertionError):
        evaluate()
    assert AlertRule.objects.get(name="A").problem == "KeyError: 'minutes'"
    assert Alert.objects.get().rule.name == "B"


def test_people_are_told_of_what_they_may_see(person: Any, django_user_model: Any) -> None:
    """Others than those who see everything hear of their own executions, and nothing of others."""
    initiator = django_user_model.objects.create_user("ben")
    stranger = django_user_model.objects.create_user("cleo")
    gone = django_user_model.objects.create_user("dan", is_active=False)
    team = Group.objects.create(name="team")
    for one in (person, initiator, stranger, gone):
        one.groups.add(team)
    make_rule("queued-long", groups=[team], users=[person])
    make_execution(person, "orders", age=600, status=Status.QUEUED)
    make_execution(initiator, "letters", age=700, status=Status.QUEUED)
    evaluate()
    lines = {
        one.user.username: [text.split(" ")[0] for text, _ in one.message["lines"]]
        for one in Delivery.objects.filter(via="here").select_related("user")
    }
    assert lines == {"ada": ["letters", "orders"], "ben": ["letters"]}
    Execution.objects.all().delete()
    evaluate(later=timedelta(minutes=3))
    over = Delivery.objects.filter(via="here", step="closed").values_list("user__username")
    assert sorted(over) == [("ada",), ("ben",)]


# What each kind finds ----------------------------------------------------------------------------


def test_a_failure_that_regressed(refuse: Any, admin_user: Any) -> None:
    rule = make_rule("failure-regressed")
    group = fail(refuse)
    assert not check(rule).count
    actor = ACTOR.__class__(admin_user.pk, "admin", "page")
    assert give_failure_command("resolve", group, admin_user, actor, {"from": "now"}).done
    assert not check(rule).count
    fail(refuse)
    assert check(rule).findings[0].failure_id == str(group.pk)
    assert would_have_fired(rule) == 1


def test_a_failure_beyond_a_count(refuse: Any) -> None:
    rule = make_rule("failure-count", parameters={"times": 2, "minutes": 60})
    group = fail(refuse, 2)
    assert not check(rule).count
    assert would_have_fired(rule) == 0
    fail(refuse)
    assert "was seen 3 times in 60 minutes" in check(rule).findings[0].text
    assert check(rule).findings[0].failure_id == str(group.pk)
    assert would_have_fired(rule) == 1


def test_an_error_rate(person: Any) -> None:
    rule = make_rule("error-rate", parameters={"percent": 50, "minutes": 60, "runs": 4})
    ended = {"status": Status.ENDED}
    for flow, failures, successes in (("bad", 3, 1), ("half", 2, 2), ("few", 3, 0)):
        for _ in range(failures):
            make_execution(person, flow, status=Status.ERROR, error_type="X")
        for _ in range(successes):
            make_execution(person, flow, **ended)
    aggregation.aggregate()
    found = check(rule)
    assert [finding.flow for finding in found.findings] == ["bad"]
    assert "3 of 4 executions failed (75 %)" in found.findings[0].text
    assert would_have_fired(rule) == 1


def test_a_run_that_is_longer_than_usual(person: Any) -> None:
    rule = make_rule("long-run", parameters={"percent": 300, "minutes": 0})
    make_execution(person, age=20)
    assert not check(rule).count  # nobody knows what is usual
    for _ in range(20):
        make_execution(person, age=100, status=Status.ENDED)  # for a second
    make_execution(person, age=2)
    aggregation.aggregate()
    found = check(rule)
    assert found.count == 1
    assert "has run for 20." in found.findings[0].text
    assert "unusual from 3." in found.findings[0].text
    assert would_have_fired(rule) == 0
    now = timezone.now()
    make_execution(
        person,
        status=Status.ENDED,
        started_at=now - timedelta(minutes=50),
        ended_at=now - timedelta(minutes=30),
    )
    assert would_have_fired(rule) == 1


def test_a_run_that_is_longer_than_the_limit_of_its_flow(person: Any) -> None:
    rule = make_rule("over-limit")
    make_execution(person, "orders", age=300)
    make_execution(person, "letters", age=300)
    assert not check(rule).count
    Flow.objects.filter(name="orders").update(duration_limit_minutes=4)
    found = check(rule)
    assert [finding.flow for finding in found.findings] == ["orders"]
    assert "the limit of the flow is 4 m 00 s" in found.findings[0].text


def test_an_execution_that_is_queued_for_too_long(person: Any) -> None:
    rule = make_rule("queued-long", parameters={"minutes": 5})
    make_execution(person, age=200, status=Status.QUEUED)
    make_execution(person, age=400)  # a worker has it
    assert not check(rule).count
    late = make_execution(person, age=400, status=Status.QUEUED)
    assert check(rule).findings[0].execution_id == str(late.pk)
    assert would_have_fired(rule) == 0
    Execution.objects.filter(pk=late.pk).update(
        status=Status.RUNNING, first_claimed_at=timezone.now()
    )
    assert not check(rule).count
    assert would_have_fired(rule) == 1


def test_a_flow_without_success(person: Any) -> None:
    rule = make_rule("no-success", parameters={"hours": 2})
    for flow, age in (("idle", 3 * 3600), ("fine", 3600), ("unused", 40 * 86_400)):
        make_execution(person, flow, age=age, status=Status.ENDED)
    make_execution(person, "idle", age=60, status=Status.ERROR, error_type="X")
    aggregation.aggregate()
    found = check(rule)
    assert [finding.flow for finding in found.findings] == ["idle"]
    assert found.findings[0].text == "idle: no successful execution in 2 h, 1 failed"
    named = make_rule("no-success", flow=Flow.objects.get(name="unused"))
    assert check(named).count == 1
    AlertRule.objects.filter(pk=named.pk).update(since=timezone.now())
    assert check(AlertRule.objects.get(pk=named.pk)).count == 0  # it has a day from now on
    assert would_have_fired(named) == 1


def test_an_execution_that_waits_for_a_person(person: Any) -> None:
    rule = make_rule("waits-for-person", parameters={"minutes": 10})
    make_execution(person, age=300, status=Status.PAUSED)
    assert not check(rule).count
    waiting = make_execution(person, age=900, status=Status.EXCEPTION, place="exception")
    assert check(rule).findings[0].execution_id == str(waiting.pk)
    evaluate()
    assert would_have_fired(rule) == 1
    Execution.objects.filter(pk=waiting.pk).update(status=Status.RUNNING)
    evaluate()
    assert Observation.objects.get(key=waiting.pk).until
    assert would_have_fired(rule) == 1


def test_a_worker_that_is_silent(redis: Redis) -> None:
    rule = make_rule("worker-silent", parameters={"minutes": 1})

    def heard(name: str, ago: float) -> None:
        at = timezone.now().timestamp() - ago
        workers.record(
            workers.Worker(name=name, slots=2, busy=0, queues=(), started_at=at, seen_at=at)
        )

    heard("fine", 1)
    heard("lately", 40)
    assert not check(rule).count
    heard("dead", 300)
    assert [one.group for one in check(rule).findings] == ["worker dead"]
    evaluate()
    assert would_have_fired(rule) == 1
    heard("dead", 0)
    evaluate()
    assert Observation.objects.get(key="dead").until
    assert not check(rule).count


def test_rules_are_about_a_flow_a_folder_or_a_label(person: Any) -> None:
    for name in ("one", "two", "three"):
        make_execution(person, name, age=600, status=Status.QUEUED)
    top = Folder.objects.create(name="top")
    below = Folder.objects.create(name="below", parent=top)
    label = Label.objects.create(name="pager")
    Flow.objects.filter(name="one").update(folder=top)
    Flow.objects.filter(name="two").update(folder=below)
    label.flows.add(Flow.objects.get(name="three"))

    def flows(**scope: Any) -> set[str]:
        return {one.flow for one in check(make_rule("queued-long", **scope)).findings}

    assert flows() == {"one", "two", "three"}
    assert flows(flow=Flow.objects.get(name="one")) == {"one"}
    assert flows(folder=top) == {"one", "two"}
    assert flows(label=label) == {"three"}


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_kind_reads_as_a_sentence_and_finds_nothing_in_nothing(name: str) -> None:
    kind = KINDS[name]
    rule = make_rule(name)
    said = kind.sentence(kind.defaults())
    assert said[0].islower()
    assert not said.endswith(".")
    assert not check(rule).count
    assert would_have_fired(rule) == 0


# What concerns a person without a rule ------------------------------------------------------------


def test_people_hear_of_their_failures_and_of_mentions(
    refuse: Any, admin_user: Any, person: Any, django_user_model: Any
) -> None:
    stranger = django_user_model.objects.create_user("cleo")
    group = fail(refuse)
    FailureWatch.objects.create(user=stranger, group=group)  # may not see it any more
    admin = ACTOR.__class__(admin_user.pk, "admin", "page")
    mine = ACTOR.__class__(person.pk, "ada", "page")
    assert give_failure_command("watch", group, person, mine).done
    comment = {"text": "Look, @ada"}
    assert give_failure_command("comment", group, admin_user, admin, comment).done
    mentions = Delivery.objects.filter(occasion="mentioned", via="here")
    assert [one.user for one in mentions] == [person]
    assert mentions[0].message["text"] == "admin: Look, @ada"
    assert give_failure_command("resolve", group, admin_user, admin, {"from": "now"}).done
    fail(refuse)
    told = Delivery.objects.filter(occasion="failure-of-mine", via="here").order_by("id")
    # Resolved, by one who knows that; then seen again. Who comments watches.
    assert [one.user for one in told] == [person, admin_user, person]
    assert not Delivery.objects.filter(user=stranger).exists()
