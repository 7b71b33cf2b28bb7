"""What people do about a failure group, and what it does by itself."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.utils import timezone

from executions.commands.actor import Actor
from executions.failures import access, events, occurrences
from executions.failures.commands.registry import COMMANDS
from executions.failures.commands.run import Result, not_allowed, run
from executions.failures.events import FailureEvent
from executions.models import AuditEntry, FailureActivity, FailureGroup, FailureWatch
from executions.statistics.aggregation import CountedFailures, aggregate
from flows.models import Flow, FlowVersion, Folder, Grant
from flows.roles import Role
from tests.executions_in_tests import make_execution, version_of

pytestmark = pytest.mark.django_db

State = FailureGroup.State


def allowed(name: str, *codenames: str) -> User:
    user = User.objects.create_user(name, password="secret-of-tests")
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


@pytest.fixture
def ada(db: None) -> User:
    return allowed("ada", "view_execution", "handle_failure")


@pytest.fixture
def bob(db: None) -> User:
    return allowed("bob", "view_execution", "handle_failure")


@pytest.fixture
def group(db: None) -> FailureGroup:
    return make_group()


@pytest.fixture
def heard() -> Iterator[list[FailureEvent]]:
    """The events that listeners hear."""
    found: list[FailureEvent] = []

    def hear(event: FailureEvent, **_: Any) -> None:
        found.append(event)

    events.happened.connect(hear)
    yield found
    events.happened.disconnect(hear)


def make_group(flow: str = "orders", **columns: Any) -> FailureGroup:
    version = version_of(flow)
    FlowVersion.objects.filter(pk=version.pk).update(published_at=timezone.now())
    now = timezone.now()
    return FailureGroup.objects.create(
        id=columns.pop("id", UUID("07c40000-0000-4000-8000-000000000001")),
        flow=version.flow,
        block="pay",
        block_type="Set Variable",
        type="Shop.TakenException",
        template="Line {number} is taken",
        **{
            "first_seen_at": now,
            "first_version": 1,
            "last_seen_at": now,
            "last_version": 1,
            "changed_at": now,
            "is_known": True,
            **columns,
        },
    )


def give(
    name: str, group: FailureGroup, by: User, seen: int | None = None, **fields: str
) -> Result:
    result = run(name, group, by, Actor(by.pk, by.username, "page"), fields, seen)
    group.refresh_from_db()
    return result


def fail(group: FailureGroup, number: int = 1, version: int = 1, ago: float = 0) -> None:
    """Count failures as the statistics do."""
    at = timezone.now() - timedelta(seconds=ago)
    occurrences.count(None, [CountedFailures(group.pk, version, number, at)])
    group.refresh_from_db()


def publish_version(group: FailureGroup, number: int) -> None:
    FlowVersion.objects.create(flow=group.flow, number=number, published_at=timezone.now())


def test_every_command_is_found_and_fits_its_columns() -> None:
    assert set(COMMANDS) == {
        "take", "assign", "give-back", "mute", "unmute", "resolve", "reopen", "comment", "watch",
        "unwatch",
    }  # fmt: skip
    assert all(len(name) <= 20 for name in COMMANDS)


def test_the_statistics_count_failures_and_say_what_is_new(
    group: FailureGroup, admin_user: User, heard: list[FailureEvent]
) -> None:
    FailureGroup.objects.update(is_known=False)
    for age in (60, 50, 40):
        make_execution(admin_user, "orders", age, status="Error", failure=group.pk)
    make_execution(admin_user, "orders", status="Ended", failure=group.pk)
    aggregate()
    group.refresh_from_db()
    assert (group.count, group.is_known, group.state) == (3, True, State.OPEN)
    assert [(event.kind, event.group) for event in heard] == [("new", group)]
    make_execution(admin_user, "orders", 0, status="Error", failure=group.pk)
    aggregate()
    group.refresh_from_db()
    assert group.count == 4
    assert len(heard) == 1


def test_taking_assigning_and_giving_back(
    group: FailureGroup, ada: User, bob: User, heard: list[FailureEvent]
) -> None:
    assert give("take", group, ada).done
    assert group.owner == ada
    assert give("take", group, ada).detail == "You own it already."
    assert give("assign", group, ada, user="@bob").done
    assert group.owner == bob
    assert heard[-1].mentions == ["bob"]
    assert give("assign", group, ada, user="nobody").detail.startswith("There is no user nobody")
    assert give("give-back", group, ada).detail == "Took it away from bob."
    assert group.owner is None
    assert give("give-back", group, ada).detail == "Nobody owns it."
    assert set(events.watchers(group)) == {ada.pk, bob.pk}
    entries = AuditEntry.objects.filter(failure=group, flow_name="orders").order_by("id")
    assert [(one.command, one.outcome) for one in entries] == [
        ("take", "done"),
        ("take", "refused"),
        ("assign", "done"),
        ("assign", "refused"),
        ("give-back", "done"),
        ("give-back", "refused"),
    ]


def test_of_two_at_once_the_second_is_told_what_changed(
    group: FailureGroup, ada: User, bob: User
) -> None:
    assert give("take", group, ada, seen=1).done
    refused = give("resolve", group, bob, seen=1)
    assert not refused.done
    assert refused.detail.startswith("It has changed since you looked at ")
    assert refused.detail.endswith(": ada took it. Look again, then decide.")
    assert (group.state, group.owner) == (State.OPEN, ada)
    assert give("resolve", group, bob, seen=2).done


def test_a_comment_is_no_change_that_refuses_others(
    group: FailureGroup, ada: User, bob: User, heard: list[FailureEvent]
) -> None:
    assert give("comment", group, ada, text="See this, @bob. Mail a@bob.org").done
    assert group.revision == 1
    assert heard[-1].mentions == ["bob"]
    assert set(FailureWatch.objects.values_list("user__username", flat=True)) == {"ada", "bob"}
    assert give("take", group, bob, seen=1).done
    assert give("comment", group, ada, text=" ").detail == "Write the comment first."
    assert "eve" in give("comment", group, ada, text="Ask @eve").detail
    assert not give("comment", group, ada, text="x" * 4001).done
    assert FailureActivity.objects.filter(kind="comment").count() == 1


@pytest.mark.parametrize(
    ("fields", "version", "later", "regresses"),
    [
        ({"in": "now"}, None, 1, True),
        ({"in": "newest"}, 2, 1, False),
        ({"in": "newest"}, 2, 2, True),
        ({"in": "next"}, 3, 2, False),
        ({"in": "next"}, 3, 3, True),
    ],
)
def test_seen_again_from_there_on_it_has_regressed(
    group: FailureGroup,
    ada: User,
    heard: list[FailureEvent],
    fields: dict[str, str],
    version: int | None,
    later: int,
    regresses: bool,
) -> None:
    publish_version(group, 2)
    assert give("resolve", group, ada, **fields).done
    assert (group.state, group.resolved_in_version) == (State.RESOLVED, version)
    # It had failed before; that is counted later.
    fail(group, version=later, ago=60)
    assert group.state == State.RESOLVED
    fail(group, version=later)
    assert group.state == (State.REGRESSED if regresses else State.RESOLVED)
    assert [event.kind for event in heard] == ["resolve", *["regressed"] * regresses]
    if regresses:
        assert group.regressed_in_version == later
        assert f"Seen again, in v{later}." in heard[-1].text
        assert give("take", group, ada, seen=2).detail.count(f"Seen again, in v{later}") == 1


def test_a_mute_runs_out_by_time_count_or_version(group: FailureGroup, ada: User) -> None:
    assert give("mute", group, ada, until="1h").done
    occurrences.unmute_due()
    group.refresh_from_db()
    assert group.state == State.MUTED
    FailureGroup.objects.update(muted_until=timezone.now() - timedelta(seconds=1))
    occurrences.unmute_due()
    group.refresh_from_db()
    assert (group.state, group.muted_until) == (State.OPEN, None)

    assert give("mute", group, ada, until="count", count="5").done
    fail(group, 4)
    assert group.state == State.MUTED
    fail(group, 1)
    assert (group.state, group.muted_until_count) == (State.OPEN, None)

    assert give("mute", group, ada, until="version").done
    fail(group, 9, version=1)
    assert group.state == State.MUTED
    fail(group, version=2)
    assert group.state == State.OPEN
    kinds = FailureActivity.objects.order_by("id").values_list("kind", flat=True)
    assert list(kinds) == ["mute", "unmuted"] * 3


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"until": "never"},
        {"until": "count", "count": "0"},
        {"until": "count", "count": "-1"},
        {"until": "count", "count": "\uff19"},
        {"until": "time", "time": "soon"},
        {"until": "time", "time": "2020-01-01T00:00"},
        {"until": "time", "time": "2026-13-41T00:00"},
    ],
)
def test_a_mute_without_an_end_is_refused(
    group: FailureGroup, ada: User, fields: dict[str, str]
) -> None:
    assert not give("mute", group, ada, **fields).done
    assert group.state == State.OPEN


def test_what_does_not_apply_is_refused(group: FailureGroup, ada: User) -> None:
    assert give("unmute", group, ada).detail == "It is open: Unmute does not apply to that."
    assert give("resolve", group, ada).done
    assert "resolved" in give("take", group, ada).detail
    assert give("reopen", group, ada).done
    assert group.state == State.OPEN


def test_who_may_not_handle_failures_is_refused(group: FailureGroup) -> None:
    eve = allowed("eve", "view_execution")
    for name, command in COMMANDS.items():
        if command.is_change:
            assert give(name, group, eve).detail == not_allowed(group)
    assert (group.state, group.owner, group.revision) == (State.OPEN, None, 1)
    assert give("comment", group, eve, text="Why?").done


def test_people_see_the_groups_of_what_they_see(group: FailureGroup, ada: User) -> None:
    mallory = allowed("mallory", "handle_failure")
    assert list(access.visible(ada)) == [group]
    assert not access.visible(mallory).exists()
    make_execution(ada, status="Error", failure=group.pk)
    make_execution(mallory, status="Ended", failure=group.pk)
    assert not access.visible(mallory).exists()
    make_execution(mallory, status="Error", failure=group.pk)
    assert list(access.visible(mallory)) == [group]
    assert [user.username for user in access.people(group)] == ["ada", "mallory"]
    assert access.named(group, "ada") == ada
    allowed("eve")
    assert access.named(group, "eve") is None


@pytest.mark.parametrize("place", ["flow", "folder", "site", "elsewhere"])
@pytest.mark.parametrize("by_group", [False, True])
def test_people_with_a_role_are_assigned_and_mentioned(
    group: FailureGroup, ada: User, place: str, by_group: bool
) -> None:
    outer = Folder.objects.create(name="outer")
    group.flow.folder = Folder.objects.create(name="inner", parent=outer)
    group.flow.save()
    noah = User.objects.create_user("noah")
    team = Group.objects.create(name="team")
    team.user_set.add(noah)
    holder: dict[str, Any] = {"group": team} if by_group else {"user": noah}
    other = Flow.objects.create(name="another")
    on = {"flow": {"flow": group.flow}, "folder": {"folder": outer}, "elsewhere": {"flow": other}}
    Grant.objects.create(**holder, **on.get(place, {}), role=Role.SEE)
    sees = place != "elsewhere"
    assert access.visible(User.objects.get(pk=noah.pk)).exists() == sees
    assert (noah in access.people(group, "no")) == sees
    assert give("assign", group, ada, user="noah").done == sees
    assert give("comment", group, ada, text="@noah, look").done == sees
