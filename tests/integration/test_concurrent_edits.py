"""Two people change the same at the same moment: one is refused, or both are kept."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection

from executions.alerts import rules
from executions.commands import flow_arrangement
from executions.commands.actor import Actor
from executions.models import AlertRule, AuditEntry
from flows.models import Flow, Folder, Label
from tests.alerts_in_tests import make_rule
from tests.executions_in_tests import version_of

pytestmark = pytest.mark.django_db(transaction=True)
TIMES = 5
_TOGETHER = threading.Barrier(2, timeout=30)


def together(*tasks: Callable[[], Any]) -> list[Any]:
    """Run two tasks at the same moment, each in a thread and a connection of its own; return what
    each returned or raised."""
    results: list[Any] = [None, None]

    def run(number: int) -> None:
        try:
            connection.ensure_connection()
            _TOGETHER.wait()
            results[number] = tasks[number]()
        except Exception as error:
            results[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def actor_of(user: User) -> Actor:
    return Actor(user.pk, user.username, "page")


@pytest.fixture
def people() -> list[User]:
    return [User.objects.create_superuser(name, f"{name}@example.com") for name in ("ada", "bob")]


def test_of_two_changes_of_a_rule_one_is_refused(people: list[User]) -> None:
    rule_id = make_rule("queued-long", name="Queue").pk
    for number in range(TIMES):

        def change(user: User, number: int = number) -> Callable[[], str]:
            rule = AlertRule.objects.get(pk=rule_id)
            rule.name = f"{user} {number}"
            told: dict[str, Any] = {"users": [user], "groups": [], "channels": []}

            def save() -> str:
                rules.save(user, actor_of(user), rule, told)
                return rule.name

            return save

        results = together(*(change(user) for user in people))
        refused = [one for one in results if isinstance(one, rules.RuleChanged)]
        (name,) = (one for one in results if isinstance(one, str))
        assert len(refused) == 1, results
        # What the other has written is there as a whole.
        rule = AlertRule.objects.get(pk=rule_id)
        assert (rule.name, rule.users.get().username) == (name, name.split()[0])
    assert AuditEntry.objects.filter(command="change-alert-rule").count() == TIMES


def test_labels_that_two_give_at_once_are_all_kept(people: list[User]) -> None:
    flow = version_of("orders").flow
    for number in range(TIMES):
        labels = [Label.objects.create(name=f"{user} {number}") for user in people]
        old = list(flow.labels.values_list("pk", flat=True))

        def give(user: User, label: Label, old: list[int] = old) -> Callable[[], str]:
            gone = old[:1] if user is people[0] else old[1:]
            return lambda: flow_arrangement.label(user, actor_of(user), flow, [label.pk], gone)

        results = together(*map(give, people, labels))
        assert all(isinstance(one, str) for one in results), results
        assert set(flow.labels.all()) == set(labels)


def test_two_moves_of_a_flow_come_one_after_the_other(people: list[User]) -> None:
    flow = version_of("orders").flow
    folders = [Folder.objects.create(name=name) for name in ("commerce", "finance")]

    def move(user: User, folder: Folder) -> Callable[[], str]:
        return lambda: flow_arrangement.move(user, actor_of(user), flow, folder)

    results = together(*map(move, people, folders))
    assert all(one.startswith("Moved orders") for one in results), results
    # The trail has both, the second from where the first has put it.
    first, second = AuditEntry.objects.filter(command="move-flow").order_by("id")
    assert second.detail.startswith(f"from {first.detail.split(' to ')[1]}")
    assert Flow.objects.get(pk=flow.pk).folder.name == second.detail.split(" to ")[1]


def test_a_folder_that_is_deleted_takes_no_flow_with_it(people: list[User]) -> None:
    flow = version_of("orders").flow
    for number in range(TIMES):
        folder = Folder.objects.create(name=f"folder {number}")

        def move(folder: Folder = folder) -> str:
            return flow_arrangement.move(people[0], actor_of(people[0]), flow, folder)

        moved, deleted = together(move, folder.delete)
        there = Flow.objects.get(pk=flow.pk).folder
        if isinstance(deleted, Exception):  # it holds a flow by now
            assert there == folder
        else:
            assert "was not moved" in moved or moved.startswith("Moved"), moved
            assert there is None or there.pk != folder.pk
        Flow.objects.filter(pk=flow.pk).update(folder=None)


def test_two_moves_of_folders_make_no_circle() -> None:
    one, other = (Folder.objects.create(name=name) for name in ("one", "other"))

    def below(inner: Folder, outer: Folder) -> Callable[[], int]:
        return lambda: Folder.objects.filter(pk=inner.pk).update(parent=outer)

    results = together(below(one, other), below(other, one))
    assert sum(isinstance(result, DatabaseError) for result in results) == 1, results
    assert Folder.objects.filter(parent=None).count() == 1
