"""Django admin of executions: to look at, by those who may."""

from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from executions.commands.actor import Actor
from executions.commands.lifecycle.start import start
from executions.models import AuditEntry, BulkJob, ExceptionRecord, Execution, LogEntry, Watch
from flows.publish import publish, save_draft
from tests.integration.test_publish import ORDERS

pytestmark = pytest.mark.django_db
MODELS = [Execution, ExceptionRecord, LogEntry, AuditEntry, BulkJob, Watch]


@pytest.fixture
def mine(staff: User) -> Execution:
    version = publish(save_draft(ORDERS).version)
    actor = Actor(user_id=staff.pk, name=staff.username, source="page")
    execution = start(version, {}, actor, Execution.Trigger.PAGE)
    at = execution.started_at
    ExceptionRecord.objects.create(
        execution=execution, step=1, at=at, block="start", type="A.B", data={}
    )
    LogEntry.objects.create(execution=execution, step=1, at=at, block="start", severity="Error")
    BulkJob.objects.create(id=execution.pk, user=staff, command="stop", created_at=at)
    Watch.objects.create(user=staff, execution=execution, read_revision=1)
    return execution


@pytest.fixture
def staff() -> User:
    return User.objects.create_user("staff", is_staff=True)


def address(model: type, page: str, *args: object) -> str:
    return reverse(f"admin:executions_{model.__name__.lower()}_{page}", args=args)


@pytest.mark.parametrize("model", MODELS)
def test_everything_can_be_looked_at_and_nothing_changed(
    admin_client: Client, mine: Execution, model: type
) -> None:
    row = model._default_manager.get()  # type: ignore[attr-defined]
    page = admin_client.get(address(model, "changelist"), {"q": str(mine.pk)})
    assert page.status_code == 200
    assert "1 " in page.content.decode()
    page = admin_client.get(address(model, "change", row.pk))
    assert page.status_code == 200
    assert 'name="_save"' not in page.content.decode()
    for view in (address(model, "add"), address(model, "delete", row.pk)):
        assert admin_client.post(view, {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("model", MODELS)
def test_one_sees_what_one_started(mine: Execution, staff: User, model: type) -> None:
    row = model._default_manager.get()  # type: ignore[attr-defined]
    client = Client()
    client.force_login(staff)
    assert client.get(address(model, "change", row.pk)).status_code == 200
    client.force_login(User.objects.create_user("other", is_staff=True))
    assert client.get(address(model, "change", row.pk)).status_code == 302
    assert "0 " in client.get(address(model, "changelist")).content.decode()


def test_searching_takes_ids_and_flows(admin_client: Client, mine: Execution) -> None:
    for text, found in ((str(mine.pk), True), ("orders", True), ("ord", True), ("%", False)):
        page = admin_client.get(address(Execution, "changelist"), {"q": text}).content.decode()
        assert (f"/{mine.pk}/" in page) == found
    no_id = str(UUID(int=1))
    page = admin_client.get(address(LogEntry, "changelist"), {"q": no_id}).content.decode()
    assert "0 results" in page


def test_lists_filter_and_count_no_more_than_they_show(
    admin_client: Client, mine: Execution
) -> None:
    with CaptureQueriesContext(connection) as captured:
        page = admin_client.get(
            address(Execution, "changelist"), {"status__exact": "Queued", "flow": "orders"}
        )
    assert f"/{mine.pk}/" in page.content.decode()
    counts = [query["sql"] for query in captured if "COUNT(*)" in query["sql"]]
    assert counts
    assert all("LIMIT" in sql for sql in counts)


@pytest.mark.parametrize("address", ["?status__exact=%00", "?flow_name=%00"])
def test_a_nul_is_a_bad_request(admin_client: Client, mine: Execution, address: str) -> None:
    """PostgreSQL stores none, so that there is nothing to look up."""
    assert admin_client.get(f"/admin/executions/execution/{address}").status_code == 400


@pytest.mark.parametrize(
    ("model", "asked"),
    [
        (Execution, "secrets__texts__0__startswith"),
        (Execution, "secrets__icontains"),
        (Execution, "state__icontains"),
        (Execution, "parent__secrets__icontains"),
        (BulkJob, "fields__value__startswith"),
    ],
)
def test_what_is_not_shown_is_not_found_out_by_asking(
    admin_client: Client, mine: Execution, model: type, asked: str
) -> None:
    page = admin_client.get(address(model, "changelist"), {asked: "z"})
    assert page.status_code == 400
