"""The pages of failures: their list, and one group."""

import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from executions.failures import access, comparison, queries
from executions.failures.queries import GroupQuery
from executions.grid.table.columns import DEFAULT_COLUMNS
from executions.grid.table.layout import FAILURE_COLUMNS
from executions.models import Execution, FailureActivity, FailureGroup, FailureWatch
from executions.states import Status
from executions.statistics.aggregation import aggregate
from flows.models import Folder, Label
from tests.driving import begin, drive
from tests.executions_in_tests import make_execution
from tests.flows_in_tests import publish
from tests.integration.test_failure_commands import allowed, make_group
from tests.integration.test_failure_groups import REFUSE, REFUSE_VARIABLES

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]

State = FailureGroup.State
#: Refuses orders from the EU; a parent starts it.
SHIP = """
a: {type: Start Flow, bottom: i}
i:
  type: If True Exit Right
  description: Is it far?
  properties: {Value: '=Region == "EU"'}
  right: t
  bottom: e
t:
  type: Throw New Flow Exception
  description: Refuse it
  properties: {Message: '="Order " + string(Order) + " <b>may not</b> go"'}
e: {type: End Flow}
"""
SHIP_VARIABLES = """
Region: {input: true, default: US}
Order: {input: true, default: 1}
"""


@pytest.fixture
def ada(db: None) -> User:
    return allowed("ada", "view_execution", "handle_failure", "view_flow")


@pytest.fixture
def client_of(db: None) -> Any:
    def signed_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return signed_in


def page_of(client: Client, group: FailureGroup, tab: str = "") -> str:
    address = group.get_absolute_url() + (f"?tab={tab}" if tab else "")
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def test_the_list_filters_sorts_and_pages(ada: User, client_of: Any) -> None:
    folder = Folder.objects.create(name="Shop")
    label = Label.objects.create(name="vital")
    first = make_group(count=3)
    ids = (UUID(int=n) for n in range(1, 9))
    muted = make_group("other", id=next(ids), state=State.MUTED, count=9, owner=ada)
    back = make_group("back", id=next(ids), state=State.REGRESSED, count=7, owner=ada)
    muted.flow.folder = folder
    muted.flow.save()
    back.flow.labels.add(label)

    def found(address: str) -> list[FailureGroup]:
        return list(GroupQuery.parse(QueryDict(address)).groups(ada))

    assert found("sort=-count") == [back, first]
    assert found("sort=count") == [first, back]
    assert found("state=muted") == [muted]
    assert found("state=all&sort=flow") == [back, first, muted]
    assert found("owner=me") == [back]
    assert found("owner=nobody") == [first]
    assert found("owner=ada&state=all&sort=-count") == [muted, back]
    assert found(f"state=all&folder={folder.pk}") == [muted]
    assert found(f"state=all&label={label.pk}") == [back]
    assert found("flow=orders") == [first]
    assert found("q=taken+orders") == [first]
    assert found("q=07c4") == [first]
    assert found("q=nothing%00") == []
    assert queries.unowned(ada) == 1
    assert list(queries.open_groups(ada, [back.flow_id])) == [back]
    html = client_of(ada).get("/failures/?sort=-count").content.decode()
    assert html.index("back") < html.index(">orders<")
    assert 'aria-sort="descending"' in html
    assert 'id="failures-number"' in html
    assert html.count('data-key="') == 2
    badge = client_of(ada).get("/rail/failures/").content.decode()
    assert "\n1<span" in badge
    held = client_of(ada).get("/failures/live/").content.decode()
    digest = held.partition('data-part="')[2].partition('"')[0]
    again = client_of(ada).get("/failures/live/", headers={"X-Held": f"failures:{digest}"})
    assert again.content == b""


def test_a_list_without_failures_names_the_last_one(ada: User, client_of: Any) -> None:
    assert "No open failures" in client_of(ada).get("/failures/").content.decode()
    group = make_group(state=State.RESOLVED)
    html = client_of(ada).get("/failures/").content.decode()
    assert group.get_absolute_url() in html


