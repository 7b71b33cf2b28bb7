"""How the grid is laid out: what an address says of it, variables as columns, what rows share."""

import json
import re
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import QueryDict
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from executions import appearance
from executions.grid.query.filters import Filters
from executions.grid.table.columns import COLUMNS, DEFAULT_COLUMNS, column_of
from executions.grid.table.layout import COLUMN_LIMIT, ChildOrder, Layout
from executions.grid.table.row import GridRow
from executions.grid.table.row_cache import CellCache
from executions.grid.table.row_events import read_events
from executions.live.rendering import RenderedRows, row_format
from executions.models import Execution, Value
from executions.states import Reason, Status
from executions.store.lifecycle import wait_text
from executions.store.read import variables_by_path
from flows import values
from tests.executions_in_tests import event_of, make_execution

pytestmark = pytest.mark.django_db


def hold(execution: Execution, level: int = 0, **held: Any) -> None:
    for name, value in held.items():
        Value.objects.create(
            execution=execution, level=level, name=name, value=values.encode(value)
        )


def cell(event: Any, key: str) -> str:
    column = column_of(key)
    assert column is not None
    return str(column.content(event))


# The address ------------------------------------------------------------------------------------


def test_an_address_chooses_columns_widths_and_the_order_of_children(admin_user: User) -> None:
    address = QueryDict(
        "column=flow&column=var.customer.id&column=none&width=flow:300&children=flat"
    )
    layout = Layout.for_user(admin_user, address)
    assert layout.columns == ("flow", "var.customer.id")
    assert [width for _, width in layout.headers] == [300, 140]
    assert layout.children is ChildOrder.FLAT
    assert layout.variables == ("customer.id",)
    again = QueryDict(mutable=True)
    for name, value in layout.parameters(Layout()):
        again.appendlist(name, value)
    assert Layout.for_user(admin_user, again).as_json() == layout.as_json()


@pytest.mark.parametrize(
    "address",
    ["column=", "column=var.", "column=x&width=flow:9e9&width=:&width=7", "children=sideways",
     "view=-1", "view=99999999999999999999", "column=var.%00", "width=flow:-5"],
)  # fmt: skip
def test_nonsense_in_an_address_counts_for_nothing(
    admin_client: Client, admin_user: User, address: str
) -> None:
    assert Layout.for_user(admin_user, QueryDict(address)).as_json() == Layout().as_json()
    assert admin_client.get(f"/?{address}").status_code == 200


def test_no_address_makes_a_page_of_endless_columns(admin_user: User) -> None:
    address = "&".join(f"column=var.v{n}" for n in range(500)) + "&width=flow:99999&width=error:1"
    layout = Layout.for_user(admin_user, QueryDict(address))
    assert len(layout.columns) == COLUMN_LIMIT
    assert dict(layout.widths) == {"flow": 1200, "error": 40}


def test_the_addresses_of_other_pages_say_the_layout_again(
    admin_client: Client, admin_user: User
) -> None:
    for age in range(60):
        make_execution(admin_user, age=age)
    html = admin_client.get("/?column=flow&column=var.x&children=child-first").content.decode()
    assert html.count("column=flow&amp;column=var.x&amp;children=child-first&amp;status=Error") == 1
    assert "children=child-first&amp;older=" in html


def test_what_a_live_connection_is_told_renders_the_same_rows(admin_user: User) -> None:
    layout = Layout.for_user(admin_user, QueryDict("column=flow&column=var.x&children=child-first"))
    assert Layout.parse(layout.text).for_rows == layout.for_rows
    for nonsense in ("", "[]", "7", '[["x"],"y","Nowhere/Land"]', '[{"a":1},[],{}]'):
        assert Layout.parse(nonsense) == Layout()


# What columns say -----------------------------------------------------------------------------


def test_the_default_columns_are_columns() -> None:
    assert set(DEFAULT_COLUMNS) <= {column.key for column in COLUMNS}


def test_a_worker_is_told_by_its_machine(admin_user: User) -> None:
    event = event_of(make_execution(admin_user), lease_owner="host-7:4711:ab12:task")
    told = cell(event, "worker")
    assert 'title="host-7, process 4711">host-7</a>' in told
    assert finds(told) == [event.id]


def test_what_a_cell_names_leads_to_all_that_have_it(admin_user: User) -> None:
    long = "/default/default/*/default/*/orders/" + "x" * 300
    one = event_of(
        make_execution(admin_user),
        error_type="Oops",
        debugged_by_name="ada",
        reason=Reason.SEMAPHORE,
        waiting_for=long,
    )
    child = make_execution(None, parent=make_execution(admin_user))
    for key in ("error", "debugger", "waiting"):
        assert finds(cell(one, key)) == [one.id], key
    assert set(finds(cell(one, "initiator"))) >= {one.id}
    (event,) = read_events(Execution.objects.filter(pk=child.pk))
    assert f'href="/executions/{child.parent_id}/"' in cell(event, "initiator")


def test_an_initiator_has_one_icon(admin_client: Client, admin_user: User) -> None:
    assert set(appearance.TRIGGER_ICONS) <= set(Execution.Trigger)
    by_schedule = make_execution(admin_user, trigger=Execution.Trigger.SCHEDULE)
    child = make_execution(None, parent=by_schedule)
    for execution, name in ((by_schedule, "sched"), (child, "tree")):
        (event,) = read_events(Execution.objects.filter(pk=execution.pk))
        told = cell(event, "initiator")
        page = admin_client.get(execution.get_absolute_url()).content.decode()
        shown = page.partition("<dt>Initiator</dt>")[2].partition("</dd>")[0]
        for html in (told, shown):
            assert re.findall(r"icons[^#]*#([\w-]+)", html) == [name]


