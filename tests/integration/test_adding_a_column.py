"""One declaration adds a column: pages, live rows, orders, the export and docs/grid.md take it."""

import json
import re
from collections.abc import Iterator
from textwrap import dedent

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import AsyncClient, Client

from executions.grid.table import columns, reference
from executions.grid.table.columns import Column, column_of
from executions.grid.table.layout import Layout
from executions.grid.table.sorting import Sort
from executions.live.rendering import RenderedRows, row_format
from executions.models import Execution
from tests.executions_in_tests import event_of, make_execution

pytestmark = pytest.mark.django_db

GUIDE = settings.BASE_DIR / "CONTRIBUTING.md"
CELL = '<td role="gridcell" class="c-depth num" data-label="Depth">1</td>'


@pytest.fixture
def column(monkeypatch: pytest.MonkeyPatch) -> Iterator[Column]:
    """The column of the guide, declared after the others."""
    walk = GUIDE.read_text().partition("## Add a column")[2]
    source = re.search(r"^ *```python\n(.*?)^ *```", walk, re.DOTALL | re.MULTILINE)
    assert source
    declared: Column
    (declared,) = eval(dedent(source[1]), vars(columns))
    monkeypatch.setattr(columns, "COLUMNS", (*columns.COLUMNS, declared))
    column_of.cache_clear()
    yield declared
    column_of.cache_clear()


@pytest.fixture
def child(admin_user: User) -> Execution:
    return make_execution(admin_user, parent=make_execution(admin_user))


def test_the_page_has_its_header_its_cells_and_its_choice(
    column: Column, child: Execution, admin_client: Client
) -> None:
    address = f"/?column=flow&column=depth&parent={child.parent_id}"
    html = admin_client.get(address).content.decode()
    assert re.search(r'<th [^>]*class="c-depth num" data-column="depth"', html)
    assert CELL in html
    assert re.search(r'name="column" id="choose-depth" value="depth" checked', html)
    html = admin_client.get("/").content.decode()
    assert re.search(r'name="column" id="choose-depth" value="depth">', html)


def test_the_rows_are_sorted_by_it(column: Column, child: Execution, admin_client: Client) -> None:
    html = admin_client.get("/?column=depth&children=flat").content.decode()
    (link,) = re.findall(r'href="([^"]*)" id="sort-depth"', html)
    assert link.endswith("sort=-depth")
    for order, words, ids in (
        ("-depth", "Deepest first", [child.pk, child.parent_id]),
        ("depth", "Roots first", [child.parent_id, child.pk]),
    ):
        html = admin_client.get(f"/?column=depth&children=flat&sort={order}").content.decode()
        assert re.findall(r'<tr role="row"[^>]* data-id="([^"]+)"', html) == list(map(str, ids))
        assert words in html


def test_a_live_row_has_it(column: Column, child: Execution) -> None:
    format = row_format(Layout(("flow", "depth")), Sort.parse("-depth"))
    event = event_of(child)
    row = json.loads(RenderedRows().part(event, format))
    assert CELL in row["html"]
    assert row["key"] == str(Sort("depth").key(event))


@pytest.mark.django_db(transaction=True)
async def test_the_export_has_it(
    column: Column, child: Execution, async_client: AsyncClient, admin_user: User
) -> None:
    await async_client.aforce_login(admin_user)
    address = f"/executions/export/json/?column=depth&parent={child.parent_id}"
    response = await async_client.get(address)
    (row,) = json.loads(b"".join([part async for part in response]))
    assert row["depth"] == 1


def test_the_documentation_lists_it(column: Column) -> None:
    assert (
        "| `depth` | Depth | how many executions are above it | Roots first / Deepest first | | |\n"
    ) in reference.markdown()
