"""Parts of large values that the database cuts out: what they are, and what they cost."""

import json
import re
from collections.abc import Iterator
from functools import partial
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from executions.models import ChangedValue, Execution, Value
from executions.store.history import variable_history
from executions.store.read import value_parts
from flows import value_paths, values
from tests.driving import begin, drive
from tests.flows_in_tests import publish
from tests.integration.test_execution_page import client_of, page
from tests.thoroughness import examples
from tests.timing import least_seconds
from tests.unit.test_values import anything

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]

#: Changes a list that is large, and what is beside it.
FLOW = """
a: {type: Start Flow, bottom: big}
big: {type: Set Variable, properties: {Value: =Given, Variable: ($)Big}, bottom: part}
part: {type: Set Variable, properties: {Value: new, Variable: "($)Big[150].Name"}, bottom: e}
e: {type: End Flow}
"""
VARIABLES = "{Given: {input: true}, Big: {default: []}}"


@pytest.fixture
def execution(tmp_path: Path) -> Execution:
    given = [{"Name": f"old {n}", "N": n} for n in range(2_000)]
    return drive(begin(publish(tmp_path, "large", FLOW, VARIABLES), Given=given).pk)


def holds(execution: Execution, value: Any) -> value_parts.StoredForm:
    Value.objects.filter(execution=execution, name="big").update(value=values.encode(value))
    return variable_history.current_form(execution, 0, "big")


def every_path(value: Any) -> Iterator[list[str]]:
    yield []
    inside = value_paths.parts(value)
    pairs = enumerate(inside) if isinstance(inside, list) else (inside or {}).items()
    for key, item in pairs:
        for path in every_path(item):
            yield [str(key), *path]