def test_the_page_of_a_group(ada: User, client_of: Any, tmp_path: Path) -> None:
    version = publish(tmp_path, "ship", SHIP, SHIP_VARIABLES)
    for order in range(1, 6):
        drive(begin(version, Region="US", Order=order).pk)
    failed = [drive(begin(version, Region="EU", Order=order).pk) for order in (7, 8)]
    aggregate()
    group = FailureGroup.objects.get()
    html = page_of(client_of(ada), group)
    assert '<span class="varies">number</span>' in html
    assert "&lt;b&gt;may not&lt;/b&gt; go" in html
    assert "<b>may not</b>" not in html
    assert "data-failure-count>2<" in html
    assert ">nobody<" in html
    assert html.count('role="row" class=') == 2
    assert all(str(one.pk) in html for one in failed)
    assert f"?failure={group.pk}&amp;is=failed" in html
    # What they have in common, and where they diverge.
    assert "2 newest, beside 5 that ended well" in html
    assert "2 of 2 here, 0 % of those that ended well" in html
    assert "Is it far?" in html
    diverged = re.sub(r"\s+", " ", html.partition("First divergence")[2])
    assert "leaves by <b>yes</b>" in diverged
    assert "5 of 5 leave by <b>no</b>" in diverged
    assert reverse("executions-compare") in html
    assert "Executions that failed, by hour: failed rising" in html
    assert "last 2" in html
    assert ">2 of 2</span>" in html  # the button to retry them
    for tab in ("details", "versions", "audit"):
        assert 'id="executions"' not in page_of(client_of(ada), group, tab)
    assert "FlowException" in page_of(client_of(ada), group, "details")


def test_what_failures_have_in_common(ada: User) -> None:
    """Inputs, version, initiator, worker and hour; what is 20 points apart is marked."""
    group = make_group()
    flow = {"block": "pay", "failure": group.pk}
    for number in range(10):
        inputs = {"Region": "EU" if number < 9 else "US", "Order": number, "List": [1]}
        make_execution(ada, status="Error", inputs=inputs, last_worker="w1", **flow)
        make_execution(ada, status="Ended", inputs={"Region": "EU" if number < 3 else "US"})
    found = comparison.samples(ada, group)
    assert found is not None
    shared = {one.name: one for one in found.shared}
    region = shared["Region"]
    assert (region.value, region.failed, region.ended, region.is_apart) == ('"EU"', 9, 3, True)
    assert shared["worker"].value == "w1"
    assert "initiator" not in shared  # all executions have the same
    assert "Order" not in shared
    assert found.shared[0].name == "worker"


def test_a_failure_below_others_tells_how_it_was_called(
    ada: User, client_of: Any, tmp_path: Path
) -> None:
    publish(tmp_path, "refuse", REFUSE, REFUSE_VARIABLES)
    parent = publish(
        tmp_path,
        "above",
        """
a: {type: Start Flow, bottom: r}
r: {type: Run Flow, description: Reserve stock, properties: {Flow: refuse}, bottom: e}
e: {type: End Flow}
""",
    )
    drive(begin(parent).pk)
    group = FailureGroup.objects.get(flow__name="refuse")
    html = page_of(client_of(ada), group).partition('class="calls"')[2].partition("</ol>")[0]
    assert html.index("above") < html.index("Reserve stock") < html.index("Refuse the line")
    child = Execution.objects.get(flow_name="refuse")
    exceptions = client_of(ada).get(f"{child.get_absolute_url()}?panel=exceptions")
    assert f'href="{group.get_absolute_url()}"' in exceptions.content.decode()
    assert child.last_worker
    assert child.get_absolute_url() in html


def test_commands_from_the_page(ada: User, client_of: Any) -> None:
    group = make_group()
    client = client_of(ada)
    address = reverse("failure-command", args=[group.pk, "take"])
    form = {"revision": "1", "form": "page-1"}
    for _ in range(2):  # a form that is sent twice
        response = client.post(address, form, headers={"HX-Request": "true"})
        assert response.headers["HX-Trigger"] == "command-done"
    assert FailureActivity.objects.count() == 1
    other = client_of(allowed("bob", "view_execution", "handle_failure"))
    refused = other.post(address, {"revision": "1"}, headers={"HX-Request": "true"})
    assert "ada took it" in refused.content.decode()
    assert "HX-Trigger" not in refused.headers
    # Without scripts the page comes back, and says it.
    plain = other.post(address, {"revision": "1"}, follow=True)
    assert "ada took it" in plain.content.decode()
    comment = reverse("failure-command", args=[group.pk, "comment"])
    client.post(comment, {"text": "See <i>that</i>, @bob", "form": "c1"})
    html = page_of(client, group)
    assert 'See &lt;i&gt;that&lt;/i&gt;, <b class="mention">@bob</b>' in html
    assert client.post(reverse("failure-command", args=[group.pk, "nothing"])).status_code == 404
    assert FailureWatch.objects.count() == 2


def test_people_are_completed(ada: User, client_of: Any) -> None:
    group = make_group()
    allowed("adam", "view_execution")
    allowed("adele")
    html = client_of(ada).get(reverse("failure-people", args=[group.pk]) + "?q=ad").content.decode()
    assert 'data-name="ada"' in html
    assert 'data-name="adam"' in html
    assert "adele" not in html


