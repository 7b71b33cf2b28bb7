"""Nothing that is typed is left out of a filter in silence; and nothing is done to all that match
while some of it is not understood."""

from typing import Any
from urllib.parse import quote

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from executions.grid.planner import statement_timeout
from executions.grid.query.fields import FIELDS
from executions.grid.query.filters import Filters
from executions.models import BulkJob, Execution, Value
from executions.states import Status
from flows.values import encode
from tests.executions_in_tests import make_execution
from tests.thoroughness import examples

KEYS = [*(field.key for field in FIELDS), "var.V", "var.order.unit"]
LONG = "a" * 201

#: What stands behind a key, and means nothing for any field.
NOTHING = [
    *(":", "=", ": ", ":,", ":,,", ':" "', ":\0", ":\0\0", ":\ud83d", ":a\ud83db", ":\ufffd"),
    *(':"', ':"a', ':"a\\', "=>3", "=<3", "!", "!3"),
]
#: Fields that may be empty, and variables, have something to compare empty text with.
MAY_BE_EMPTY = {field.key for field in FIELDS if field.kind.optional} | {"var.V", "var.order.unit"}


@pytest.mark.parametrize("negated", ["", "-"])
@pytest.mark.parametrize("key", KEYS)
def test_a_field_without_a_meaning_is_told(key: str, negated: str) -> None:
    for behind in [*NOTHING, *([] if key in MAY_BE_EMPTY else [':""'])]:
        if key.startswith("var.") and behind in (":,", ":,,", ':" "'):
            continue  # a text
        filters = Filters.parse_text(f"{negated}{key}{behind}")
        assert filters.invalid_parts, (key, behind)
        assert not filters.terms, (key, behind)
        assert filters.problems[0].endswith((".", "?", "…")) or filters.problems, filters.problems
        again = Filters.parse_text(filters.text())
        assert again == filters, (key, behind)
        assert Filters.parse(QueryDict(filters_address(filters))) == filters


def filters_address(filters: Filters) -> str:
    return "&".join(f"{quote(name)}={quote(value)}" for name, value in filters.parameters())


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.key)
def test_an_operator_that_a_field_does_not_have_is_told(field: Any) -> None:
    for sign in ("!=", "!", "<", ">", "<=", ">=", "=<", "=>"):
        if field.kind.is_ordered and sign in ("<", ">", "<=", ">="):
            continue
        filters = Filters.parse_text(f"{field.key}{sign}orders")
        assert filters.invalid_parts == (f"{field.key}{sign}orders",)
        assert "Write" in filters.problems[0]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("-", "no letter or digit"),
        ("--", "no letter or digit"),
        ("%", "no letter or digit"),
        ("\\", "no letter or digit"),
        ('""', "no letter or digit"),
        ('"   "', "no letter or digit"),
        ("orders - late", "no letter or digit"),
        ("-late", "A minus excludes what a field matches"),
        ('-"late"', "A minus excludes what a field matches"),
        ("!status:error", "! means nothing here"),
        ("(status:error", "Did you mean status?"),
        ('"late', "not closed"),
        ("late\0", "cannot be searched for"),
        ("late\ud83d", "cannot be searched for"),
        ("%F0", ""),  # a word: F0
        ("message:%", "has no letter or digit"),
        (f"flow:{LONG}", "200 at most"),
        (f"-flow:{LONG}", "200 at most"),
        (f"message:{LONG}", "200 at most"),
        (f"var.X={'a' * 2001}", "2,000 at most"),
        ("word " * 60, "A search takes 200 characters"),
        ("-flow:" + ",".join(f"f{n}" for n in range(40)), "30 values"),
        (" ".join(f"var.v{n}=1" for n in range(40)), "20 conditions"),
        ("x" * 4001, "longer than 4,000"),
        ("status:error " * 400, "longer than 4,000"),
        ("var:x", "A variable is written"),
        ("var.=x", "A variable is written"),
        ("var..a=x", "A variable is written"),
        ("var.a>x", "Only numbers, times and durations"),
        ("stauts:error", "Did you mean status?"),
        ("STAUTS:error", "Did you mean status?"),
    ],
    ids=lambda text: text[:20].encode("ascii", "replace").decode(),
)
def test_a_word_that_is_left_out_is_told(typed: str, told: str) -> None:
    filters = Filters.parse_text(typed)
    assert bool(filters.invalid_parts) is bool(told)
    assert any(told in problem for problem in filters.problems) or not told
    assert Filters.parse_text(filters.text()) == filters
    assert Filters.parse(QueryDict(filters_address(filters))) == filters