def finds(told: str) -> list[str]:
    """The executions that the link of a cell leads to."""
    (address,) = re.findall(r'href="/\?([^"]+)"', told)
    filters = Filters.parse(QueryDict(unescape(address)))
    assert filters.are_active
    return [str(one.pk) for one in Execution.objects.filter(filters.condition())]


def test_parent_and_root_lead_there(admin_user: User) -> None:
    root = make_execution(admin_user, child_count=1)
    event = event_of(make_execution(admin_user, parent=root))
    for key in ("parent", "root"):
        assert f'href="/executions/{root.pk}/"' in cell(event, key)
        assert cell(event_of(root), key) == ""


def test_what_an_execution_waits_for_is_told_with_a_link(admin_user: User) -> None:
    parked = make_execution(admin_user, reason=Reason.CHILDREN)
    child, other = "0190a000-0000-7000-8000-00000000000a", "0190a000-0000-7000-8000-00000000000b"

    def told(text: str = "", **columns: Any) -> str:
        return cell(event_of(parked, waiting_for=text, **columns), "waiting")

    assert f'href="/executions/{child}/"' in told(child)
    tasks = told(wait_text.format_tasks([child, other]))
    assert f'href="/executions/{parked.pk}/?tab=children"' in tasks
    assert "2 tasks" in tasks
    until = datetime(2020, 7, 14, 2, tzinfo=UTC)
    assert "until <time" in told(reason=Reason.TIME, due_at=until)
    semaphore = told("/tenant/a/b<c", reason=Reason.SEMAPHORE)
    assert semaphore == (
        '<a href="/?semaphore=%2Ftenant%2Fa%2Fb%3Cc" tabindex="-1" '
        'title="Executions that wait for the semaphore /tenant/a/b&lt;c">b&lt;c</a>'
    )
    text = "the key a of prices to be set"
    assert told(text, reason=Reason.STORAGE) == text
    assert told(child, status=Status.PAUSED) == ""


# Variables ------------------------------------------------------------------------------------


def test_variables_are_read_by_path_for_many_at_once(
    admin_user: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    one, two = make_execution(admin_user), make_execution(admin_user)
    hold(one, order={"lines": [{"price": 4.5}], "id": "A-1"}, **{"dotted.name": "found"})
    hold(two, level=0, order={"id": "outer"})
    hold(two, level=1, order={"id": "inner"})
    paths = ["order.id", "Order.lines.0.price", "order.lines.1", "dotted.name", "nothing"]
    with django_assert_num_queries(1):
        held = variables_by_path.values_of([one.pk, two.pk], paths)
    assert held == {
        str(one.pk): {"order.id": "A-1", "Order.lines.0.price": 4.5, "dotted.name": "found"},
        str(two.pk): {"order.id": "inner"},
    }
    with django_assert_num_queries(0):
        assert (
            variables_by_path.values_of([], paths)
            == variables_by_path.values_of([one.pk], [])
            == {}
        )


def test_a_large_variable_is_told_by_its_size(admin_client: Client, admin_user: User) -> None:
    hold(make_execution(admin_user), big="".join(str(n) for n in range(20_000)), small="<b>")
    html = admin_client.get("/?column=var.big&column=var.small").content.decode()
    small = '<td role="gridcell" class="c-var" data-label="small"><span title="&lt;b&gt;">'
    assert f" bytes</span></td>{small}" in html


def test_a_variable_of_ones_own_choosing_is_a_column(
    admin_client: Client, admin_user: User
) -> None:
    hold(
        make_execution(admin_user),
        customer={"name": "Ada <Ltd>"},
        at=datetime(2020, 1, 2, tzinfo=UTC),
    )
    html = admin_client.get("/?column=var.customer.name&column=var.at").content.decode()
    assert 'data-column="var.customer.name">customer.name</th>' in html
    assert '<span title="Ada &lt;Ltd&gt;">Ada &lt;Ltd&gt;</span>' in html
    assert ">2 Jan 2020</time>" in html


# What rows share ------------------------------------------------------------------------------


def test_rows_are_shared_by_layouts_that_look_the_same(admin_user: User) -> None:
    event = event_of(make_execution(admin_user))
    rows = RenderedRows()
    wide = Layout(
        widths=(("flow", 300),),
        density="comfortable",
        zone="UTC",
        address_parameters=(("view", "7"),),
    )
    assert rows.part(event, row_format(wide.for_rows)) == rows.part(
        event, row_format(Layout(zone="UTC").for_rows)
    )
    assert rows.rendered == 1
    other = rows.part(event, row_format(Layout(("flow",), zone="UTC").for_rows))
    assert rows.rendered == 2
    assert json.loads(other)["html"].count("<td") == 3


def test_cells_are_shared_by_zones_only_where_they_hold_no_time(admin_user: User) -> None:
    event = event_of(make_execution(admin_user, started_at=datetime(2020, 1, 2, 12, tzinfo=UTC)))
    cells = CellCache()
    columns = ("started", "flow")
    texts = [
        GridRow(event, layout=Layout(columns, zone=zone), cells=cells).render()
        for zone in ("Europe/Stockholm", "Asia/Kolkata")
    ]
    assert "2020-01-02 13:00:00.000 CET" in texts[0]
    assert "2020-01-02 17:30:00.000 IST" in texts[1]
    assert sorted(cells.of(event)) == [
        ("flow", ""), ("started", "Asia/Kolkata"), ("started", "Europe/Stockholm")
    ]  # fmt: skip
    assert timezone.get_current_timezone_name() == "UTC"