@given(value=anything, first=st.integers(0, 6), odd=st.text(max_size=3))
@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_cut_is_what_the_whole_value_has_there(
    execution: Execution, value: Any, first: int, odd: str
) -> None:
    """Whatever is held: a cut is right, or there is none."""
    stored = holds(execution, value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(value_parts, "WHOLE", 12)
        patch.setattr(value_parts, "ITEM", 8)
        for path in [
            *every_path(value),
            [odd],
            ["0", odd],
            ["-1"],
            [" 0"],
            ["$items"],
            ["\0"],
            ["\ud800"],
        ]:
            exists, there = value_paths.follow(value, path)
            whole, shown = (
                value_parts.whole_part(stored, path),
                value_parts.part_or_page(stored, path, first, 2),
            )
            assert whole is None or (exists and values.decode(whole.form) == there)
            if shown is None:
                assert whole is None
            elif shown.page is None:
                assert exists
                assert values.decode(shown.form) == there
            else:
                assert exists
                is_cut_out_of(shown.page, there)


def is_cut_out_of(cut: value_parts.ItemPage, whole: Any) -> None:
    assert cut.count == len(whole)
    pairs = list(enumerate(whole)) if isinstance(whole, list) else list(whole.items())
    page = pairs[cut.first : cut.first + 2]
    assert cut.places == [key for key, _ in page]
    for item, (_, meant) in zip(cut.items, page, strict=True):
        if not isinstance(item, value_parts.LargeItem):
            assert values.decode(item) == meant
        elif isinstance(meant, str):
            assert (item.count, item.beginning) == (len(meant), meant[: value_parts.BEGINNING])
        elif isinstance(meant, list | dict):
            assert item.count == len(meant)
            assert item.kind == ("array" if isinstance(meant, list) else "object")


def test_plain_values_are_cut(execution: Execution) -> None:
    """Not only right, but cut."""
    stored = holds(execution, {"Lines": [{"N": n, "Text": "x" * 6_000} for n in range(300)]})
    whole = value_parts.part_or_page(stored, [], 0, 100)
    assert whole is not None
    assert whole.page is not None
    assert whole.page.items == [value_parts.LargeItem("array", 300, "", whole.page.items[0].digest)]
    lines = value_parts.part_or_page(stored, ["Lines"], 250, 100)
    assert lines is not None
    assert lines.page is not None
    assert (lines.page.first, lines.page.count, len(lines.page.items)) == (200, 300, 100)
    assert {(item.kind, item.count) for item in lines.page.items} == {("object", 2)}
    line = value_parts.part_or_page(stored, ["Lines", "299"], 0, 100)
    assert line == value_parts.ValuePart({"N": 299, "Text": "x" * 6_000})
    assert value_parts.part_or_page(stored, ["Lines", "300"], 0, 100) is None
    nothing = variable_history.current_form(execution, 0, "gone")
    assert value_parts.part_or_page(nothing, [], 0, 100) is None
    assert value_parts.whole_part(holds(execution, None), []) == value_parts.ValuePart(None)


# On the page ----------------------------------------------------------------------------------


def looked(html: str) -> str:
    look = html.partition('class="value-view"')[2].partition("</section>")[0]
    return unescape(re.sub(r"<[^>]+>", "", look))


def test_the_page_shows_the_cut(execution: Execution, admin_user: User) -> None:
    with CaptureQueriesContext(connection) as captured:
        html = page(admin_user, execution, "?var=0:Big&item=150")
    assert "100 to 199 of 2000 items" in looked(html)
    assert '"Name": "new"' in looked(html)
    assert '"Name": "old 199"' in looked(html)
    assert '"Name": "old 200"' not in looked(html)
    assert 'href="?var=0:Big.150"' in html
    # Nothing has read the whole list.
    assert not any(
        "value::text" in query["sql"] and "size" not in query["sql"] for query in captured
    )
    assert '"N": 1999' in looked(page(admin_user, execution, "?var=0:Big.1999"))
    assert "This part of the value does not exist now." in looked(
        page(admin_user, execution, "?var=0:Big.2000")
    )
    assert "Integer" in looked(page(admin_user, execution, "?var=0:Big.1999.N"))


def test_what_the_step_changed_is_marked_on_the_cut(execution: Execution, admin_user: User) -> None:
    assert ChangedValue.objects.filter(execution=execution).exists()
    html = page(admin_user, execution, "?step=3&var=0:Big&item=150")
    look = html.partition('class="value-view"')[2].partition("</section>")[0]
    changed = [
        unescape(re.sub(r"<[^>]+>", "", line)) for line in re.findall(r'changed">(.*?)</div>', look)
    ]
    assert changed == ['"Name": "new",']
    before = page(admin_user, execution, "?step=3&var=0:Big&item=150&before=1")
    assert '"Name": "old 150"' in looked(before)
    earlier = page(admin_user, execution, "?step=2&var=0:Big&item=150")
    assert '"Name": "old 150"' in looked(earlier)


def test_a_large_structure_is_compared_by_its_keys(execution: Execution, admin_user: User) -> None:
    """The same key may be on another page before; items may be large themselves."""
    old = {f"k{n}": "x" * 6_000 if n in (1, 3) else n for n in range(20_000)}
    new = {"first": 0, **old, "k1": "x" * 5_999 + "y", "k2": "two"}
    begins, ends = ChangedValue.objects.filter(execution=execution).order_by("first_step")
    for row, value in ((begins, old), (ends, new)):
        ChangedValue.objects.filter(pk=row.pk).update(value=values.encode(value))
    html = page(admin_user, execution, "?step=3&var=0:Big")
    look = html.partition('class="value-view"')[2].partition("</section>")[0]
    assert "0 to 99 of 20001 keys" in looked(html)
    assert f'"{"x" * 80}… (6000)"' in looked(html)
    changed = re.findall(r'class="json-line depth-1 changed">.*?class="json-key">&quot;(\w+)', look)
    assert changed == ["first", "k1", "k2"]


def test_who_may_not_see_it_gets_no_part(execution: Execution) -> None:
    ada = User.objects.create_user("ada")
    Execution.objects.filter(pk=execution.pk).update(initiator=None)
    client = client_of(ada)
    for address in ("", "live/", "value/"):
        answer = client.get(f"/executions/{execution.pk}/{address}?var=0:Big.150")
        assert answer.status_code == 404


def test_inputs_and_their_parts(execution: Execution, admin_user: User) -> None:
    html = page(admin_user, execution, "?panel=io&var=in:Given&item=1999")
    assert "1900 to 1999 of 2000 items" in looked(html)
    assert '"N": 7' in looked(page(admin_user, execution, "?panel=io&var=in:Given.7"))
    assert "value does not exist" in looked(page(admin_user, execution, "?panel=io&var=in:None"))


# What it costs --------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [100_000, 1_000_000])
def test_a_look_into_a_list_that_is_very_large(
    execution: Execution, admin_user: User, count: int
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE executions_value SET value = (SELECT json_agg(json_build_object('er', n)) "
            "FROM generate_series(0, %s) AS n) WHERE execution_id = %s AND name = 'big'",
            [count - 1, execution.pk],
        )
    client: Client = client_of(admin_user)
    client.get(execution.get_absolute_url())
    asked = {
        "the first page": "0:Big",
        "the last page": f"0:Big&item={count - 1}",
        "an item": f"0:Big.{count - 1}",
        "a part of an item": f"0:Big.{count - 1}.er",
    }
    for name, query in asked.items():
        look = partial(client.get, f"{execution.get_absolute_url()}?var={query}")
        html = look().content.decode()
        took = least_seconds(look, 3)
        assert "does not exist now" not in html
        print(f"{count:,} items, {name}: {took * 1000:.0f} ms")
        # Generous, for a busy machine; docs/time.md says what was measured.
        assert took < 3
    raw = client.get(f"/executions/{execution.pk}/value/?var=0:Big.{count - 1}")
    assert json.loads(raw.content) == {"er": count - 1}
