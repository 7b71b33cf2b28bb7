"""From a value on the page of an execution to the executions that hold the same one."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from executions.grid.query.filters import Filters
from executions.grid.table.links import value_address
from executions.models import Execution, Value
from flows import values
from tests.executions_in_tests import make_execution

pytestmark = pytest.mark.django_db

FOUND = [
    "EU", "", " a b ", 'say "hi" \\ there', "a,b*", "42", "true", "null", ">3", "2026-11-01", "é\n",
    42, -1.5, 1e20, True, False, None, datetime(2026, 11, 1, 10, 30, tzinfo=UTC),
]  # fmt: skip


def hold(execution: Execution, value: Any) -> None:
    Value.objects.create(execution=execution, level=0, name="region", value=values.encode(value))


@pytest.mark.parametrize("value", FOUND, ids=repr)
def test_the_filter_finds_what_holds_the_value_and_nothing_else(
    admin_user: User, value: Any
) -> None:
    same, other = make_execution(admin_user), make_execution(admin_user)
    hold(same, value)
    hold(other, "something else")
    address = value_address("Region", value)
    filters = Filters.parse(QueryDict(urlsplit(address).query))
    assert not filters.problems
    rows = Execution.objects.filter(filters.condition(timezone.now()))
    assert [row.pk for row in rows] == [same.pk]


@pytest.mark.parametrize("value", [[1], {"a": 1}, "x" * 5000, "\0", values.MASKED], ids=repr)
def test_what_no_filter_finds_has_no_link(value: Any) -> None:
    assert value_address("Region", value) == ""


def test_the_page_links_from_values_the_initiator_and_the_worker(
    loop: Any, admin_user: User, admin_client: Client
) -> None:
    execution = make_execution(
        admin_user, "loop", version=loop, inputs={"Region": "EU"}, lease_owner="host-1:7:x"
    )
    page = admin_client.get(f"{execution.get_absolute_url()}?panel=io&var=in:Region")
    html = page.content.decode()
    assert "/?view=all&amp;var.Region=%22EU%22" in html
    assert "initiator=admin" in html
    assert "worker=host-1" in html
