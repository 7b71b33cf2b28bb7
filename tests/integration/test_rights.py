"""Roles on flows, folders and the whole site: what they include, and what they let people see."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from executions import access
from executions.models import Execution
from flows import access as flows_access
from flows.models import Flow, Folder, Grant
from flows.rights import highest, rights_of
from flows.roles import PERMISSIONS, Role
from tests.executions_in_tests import make_execution
from tests.flows_in_tests import WAIT, WAIT_VARIABLES, publish

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]


def fresh(user: User) -> User:
    """The user as another request reads them."""
    return User.objects.get(pk=user.pk)


def given(user: User, role: Role, **on: Any) -> User:
    Grant.objects.create(user=user, role=role, **on)
    return fresh(user)


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada")


@pytest.fixture
def shop() -> Flow:
    """A flow two folders deep."""
    commerce = Folder.objects.create(name="commerce")
    returns = Folder.objects.create(name="returns", parent=commerce)
    return Flow.objects.create(name="shop", folder=returns)


@pytest.fixture
def other() -> Flow:
    return Flow.objects.create(name="other")


@pytest.mark.parametrize("held", Role)
def test_a_role_includes_those_before_it(ada: User, shop: Flow, other: Flow, held: Role) -> None:
    rights = rights_of(given(ada, held, flow=shop))
    assert [role for role in Role if rights.may(role, shop.pk)] == [r for r in Role if r <= held]
    assert not any(rights.may(role, other.pk) for role in Role)
    assert rights.flow_ids(held) == {shop.pk}


def test_a_role_on_a_folder_is_one_on_all_flows_below_it(
    ada: User, shop: Flow, other: Flow
) -> None:
    top = Folder.objects.get(name="commerce")
    rights = rights_of(given(ada, Role.OPERATE, folder=top))
    assert rights.flow_ids(Role.SEE) == {shop.pk}
    inner = Folder.objects.get(name="returns")
    Flow.objects.filter(pk=other.pk).update(folder=inner)
    assert rights_of(fresh(ada)).flow_ids(Role.OPERATE) == {shop.pk, other.pk}
    inner.parent = None
    inner.save()
    assert rights_of(fresh(ada)).flow_ids(Role.SEE) == frozenset()


def test_the_highest_role_of_a_person_and_of_their_groups_counts(ada: User, shop: Flow) -> None:
    group = Group.objects.create(name="Returns")
    ada.groups.add(group)
    Grant.objects.create(group=group, folder=shop.folder, role=Role.DEBUG)
    rights = rights_of(given(ada, Role.SEE, flow=shop))
    assert rights.may(Role.DEBUG, shop.pk)
    assert not rights.may(Role.AUTHOR, shop.pk)
    group.user_set.clear()
    assert not rights_of(fresh(ada)).may(Role.START, shop.pk)


def test_a_role_on_the_whole_site_is_one_on_every_flow(ada: User, shop: Flow) -> None:
    ada = given(ada, Role.DEBUG)
    assert rights_of(ada).flow_ids(Role.DEBUG) is None
    assert rights_of(ada).flow_ids(Role.AUTHOR) == frozenset()
    assert access.sees_all(ada)
    assert list(flows_access.visible(ada)) == [shop]
    assert not rights_of(ada).has("executions.edit_alert_rules")
    grace = given(User.objects.create_user("grace"), Role.ADMINISTER)
    assert all(rights_of(grace).has(one) for one in PERMISSIONS)


def test_a_permission_is_what_it_was(ada: User, shop: Flow) -> None:
    for codename, role in (("start_flow", Role.START), ("control_execution", Role.OPERATE)):
        user = User.objects.create_user(codename)
        user.user_permissions.add(Permission.objects.get(codename=codename))
        rights = rights_of(fresh(user))
        assert rights.flow_ids(role) is None
        # Unlike a role, it includes no other.
        assert rights.flow_ids(Role.SEE) == frozenset()
        assert rights.flow_ids(Role.DEBUG) == frozenset()


def test_who_is_not_active_has_no_rights(ada: User, shop: Flow) -> None:
    User.objects.create_superuser("other")  # somebody has to administer the site
    ada = given(ada, Role.ADMINISTER)
    ada.is_active = False
    ada.save()
    ada = fresh(ada)
    assert rights_of(ada).flow_ids(Role.SEE) == frozenset()
    assert not access.visible(ada).exists()
    assert not flows_access.sees_flows(ada)


def test_rights_are_read_once_a_request(ada: User, shop: Flow) -> None:
    ada = given(ada, Role.SEE, folder=shop.folder)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        for _ in range(3):
            access.sees_all(ada)
            access.seen(ada)
            flows_access.may_start(ada, shop)
    assert len([one for one in queries if "flows_grant" in one["sql"]]) == 1


def test_rights_are_limited_to_a_role_and_to_flows(ada: User, shop: Flow, other: Flow) -> None:
    ada = given(given(ada, Role.DEBUG, flow=shop), Role.AUTHOR, flow=other)
    rights = rights_of(ada).limited_to(Role.START, frozenset({shop.pk}))
    assert rights.flow_ids(Role.START) == {shop.pk}
    assert rights.flow_ids(Role.OPERATE) == frozenset()
    assert rights.own_flow_ids(Role.SEE) == {shop.pk}
    assert rights.own_flow_ids(Role.OPERATE) == frozenset()
    admin = rights_of(User.objects.create_superuser("root"))
    limited = admin.limited_to(Role.ADMINISTER, frozenset({other.pk}))
    assert limited.flow_ids(Role.ADMINISTER) == {other.pk}
    assert limited.names_of(limited.flow_ids(Role.SEE)) == {"other"}
    assert not limited.has("executions.edit_alert_rules")
    again = limited.limited_to(Role.SEE, frozenset({shop.pk}))
    assert again.flow_ids(Role.SEE) == frozenset()
    assert highest(["start", "see", "alerts"]) == Role.START
    assert highest(["alerts"]) == 0


def test_a_role_is_given_once_to_one_holder_on_one_object(ada: User, shop: Flow) -> None:
    group = Group.objects.create(name="Returns")
    Grant.objects.create(user=ada, flow=shop, role=Role.SEE)
    for wrong in (
        {"user": ada, "flow": shop, "role": Role.DEBUG},
        {"user": ada, "group": group, "role": Role.SEE},
        {"role": Role.SEE},
        {"user": ada, "flow": shop, "folder": shop.folder, "role": Role.SEE},
        {"user": ada, "role": 0},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Grant.objects.create(**wrong)


def test_people_see_and_control_by_role_and_what_they_started(ada: User, tmp_path: Any) -> None:
    versions = [publish(tmp_path, name, WAIT, WAIT_VARIABLES) for name in ("a", "b", "c")]
    root = User.objects.create_superuser("root")
    theirs = [make_execution(root, one.flow.name, version=one) for one in versions]
    mine = make_execution(ada, "c", version=versions[2])
    ada = given(given(ada, Role.SEE, flow=versions[0].flow), Role.OPERATE, flow=versions[1].flow)
    assert set(access.visible(ada)) == {theirs[0], theirs[1], mine}
    may = [access.may_control(ada, one.initiator_id, one.flow_name) for one in (*theirs, mine)]
    assert may == [False, True, False, True]
    seen = access.seen(ada)
    for one in Execution.objects.all():
        is_seen = access.visible(ada).filter(pk=one.pk).exists()
        assert seen.includes(one.initiator_id, one.flow_name) == is_seen
    # Equal sets are one object, so that viewers share what is worked out for them.
    assert access.seen(fresh(ada)) is seen
    condition = access.condition(ada, access.DEBUG)
    assert not Execution.objects.filter(condition).exists()
