"""Children in the grid: above, below or beside their parents; many of them summed up and paged."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from executions.grid.paging.page_query import MORE_LIMIT
from executions.grid.paging.tree import CHILDREN_SHOWN
from executions.grid.planner.counts import CAP
from executions.models import Execution
from executions.states import Status
from tests.executions_in_tests import make_children, make_execution

pytestmark = pytest.mark.django_db


def rows_in(html: str) -> list[tuple[str, int]]:
    """The id and level of every row; "+id" where children of that are summed up."""
    found = re.findall(
        r'<tr role="row"[^>]*? data-(id|children-of)="([^"]+)"[^>]*? aria-level="(\d+)"', html
    )
    return [("+" * (kind == "children-of") + one, int(level)) for kind, one, level in found]


def family(user: User) -> list[Execution]:
    """A root, its two children and the younger one's child, then another root."""
    root = make_execution(user, age=50, child_count=2)
    younger = make_execution(user, parent=root, age=40, child_count=1)
    elder = make_execution(user, parent=root, age=45)
    grandchild = make_execution(user, parent=younger, age=30)
    return [root, younger, grandchild, elder, make_execution(user, age=60)]


def test_children_hang_below_their_parents(admin_client: Client, admin_user: User) -> None:
    root, younger, grandchild, elder, other = family(admin_user)
    html = admin_client.get(f"/?open={root.pk}&open={younger.pk}").content.decode()
    assert rows_in(html) == [
        (str(root.pk), 1), (str(younger.pk), 2), (str(grandchild.pk), 3), (str(elder.pk), 2),
        (str(other.pk), 1),
    ]  # fmt: skip


def test_children_stand_above_their_parents(admin_client: Client, admin_user: User) -> None:
    root, younger, grandchild, elder, other = family(admin_user)
    address = f"?children=child-first&open={root.pk}&open={younger.pk}"
    html = admin_client.get(f"/{address}").content.decode()
    assert rows_in(html) == [
        (str(grandchild.pk), 3), (str(younger.pk), 2), (str(elder.pk), 2), (str(root.pk), 1),
        (str(other.pk), 1),
    ]  # fmt: skip
    assert 'data-child-order="child-first"' in html
    assert "2 child executions above" in html
    part = admin_client.get(f"/executions/{root.pk}/children/{address}").content.decode()
    assert [level for _, level in rows_in(part)] == [3, 2, 2]


def test_a_flat_grid_lists_every_execution(admin_client: Client, admin_user: User) -> None:
    made = family(admin_user)
    html = admin_client.get("/?children=flat").content.decode()
    newest_first = sorted(made, key=lambda one: one.started_at, reverse=True)
    assert rows_in(html) == [(str(one.pk), 1) for one in newest_first]
    assert not re.search(r"<tr[^>]*aria-expanded", html)


@pytest.mark.parametrize("order", ["parent-first", "child-first"])
def test_many_children_are_summed_up_and_shown_by_the_hundred(
    admin_client: Client, admin_user: User, order: str
) -> None:
    root = make_execution(admin_user)
    made = make_children(root, 230)
    ids = [str(one.pk) for one in made]
    address = f"/?children={order}&open={root.pk}"
    shown = 0
    for more in (1, 2):
        html = admin_client.get(address).content.decode()
        shown += CHILDREN_SHOWN
        rows = [one for one, level in rows_in(html) if level == 2]
        assert rows == [*ids[:shown], f"+{root.pk}"]
        assert "<b>230 children</b>" in html
        assert f"the first {shown} are listed" in html
        found = re.search(rf'href="(/\?[^"]*)" data-hundreds="{more}"', html)
        assert found
        address = found[1].replace("&amp;", "&")
    html = admin_client.get(address).content.decode()
    assert [one for one, level in rows_in(html) if level == 2] == ids


def test_more_is_not_without_end(admin_client: Client, admin_user: User) -> None:
    root = make_execution(admin_user)
    make_children(root, CHILDREN_SHOWN * (MORE_LIMIT + 1) + 1)
    html = admin_client.get(f"/?open={root.pk}&more={root.pk}.9").content.decode()
    assert "the first 1,000 are listed" in html
    assert "data-hundreds=" not in html
    assert f"parent={root.pk}" in html
    for odd in (f"{root.pk}.99", f"{root.pk}.-1", "x.1", f"{root.pk}", f"{root.pk}.²"):
        html = admin_client.get("/", {"open": root.pk, "more": odd}).content.decode()
        assert "the first 100 are listed" in html


def test_children_are_counted_by_status(admin_client: Client, admin_user: User) -> None:
    root = make_execution(admin_user)
    made = make_children(root, 120, status=Status.ENDED)
    Execution.objects.filter(pk__in=[one.pk for one in made[:12]]).update(status=Status.ERROR)
    html = admin_client.get(f"/executions/{root.pk}/children/counts/").content.decode()
    told = re.findall(r'href="([^"]+)".*?</span>\s*([\d,]+ \w+)</a>', html)
    assert [words for _, words in told] == ["108 Ended", "12 Error"]
    assert told[1][0].endswith(f"parent={root.pk}&amp;status=Error")
    assert "of the newest" not in html


def test_counting_children_ends_at_the_cap(
    admin_client: Client, admin_user: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    root = make_execution(admin_user)
    make_children(root, CAP + 5)
    with django_assert_max_num_queries(4):
        html = admin_client.get(f"/executions/{root.pk}/children/counts/").content.decode()
    assert "of the newest 10,000:" in html
    with django_assert_max_num_queries(8):
        html = admin_client.get(f"/?open={root.pk}").content.decode()
    assert "<b>10,005 children</b>" in html


def test_children_are_for_who_may_see_them(admin_user: User) -> None:
    ada = User.objects.create_user("ada")
    client = Client()
    client.force_login(ada)
    root = make_execution(admin_user)
    make_children(root, 3)
    for address in ("children/", "children/counts/"):
        assert client.get(f"/executions/{root.pk}/{address}").status_code == 404
        assert Client().get(f"/executions/{root.pk}/{address}").status_code == 302


def test_a_filter_lists_flat_and_of_roots_alone_as_a_tree(
    admin_client: Client, admin_user: User
) -> None:
    root, younger, _, elder, other = family(admin_user)
    Execution.objects.filter(pk=other.pk).update(status=Status.PAUSED)
    html = admin_client.get("/?status=Running").content.decode()
    assert {level for _, level in rows_in(html)} == {1}
    assert len(rows_in(html)) == 4
    found = re.search(r'href="(/\?[^"]*)"[^>]*>Matches include children', html)
    assert found
    address = found[1].replace("&amp;", "&")
    html = admin_client.get(f"{address}&open={root.pk}").content.decode()
    assert rows_in(html) == [(str(root.pk), 1), (str(younger.pk), 2), (str(elder.pk), 2)]
