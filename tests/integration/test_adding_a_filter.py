"""One line adds a filter: the query, the address, the database and live events take it."""

import re

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from executions.grid.query import fields
from executions.grid.query.fields import Field
from executions.grid.query.filters import Filters
from executions.models import Execution
from tests.executions_in_tests import event_of, make_execution

pytestmark = pytest.mark.django_db

GUIDE = settings.BASE_DIR / "CONTRIBUTING.md"


@pytest.fixture
def field(monkeypatch: pytest.MonkeyPatch) -> Field:
    """The field of the guide."""
    walk = GUIDE.read_text().partition("## Add a filter")[2]
    source = re.search(r"```python\n(.*?)```", walk, re.DOTALL)
    assert source
    declared: Field = eval(source[1].strip(), vars(fields))
    monkeypatch.setitem(fields.BY_KEY, declared.key, declared)
    monkeypatch.setattr(fields, "FIELDS", (*fields.FIELDS, declared))
    return declared


@pytest.fixture
def child(admin_user: User) -> Execution:
    return make_execution(admin_user, parent=make_execution(admin_user))


def test_the_page_finds_executions_by_it(
    field: Field, child: Execution, admin_client: Client
) -> None:
    html = admin_client.get("/?q=depth:1", follow=True).content.decode()
    assert f'data-id="{child.pk}"' in html
    assert f'data-id="{child.parent_id}"' not in html


def test_live_events_match_it(field: Field, child: Execution) -> None:
    filters = Filters.parse(QueryDict("depth=1"))
    assert not filters.problems
    parent = Execution.objects.get(pk=child.parent_id)
    mismatches = [filters.mismatch(event_of(one), {}, timezone.now()) for one in (child, parent)]
    assert [bool(one) for one in mismatches] == [False, True]
