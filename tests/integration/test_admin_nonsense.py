"""The admin answers whatever its addresses ask for, for every model, without an error of the
server."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import Model
from django.test import Client, RequestFactory

from executions import runner
from executions.commands.actor import Actor
from executions.commands.lifecycle.start import start
from executions.models import (
    AuditEntry,
    BulkJob,
    ExceptionRecord,
    Execution,
    LogEntry,
    Preferences,
    SavedView,
    Watch,
)
from tests.flows_in_tests import LOOP, LOOP_VARIABLES, publish

pytestmark = pytest.mark.django_db

APPS = sorted({model._meta.app_label for model in admin.site._registry})

VALUES = [
    "", "x", "1", "-1", "0", "true", "null", "[]", "{}", '"', "'", "%", "\x00", "a\x00b", "\ud83d",
    "\u202e", "9" * 5000, "9" * 25, str(2**63), str(2**31), str(-(2**63) - 1), "1e400", "NaN",
    "2026-13-45", "0000-00-00", "9999-12-31", "10000-01-01", "2026-03-29 02:30",
    "inf", "1-1-1", "00000000-0000-0000-0000-000000000000", "not-a-uuid", "1,2,3",
    "," * 500, "a" * 3000, "(", "\\",
]  # fmt: skip
LOOKUPS = [
    "", "__exact", "__iexact", "__contains", "__icontains", "__in", "__gt", "__lt", "__range",
    "__isnull", "__regex", "__iregex", "__startswith", "__year", "__month", "__date", "__week_day",
    "__hour", "__Label", "__0", "__a__b__c", "__has_key", "__contained_by", "__len", "__nope",
    "__isnull__isnull", "__pk", "__id", "__password", "__",
]  # fmt: skip

#: What lists take, and what the filters beside a list ask for. Those of other models are as
#: unknown as "nothing".
PARAMETERS = ["o", "p", "q", "flow", "severity", "about"]
#: What Django does alike in every list: each comes with two fifths of the lists.
ALIKE = ["all", "e", "_facets", "_popup", "_to_field"]
FILTERS = [
    "status__exact", "outcome__exact", "at__gte", "kind__exact", "is_staff__exact",
    "handled_by__isempty", "published_at__isempty", "shared__exact", "date_joined__year",
]  # fmt: skip


@pytest.fixture
def everything(tmp_path: Path, admin_user: User) -> None:
    """A row of each model."""
    version = publish(tmp_path, "loop", LOOP, LOOP_VARIABLES)
    actor = Actor(admin_user.pk, "admin", "page")
    execution = start(version, {"Last": 2}, actor, Execution.Trigger.PAGE)
    runner.run(execution.pk)
    now = datetime(2026, 3, 29, tzinfo=UTC)
    common: dict[str, Any] = {"execution": execution, "step": 1, "at": now, "block": "l"}
    ExceptionRecord.objects.create(**common, type="X", data={})
    LogEntry.objects.create(**common, severity="Info")
    Watch.objects.create(user=admin_user, execution=execution, read_revision=1)
    SavedView.objects.create(name="mine", owner=admin_user)
    Preferences.objects.create(user=admin_user)
    BulkJob.objects.create(user=admin_user, command="stop", created_at=now)
    Group.objects.create(name="team")
    assert AuditEntry.objects.exists()


def lists(app: str) -> Iterator[tuple[type[Model], str]]:
    """The models of an app with the addresses of their lists."""
    for model in admin.site._registry:
        if model._meta.app_label == app:
            yield model, f"/admin/{model._meta.label_lower.replace('.', '/')}/"


def questions(app: str) -> Iterator[str]:
    """Addresses of lists: lookups on the fields of their models, and what a list itself takes. Each
    lookup and value comes often, and not each with each other: the next model goes on with them
    where the one before has ended."""
    lookups, values, alike = cycle(LOOKUPS), cycle(VALUES), cycle(ALIKE)
    more = cycle([*VALUES, "1.2.3", "-1.-1", "999", "1" * 400, "0.0", "..", "1."])
    for model, address in lists(app):
        fields = [field.name for field in model._meta.get_fields()]
        for name in [*fields, "pk", "nothing", "__"]:
            yield f"{address}?{name}{next(lookups)}={encoded(next(values))}"
        filters = [name for name in FILTERS if name.split("__")[0] in fields]
        for name in [*PARAMETERS, *filters, next(alike), next(alike)]:
            yield f"{address}?{name}={encoded(next(more))}"


def asked(client: Client, address: str, form: dict[str, bytes] | None = None) -> int:
    """The status of the answer, whose statements of the database are undone."""
    before = transaction.savepoint()
    answer = client.get(address) if form is None else client.post(address, form)
    transaction.savepoint_rollback(before)
    transaction.set_rollback(False)
    return answer.status_code


def encoded(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("app", APPS)
def test_lists_answer_whatever_is_asked(app: str, everything: None, admin_client: Client) -> None:
    admin_client.raise_request_exception = False
    broken = [
        (status, query[:200])
        for query in questions(app)
        if (status := asked(admin_client, query)) >= 500
    ]
    assert not broken, (len(broken), broken[:15])


@pytest.mark.parametrize("app", APPS)
def test_pages_answer_whatever_id_is_asked_for(
    app: str, everything: None, admin_client: Client
) -> None:
    admin_client.raise_request_exception = False
    broken = []
    values = cycle(VALUES)
    for _, address in lists(app):
        for _ in range(5):
            text = encoded(next(values).replace("/", "_"))
            for query in (
                f"{address}{text}/change/",
                f"{address}{text}/delete/",
                f"{address}add/?_to_field={text}&workspace={text}",
            ):
                status = asked(admin_client, query)
                if status >= 500:
                    broken.append((status, query[:200]))
    assert not broken, (len(broken), broken[:15])


def actions_of(model: type[Model], user: User) -> list[str]:
    """The names of the actions that a list offers somebody."""
    request = RequestFactory().get("/")
    request.user = user
    return list(admin.site._registry[model].get_actions(request))


@pytest.mark.parametrize("app", APPS)
def test_actions_answer_whatever_is_posted(
    app: str, everything: None, admin_client: Client, admin_user: User
) -> None:
    admin_client.raise_request_exception = False
    broken = []
    values = cycle(VALUES)
    for model, address in lists(app):
        for action in (*actions_of(model, admin_user), "", None):
            value = next(values)
            form = {"action": action or value, "_selected_action": value, "index": value}
            form = {k: v.encode("utf-8", "surrogatepass") for k, v in form.items()}
            status = asked(admin_client, address, form)
            if status >= 500:
                broken.append((status, action, value[:50]))
    assert not broken, (len(broken), broken[:15])


@pytest.mark.parametrize(
    "query",
    ["term=%00", "term=x&app_label=x", "app_label=executions&model_name=watch&field_name=user",
     "app_label=executions&model_name=execution&field_name=nothing&term=%ED%A0%BD",
     "app_label=executions&model_name=%00&field_name=a"],
)  # fmt: skip
def test_completion_and_other_pages_answer(query: str, admin_client: Client) -> None:
    admin_client.raise_request_exception = False
    for page in ("autocomplete/", "", "r/1/1/", "r/999999999999999999999/1/", "jsi18n/", "login/"):
        assert asked(admin_client, f"/admin/{page}?{query}") < 500, page