def test_what_is_typed_twice_in_another_case_is_one_term() -> None:
    for typed in ("flow:a flow:b", "FLOW:a Flow:b", "flow:a,b", "flow=a flow=b", 'flow:"a" flow:b'):
        assert Filters.parse_text(typed).values("flow") == ("a", "b"), typed
    assert Filters.parse_text("STATUS:ERROR status:Error").statuses == {Status.ERROR}
    # Each part of an address that says a query counts.
    filters = Filters.parse(QueryDict("q=flow:a&q=late&flow=b"))
    assert (filters.values("flow"), filters.search) == (("a", "b"), "late")


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        (
            "foo:bar",
            "no field “foo”. Did you mean flow? foo:bar is searched for as a text.",
        ),
        ("customer:42", "A variable is written var.customer=…"),
        ("customer=42", "There is no field “customer”"),
        ('"foo:bar"', ""),
        ("http://orders.example/a", ""),
        ("10:30", ""),
        ("late", ""),
    ],
)
def test_what_only_looks_like_a_field_is_searched_for_and_told(typed: str, hint: str) -> None:
    filters = Filters.parse_text(typed)
    assert filters.search
    assert not filters.terms
    assert filters.are_understood
    assert hint in " ".join(filters.hints)
    assert bool(filters.hints) is bool(hint)


@settings(max_examples=examples(150), deadline=None)
@given(st.text(alphabet='ab -!:=<>"\\,.%\0\ud83d_flowvar', max_size=14))
def test_every_word_counts_or_is_told(typed: str) -> None:
    filters = Filters.parse_text(typed)
    if typed.strip():
        assert filters.are_active or filters.invalid_parts
    assert Filters.parse_text(filters.text()) == filters


# Addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        *("flwo=orders", "Stauts=Error", "customer=42", "var=x", "var.=x", "-=x", "-foo=x"),
        *("flow=%00", "flow=+", "q=%00", "q=-late", "q=%25", "flow=a%ED%A0%BDb", "version=x"),
        *("variable=order&holds=", "variable=&holds=3", "variable=a..b&holds=3", "var.a=+"),
        *("variable=a&variable=b..c&holds=1&holds=2", "status=Error&status=Eror"),
    ],
)
@pytest.mark.django_db
def test_all_that_match_are_not_touched_while_an_address_is_not_understood(
    admin_client: Client, admin_user: Any, address: str
) -> None:
    held = make_execution(admin_user, status=Status.RUNNING)
    assert not Filters.parse(QueryDict(address)).are_understood
    grid = admin_client.get(f"/?{address}", headers={"HX-Request": "true"}).content.decode()
    assert 'id="query-problems"' in grid
    # The links of the page say it again.
    bulk = admin_client.get(f"{reverse('bulk', args=['stop'])}?{address}")
    assert "it would match too many executions." in bulk.content.decode()
    form = {"form": "0" * 32}
    answer = admin_client.post(f"{reverse('bulk', args=['stop'])}?{address}", form)
    assert answer.status_code == 200
    assert not BulkJob.objects.exists()
    exported = admin_client.get(f"{reverse('export', args=['csv'])}?{address}")
    assert exported.status_code == 302
    held.refresh_from_db()
    assert held.status == Status.RUNNING


@pytest.mark.django_db
def test_a_parameter_that_is_no_field_goes_along_until_it_is_cleared(admin_client: Client) -> None:
    html = admin_client.get("/?customer=42&flow=orders").content.decode()
    assert "There is no field customer, which the address names." in html
    assert f"{reverse('bulk', args=['stop'])}?flow=orders&amp;customer=42" in html
    assert 'href="/?"' in html  # Clear filters


