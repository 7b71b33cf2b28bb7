"""Downloads of executions: columns, order, safety, permissions, and that they stream."""

import csv
import io
import json
import os
import re
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import psutil
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import AsyncClient, Client
from django.urls import reverse

from executions.grid.paging.export import csv_cell
from executions.grid.table.columns import COLUMNS
from executions.models import Execution
from executions.states import Status
from tests.executions_in_tests import copy_in_database, make_execution
from tests.integration.test_bulk_jobs import many

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


async def downloaded(user: User, address: str, form: dict[str, Any] | None = None) -> str:
    client = AsyncClient()
    await client.aforce_login(user)
    response = await (client.post(address, form) if form is not None else client.get(address))
    assert response.status_code == 200
    body = b"".join([part async for part in response.streaming_content])
    return body.decode("utf-8-sig")


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_every_column_has_a_plain_value() -> None:
    assert [column.key for column in COLUMNS if not column.is_exported] == ["icon"]


async def test_the_columns_that_are_shown_and_the_ids(admin_user: User) -> None:
    at = datetime(2025, 7, 15, 10, 4, 1, tzinfo=UTC)
    from asgiref.sync import sync_to_async

    one = await sync_to_async(make_execution)(
        admin_user, status=Status.ERROR, started_at=at, error_type="E", error_message='no, "x"'
    )
    row = rows_of(await downloaded(admin_user, "/executions/export/csv/"))[0]
    assert row["Execution Id"] == str(one.pk)
    assert row["Root"] == str(one.pk)
    assert row["Started At"] == "2025-07-15T10:04:01+00:00"
    assert row["Status"] == "Error"
    assert row["Duration"] == "1.0"
    assert row["Error Summary"] == 'E: no, "x"'
    some = "/executions/export/json/?column=flow&column=var.Total"
    objects = json.loads(await downloaded(admin_user, some))
    assert objects == [
        {"flow": "orders", "var.Total": None, "id": str(one.pk), "parent": "", "root": str(one.pk)}
    ]


async def test_what_matches_in_the_order_of_the_grid_or_what_is_selected(admin_user: User) -> None:
    from asgiref.sync import sync_to_async

    executions = await sync_to_async(many)(admin_user, 450)
    await Execution.objects.filter(pk=executions[7].pk).aupdate(flow_name="mail")
    found = json.loads(await downloaded(admin_user, "/executions/export/json/?flow=orders"))
    wanted = [str(one.pk) for one in reversed(executions) if one != executions[7]]
    assert [one["id"] for one in found] == wanted
    form = {"query": "flow=orders&sort=started"}
    found = json.loads(await downloaded(admin_user, "/executions/export/json/", form))
    assert [one["id"] for one in found] == wanted[::-1]
    # An order without an index would be sorted anew for each batch.
    await Execution.objects.filter(pk=executions[7].pk).aupdate(step_count=9)
    form = {"query": "sort=steps"}
    found = json.loads(await downloaded(admin_user, "/executions/export/json/", form))
    assert [one["id"] for one in found] == [str(one.pk) for one in reversed(executions)]
    form = {"query": "flow=orders", "selection": f"{executions[0].pk}:Paused {executions[9].pk}"}
    found = json.loads(await downloaded(admin_user, "/executions/export/json/", form))
    assert [one["id"] for one in found] == [str(executions[9].pk), str(executions[0].pk)]
    assert json.loads(await downloaded(admin_user, "/executions/export/json/?flow=x")) == []


async def test_nobody_gets_what_they_may_not_see(admin_user: User) -> None:
    from asgiref.sync import sync_to_async

    make = sync_to_async(make_execution)
    ada = await User.objects.acreate_user("ada")
    foreign, mine = await make(admin_user), await make(ada)
    for form in (None, {"id": [str(foreign.pk), str(mine.pk)]}):
        found = json.loads(await downloaded(ada, "/executions/export/json/", form))
        assert [one["id"] for one in found] == [str(mine.pk)]
    anonymous = await AsyncClient().get("/executions/export/csv/")
    assert anonymous.status_code == 302


def test_a_spreadsheet_finds_no_formula() -> None:
    for dangerous in ("=1+1", "+1", "-1", "@x", "\tx", "\rx"):
        assert csv_cell(dangerous) == "'" + dangerous
    assert csv_cell(-1) == -1
    assert csv_cell("a=b") == "a=b"
    assert csv_cell(None) == ""
    assert csv_cell({"a": [1]}) == '{"a": [1]}'


def test_a_query_that_cannot_be_read_exports_nothing(admin_client: Client) -> None:
    response = admin_client.get("/executions/export/csv/?q=started%3Abanana")
    assert response.status_code == 302
    assert "Not exported." in admin_client.get("/").content.decode()
    assert admin_client.get("/executions/export/xml/").status_code == 404


def test_a_file_has_the_date_in_its_name(admin_client: Client) -> None:
    response = admin_client.head("/executions/export/csv/")
    name = response["Content-Disposition"]
    assert re.fullmatch(r'attachment; filename="executions-\d{4}-\d\d-\d\d-\d{6}\.csv"', name)
    assert reverse("export", args=["csv"]) == "/executions/export/csv/"


def test_twenty_thousand_stream_in_constant_memory(live_app: Any, admin_user: User) -> None:
    started = "e.started_at - new.n * interval '1 second'"
    own = {"root_id": "new.id", "started_at": started}
    copy_in_database(make_execution(admin_user), 19_999, own)
    client = Client()
    client.force_login(admin_user)
    cookies = {settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value}
    process = psutil.Process(live_app.process.pid)
    with httpx.Client(cookies=cookies, timeout=120) as asking:
        asking.get(f"{live_app.url}/")
        before = process.memory_info().rss
        began = time.monotonic()
        lines, first, most = 0, 0.0, 0
        with asking.stream("GET", f"{live_app.url}/executions/export/csv/") as response:
            for chunk in response.iter_raw():
                first = first or time.monotonic() - began
                lines += chunk.count(b"\n")
                most = max(most, process.memory_info().rss)
        took = time.monotonic() - began
    print(f"first byte {first:.2f} s, {lines:,} lines in {took:.1f} s, +{(most - before) >> 20} MB")
    assert lines == 20_001
    assert first < took / 2
    assert most - before < 25_000_000
    assert os.path.exists(f"/proc/{process.pid}")
