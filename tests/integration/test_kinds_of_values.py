"""Every kind of value goes through a checkpoint, the viewer, the editor and the API unchanged, and
a secret text is nowhere where people read."""

import json
from datetime import datetime, timedelta, timezone
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from executions.api.values import Form, in_form
from executions.commands.debugging.set_variable import _parse as read_back
from executions.states import Status
from executions.store.lifecycle import claims
from executions.views.variable_edit import _text as shown_to_be_edited
from flows import equality, value_paths, values
from flows.collapsible_json import render_page
from flows.keys import key_for, labelled
from flows.models import FlowVersion
from flows.values import MASK, SecretText
from tests.debugging import Session
from tests.driving import drive, fresh, outputs
from tests.flows_in_tests import publish

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]

SECRET = "correct horse battery"
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
early, late = datetime(2, 1, 1), datetime(9998, 1, 1)
#: A value of each kind.
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.binary(max_size=8)
    | st.datetimes(early, late, timezones=offsets)
    | st.datetimes(early, late)
    | st.timedeltas()
    | st.sampled_from(["StringComparison.Ordinal", {"Years": 1, "Days": -2}])
    | st.just({"Items": [{"Item": 1, "Priority": 2.0}], "PriorityComparer": {}})
    | st.builds(SecretText, st.just(SECRET))
)
keys = st.text(max_size=4) | st.integers(-1, 2) | st.booleans() | st.sampled_from([0.0, 1.0, 1.5])
kinds = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(keys.map(key_for), inner, max_size=4)
        | st.builds(values.ExceptionValue, st.just("Shop.SoldOut"), details=inner)
    ),
    max_leaves=10,
)
FLOW = """
a: {type: Start Flow, bottom: c}
c: {type: Set Variable, properties: {Value: ($)Value, Variable: ($)Copy}, bottom: e}
e: {type: End Flow}
"""
VARIABLES = "{Value: {input: true, output: true}, Copy: {output: true}}"


@pytest.fixture
def version(tmp_path: Path, transactional_db: None) -> FlowVersion:
    return publish(tmp_path, "kinds", FLOW, VARIABLES)


@given(kinds)
@settings(max_examples=100, deadline=None)
def test_a_value_is_the_same_after_each_way(value: Any) -> None:
    form = json.loads(json.dumps(values.encode(value), allow_nan=False))
    assert equality.same(values.decode(form), value)
    assert equality.same(values.copy(value), value)
    # Pages show all parts, by paths that lead to them.
    seen = values.decode(form, masks=True)
    assert SECRET not in render_page(seen, "/".join).html
    assert SECRET not in json.dumps(in_form(values.encode(seen), Form.PLAIN), default=str)
    for label, part in _labelled(seen):
        assert value_paths.follow(seen, [label]) == (True, part) or part != part
    # What the editor shows is read back as it was; a mask is refused.
    if not values.has_secret(value):
        typed = shown_to_be_edited(value)
        assert equality.same(read_back(typed, values.type_name(value), retype=False), value)


def _labelled(value: Any) -> list[tuple[str, Any]]:
    return list(labelled(value)) if isinstance(value, dict) else []


@given(value=kinds)
@settings(
    max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_an_execution_keeps_it(version: FlowVersion, admin_user: User, value: Any) -> None:
    execution = Session(admin_user).start(version, paused=True, inputs={"Value": value})
    held = claims.read(execution.pk).frames[0].variables["value"]
    assert equality.same(held, value)
    Session(admin_user).do("continue", execution)
    execution = drive(execution.pk)
    assert execution.status == Status.ENDED, execution.error_message
    if values.has_secret(value):
        assert SECRET not in json.dumps([execution.inputs, execution.outputs])
    else:
        assert equality.same(outputs(execution)["Copy"], value)
    execution.delete()


def _everything_stored() -> str:
    """All that the tables of executions hold, as text."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE 'executions\\_%%'"
        )
        tables = [name for (name,) in cursor.fetchall()]
        found = []
        for table in tables:
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            found += [row for (row,) in cursor.fetchall()]
    return "\n".join(found)


@async_to_sync
async def _body(response: Any) -> bytes:
    return b"".join([part async for part in response.streaming_content])


WITH_SECRET = """
a: {type: Start Flow, bottom: j}
j:
  type: Set Variable
  properties: {Value: '="Bearer " + Login.Password', Variable: ($)Header}
  bottom: k
k: {type: Set Variable, properties: {Value: =Header, Variable: ($)Loud}, bottom: u}
u: {type: Convert To Upper Case, properties: {Text: ($)Loud}, bottom: t}
t: {type: Convert Object To Json, properties: {Object: ($)Login, Json: ($)Json}, bottom: s}
s:
  type: Set Variable
  properties: {Value: '=Login.User + " " + Login.Password.size()', Variable: ($)Told}
  bottom: l
l:
  type: Log Event
  properties: {Event Details: '="Password " + Login.Password'}
  bottom: e
e: {type: End Flow}
"""


def test_a_secret_text_is_masked_wherever_people_read(
    tmp_path: Path, admin_user: User, admin_client: Client
) -> None:
    flow = publish(
        tmp_path,
        "login",
        WITH_SECRET,
        "{Login: {input: true}, Header: {output: true}, Json: {output: true}, Told: {output: true},"
        " Loud: {output: true}}",
    )
    login = {"User": "ann", "Password": SecretText(SECRET)}
    execution = drive(Session(admin_user).start(flow, inputs={"Login": login}).pk)
    assert execution.status == Status.ENDED, execution.error_message
    told = values.decode(fresh(execution).outputs, masks=True)
    assert told["Told"] == f"ann {len(SECRET)}"
    stored = _everything_stored()
    assert SECRET not in stored
    assert SECRET.upper() not in stored
    here = f"/executions/{execution.pk}/"
    for address in (
        here,
        f"{here}?var=0:Login",
        f"{here}?var=out:Header",
        f"{here}?tab=log",
        f"{here}value/?var=in:Login",
        f"/api/v1/executions/{execution.pk}",
        f"/api/v1/executions/{execution.pk}?values=plain",
        "/?flow=login&column=var.Header&column=var.Login.Password",
        "/executions/export/csv/?flow=login&column=var.Header&column=var.Login.Password",
    ):
        response = admin_client.get(address, follow=True)
        assert response.status_code == 200, address
        body = _body(response) if response.streaming else response.content
        assert SECRET not in unescape(body.decode()), address
    html = admin_client.get(f"{here}?var=in:Login").content.decode()
    assert "ann" in html
    assert MASK in html or "secret" in html