# Empty text -----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_empty_text_is_a_value(admin_user: Any) -> None:
    empty, one, lacking = (make_execution(admin_user) for _ in range(3))
    Value.objects.create(execution=empty, level=0, name="v", value=encode(""))
    Value.objects.create(execution=one, level=0, name="v", value=encode(1))

    def found(typed: str) -> set[Any]:
        filters = Filters.parse_text(typed)
        assert filters.are_understood, filters.problems
        assert Filters.parse_text(filters.text()) == filters
        assert Filters.parse(QueryDict(filters_address(filters))) == filters
        return set(Execution.objects.filter(filters.condition()).values_list("pk", flat=True))

    assert found('var.V=""') == found('var.v:""') == {empty.pk}
    assert found('var.V!=""') == {one.pk}
    assert found('-var.V=""') == {one.pk, lacking.pk}
    # What no worker holds, and nobody debugs; in an address, and turned around.
    Execution.objects.filter(pk=one.pk).update(lease_owner="host-1", block_type="")
    assert found('worker:""') == {empty.pk, lacking.pk}
    assert found('-worker:""') == {one.pk}
    assert found('worker:"",host-1') == {empty.pk, one.pk, lacking.pk}
    assert found('block:""') == {one.pk}
    assert found('debugger:"" block:""') == {one.pk}
    assert found('initiator:""') == set()


# Keys of structures ---------------------------------------------------------------------------

KEYS_OF_ORDER = ["unit.price", "unit price", "unit[0]", 'unit"q"', "a\\b", "a=b", "a,b:c", "ünit"]


@pytest.mark.parametrize("key", KEYS_OF_ORDER)
@pytest.mark.django_db
def test_any_key_can_be_filtered_by_and_shown(
    admin_client: Client, admin_user: Any, key: str
) -> None:
    held = make_execution(admin_user)
    other = make_execution(admin_user)
    for execution, value in ((held, 42), (other, 43)):
        Value.objects.create(
            execution=execution, level=0, name="order", value=encode({key: {"net": value}})
        )
    inside = key.replace("\\", "\\\\").replace('"', '\\"')
    for typed in (f'var.Order."{inside}".net=42', f'var.Order["{inside}"].net=42'):
        filters = Filters.parse_text(typed)
        assert filters.are_understood, filters.problems
        assert Filters.parse_text(filters.text()) == filters
        assert Filters.parse(QueryDict(filters_address(filters))) == filters
        found = Execution.objects.filter(filters.condition())
        assert [one.pk for one in found] == [held.pk], typed
    response = admin_client.post(
        reverse("columns"), {"add": f'Order."{inside}".net', "next": "/?column=started"}
    )
    html = admin_client.get(response["Location"]).content.decode()
    assert ">42</" in html
    assert ">43</" in html
    filters_in_address = filters_address(filters)
    html = admin_client.get(f"/?{filters_in_address}").content.decode()
    assert str(held.pk) in html
    assert str(other.pk) not in html


@pytest.mark.django_db
def test_long_texts_are_compared(admin_user: Any) -> None:
    for text in ("a" * 1500, "a" * 1499):
        execution = make_execution(admin_user)
        Value.objects.create(execution=execution, level=0, name="x", value=encode(text))
    filters = Filters.parse_text("var.X=" + "a" * 1500)
    assert Execution.objects.filter(filters.condition()).count() == 1


@pytest.mark.django_db
def test_hundreds_of_terms_cost_no_more_than_those_that_are_read(
    admin_client: Client, admin_user: Any
) -> None:
    make_execution(admin_user)
    for terms in (
        "&".join(f"var.v{n}=%3E{n}" for n in range(400)),
        "&".join(f"-var.v{n}={'x' * 20}" for n in range(400)),
        "&".join(f"var.v=%3E{n}" for n in range(900)),
        "q=" + "+".join(f"-var.v{n}%3E1" for n in range(300)),
        "q=" + "+".join(f"message:m{n}" for n in range(300)),
        "&".join(f"-flow=f{n}" for n in range(900)),
    ):
        filters = Filters.parse(QueryDict(terms))
        assert sum(len(term.values) for term in filters.terms) <= 30
        assert not filters.are_understood
        response = admin_client.get(f"/?{terms}", headers={"HX-Request": "true"})
        assert response.status_code == 200
        assert "Remove some." in response.content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_page_that_cannot_be_estimated_in_time_says_so(
    admin_client: Client, admin_user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_execution(admin_user)
    terms = "&".join(f"var.v{n}=1" for n in range(30))
    # Not even planning is done within that.
    monkeypatch.setattr(statement_timeout.run, "__defaults__", (0.001, ()))
    response = admin_client.get(f"/?{terms}", headers={"HX-Request": "true"})
    assert response.status_code == 200
    html = response.content.decode()
    assert "was stopped" in html
    assert "Counting took too long" in html