def test_who_may_not_see_a_failure_learns_nothing_of_it(ada: User, client_of: Any) -> None:
    group = make_group()
    eve = allowed("eve", "handle_failure")
    client = client_of(eve)
    names = ("failure", "failure-live", "failure-people")
    assert {client.get(reverse(one, args=[group.pk])).status_code for one in names} == {404}
    address = reverse("failure-command", args=[group.pk, "take"])
    assert client.post(address).status_code == 404
    assert "orders" not in client.get("/failures/").content.decode().partition("part-failures")[2]
    assert Client().get("/failures/").status_code == 302
    # Of one that she has a part in, she is told her own part.
    make_execution(ada, status="Error", failure=group.pk)
    own = make_execution(eve, status="Error", failure=group.pk, ended_at=timezone.now())
    aggregate()
    html = page_of(client, group)
    assert "data-failure-count>1<" in html
    assert str(own.pk) in html
    assert "last 1" in html
    assert "Audit" not in html.partition("Parts of this failure")[2].partition("</nav>")[0]


def test_who_may_not_handle_failures_sees_no_buttons(client_of: Any) -> None:
    group = make_group()
    html = page_of(client_of(allowed("eve", "view_execution")), group)
    assert "Take it" not in html
    assert "mute-menu" not in html
    assert 'name="text"' in html


def test_an_execution_of_a_failure_is_a_row_of_its_grid(ada: User, client_of: Any) -> None:
    group = make_group()
    failed = make_execution(ada, status="Error", failure=group.pk)
    handled = make_execution(ada, status="Ended", failure=group.pk)
    part = client_of(ada).get(group.get_absolute_url(), headers={"HX-Request": "true"})
    html = part.content.decode()
    assert f'data-id="{failed.pk}"' in html
    assert str(handled.pk) not in html
    assert "<html" not in html
    assert f'href="{group.get_absolute_url()}?sort=' in html
    assert Status.ERROR in html


def test_the_list_counts_what_its_reader_sees(client_of: Any, ada: User) -> None:
    group = make_group(count=867)
    eve = allowed("eve", "view_flow")
    for _ in range(3):
        make_execution(ada, status="Error", failure=group.pk)
    own = make_execution(eve, status="Error", failure=group.pk, age=7 * 24 * 3600)
    for address in ("/failures/", "/failures/live/", group.get_absolute_url()):
        html = client_of(eve).get(address).content.decode()
        assert not re.search(r"\b867\b", html)
    seen = access.as_seen(eve, [group])[0]
    assert (seen.count, seen.first_seen_at, seen.last_seen_at) == (1, own.ended_at, own.ended_at)
    assert "867" in client_of(ada).get("/failures/").content.decode()


def test_callers_that_one_may_not_see_are_not_told(client_of: Any, ada: User) -> None:
    group = make_group()
    eve = allowed("eve")
    parent = make_execution(ada, "secret-parent")
    make_execution(eve, status="Error", failure=group.pk, parent=parent)
    assert "secret-parent" not in page_of(client_of(eve), group)
    assert "secret-parent" in page_of(client_of(ada), group)


def test_the_grid_of_a_failure_has_default_columns_of_its_own(ada: User, client_of: Any) -> None:
    group, client = make_group(), client_of(ada)
    address = group.get_absolute_url()

    def columns(address: str) -> tuple[str, ...]:
        page = client.get(address)
        assert page.context["query"].row_layout.columns == page.context["layout"].columns
        return tuple(page.context["layout"].columns)

    assert columns(address) == FAILURE_COLUMNS
    shown = [one.column.key for one in client.get(address).context["column_choices"] if one.shown]
    assert shown == list(FAILURE_COLUMNS)

    # What is chosen here does not change the columns of all executions.
    form = {"choose": "1", "column": ["icon", "started"], "next": address}
    chosen = client.post(reverse("columns"), form)["Location"]
    assert columns(chosen) == ("icon", "started")
    assert columns(reverse("executions")) == DEFAULT_COLUMNS

    # What is chosen for all executions holds here too.
    client.post(reverse("columns"), {**form, "next": reverse("executions")})
    assert columns(address) == ("icon", "started")


def test_rows_of_a_failure_have_no_commands_for_live_executions(client_of: Any) -> None:
    grace = allowed("grace", "view_execution", "control_execution", "view_flow", "debug_execution")
    client = client_of(grace)
    everywhere, here = (
        client.get(address).content.decode()
        for address in (reverse("executions"), make_group().get_absolute_url())
    )
    for command in ("continue", "pause", "stop", "step"):
        assert f'data-command="{command}"' in everywhere
        assert f'data-command="{command}"' not in here
    for part in ('name="children"', "data-set-next"):
        assert part in everywhere
        assert part not in here
    assert 'data-command="retry"' in here
