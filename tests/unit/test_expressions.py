"""Expressions: numbers, missing values, functions, the order of keys, and what errors say."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings

from flows import expressions
from flows.expressions import ExpressionError, supply
from flows.expressions.functions import FUNCTIONS
from flows.expressions.reference import markdown
from flows.keys import key_for

ORDER = {"Number": 7, "Customer": {"Name": "Ada"}, "Lines": [{"Total": 2}, {"Total": 3.5}]}


def value(source: str, **variables: Any) -> Any:
    return expressions.compile(source).evaluate(variables)


def problem(source: str, **variables: Any) -> str:
    with pytest.raises(ExpressionError) as met:
        value(source, **variables)
    return str(met.value)


@pytest.mark.parametrize(
    ("source", "expected"),
    [(example, result) for one in FUNCTIONS.values() for example, result in one.examples],
)
def test_every_example_is_true(source: str, expected: Any) -> None:
    found = value(source)
    assert (found, type(found)) == (expected, type(expected))


def test_the_published_reference_is_the_generated_one() -> None:
    """After a change of the functions: `manage.py flow_schema --write`."""
    assert (settings.BASE_DIR / "docs" / "expressions.md").read_text() == markdown()
    assert all(one.examples and one.description for one in FUNCTIONS.values())


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("1 + 1.5", 2.5),
        ("Price * 2", 3.0),
        ("Count - 0.5", 2.5),
        ("Count / 2", 1),
        ("Count / 2.0", 1.5),
        ("7.5 % Count", 1.5),
        ("Count % 2", 1),
        ("-Price", -1.5),
        ("Count + Count", 6),
        ("math.greatest(Count, Price)", 3.0),
        ("[Count, Price].map(x, x * Price)", [4.5, 2.25]),
        ("Count < 3.5 && Price == 1.5", True),
    ],
)
def test_numbers_mix(source: str, expected: Any) -> None:
    found = value(source, Price=1.5, Count=3)
    assert (found, type(found)) == (expected, type(expected))


def test_a_division_of_numbers_by_zero_is_as_in_floating_point() -> None:
    assert value("Count / 0.0", Count=3) == float("inf")
    assert value("-1.0 / Count", Count=0) == float("-inf")
    assert "divide by zero" in problem("1 / 0")
    assert "modulus by zero" in problem("1.5 % 0")


def test_text_plus_anything_is_text() -> None:
    joined = value('"a" + 7 + 1.0 + 2.5 + true + null + [1, {"b": 1}]')
    assert joined == 'a712.5True[1,{"b":1}]'
    assert value('7 + " days"') == "7 days"
    at = datetime(2026, 3, 9, 6, 25, tzinfo=UTC)
    assert value('"At " + At', At=at) == "At 03/09/2026 06:25:00 +00:00"


def test_what_may_be_missing() -> None:
    assert value('Order.?Customer.?Name.orValue("")', Order=ORDER) == "Ada"
    assert value("Order.?Customer.?Age.orValue(0) + 1", Order=ORDER) == 1
    assert value("coalesce(A, B, 3)", A=None, B=None) == 3
    assert value("cel.bind(x, Order.Number * 2, x + x)", Order=ORDER) == 28


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("Lines[-1]", 3),
        ("Lines[-3]", 1),
        ("Lines[Lines.size() - 5]", 2),
        ("Rows[-1][-1] + Lines[0]", 5),
        ('{"a": Lines}.a[-1]', 3),
        ("Lines.map(x, Lines[-1] - x)", [2, 1, 0]),
    ],
)
def test_negative_indexes_count_from_the_end(source: str, expected: Any) -> None:
    assert value(source, Lines=[1, 2, 3], Rows=[[1], [2, 4]]) == expected


@pytest.mark.parametrize(
    "source",
    [
        '{"zz": 1, "a": 2, "bbb": 3, "c": 4}',
        '{"outer": {"y": 1, "x": 2}, "a": [{"q": 1, "b": 2}]}.outer',
        '[1, 2].map(i, {"Name": i, "Amount": 2, "A": 3})[0]',
        '{Key: 1, "a": 2, "zzz": 3}',
        '{"z": 1, "b": 2}.merge({"a": 3})',
        "Structure",
        '[Structure, {"c": 1}][0]',
        'Nothing == null ? {"k": 1, "b": 2} : {"x": 1, "c": 2}',
        'parseJson(\'{"z": 1, "y": 2, "a": 3}\')',
    ],
)
def test_keys_keep_their_order(source: str) -> None:
    """The library's maps have a random order, so a single run would prove little."""
    held = {"Structure": {"q": 1, "c": 2, "b": 3}, "Key": "mm", "Nothing": None}
    orders = {
        "Structure": list(held["Structure"] or ()),
        '[Structure, {"c": 1}][0]': ["q", "c", "b"],
        '{"outer": {"y": 1, "x": 2}, "a": [{"q": 1, "b": 2}]}.outer': ["y", "x"],
        '[1, 2].map(i, {"Name": i, "Amount": 2, "A": 3})[0]': ["Name", "Amount", "A"],
        '{Key: 1, "a": 2, "zzz": 3}': ["mm", "a", "zzz"],
        '{"zz": 1, "a": 2, "bbb": 3, "c": 4}': ["zz", "a", "bbb", "c"],
        '{"z": 1, "b": 2}.merge({"a": 3})': ["z", "b", "a"],
        'Nothing == null ? {"k": 1, "b": 2} : {"x": 1, "c": 2}': ["k", "b"],
        'parseJson(\'{"z": 1, "y": 2, "a": 3}\')': ["z", "y", "a"],
    }
    compiled = expressions.compile(source)
    variables = {name: held[name] for name in compiled.names}
    for _ in range(20):
        assert list(compiled.evaluate(variables)) == orders[source]
    assert value(f"({source}).keys()", **variables) == orders[source]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("Order.Total", "Order has no Total; it has Number, Customer, Lines (line 1, column 7)."),
        ("1 +\nOrder.Customer.Nam", "it has Name; do you mean Name? (line 2, column 16)"),
        ('Order["Lines"][5]', "there is no item 5: the list has 2 (line 1, column 1)."),
        ("Order.Customer.Name.First", "Order.Customer.Name is a Text and has no First"),
        ("Order.Lines.first().Foo", "Order.Lines.first() has no Foo; it has Total"),
        ("Order.Lines.map(x, x.Foo)", "x has no Foo (line 1, column 22)."),
        (
            "Order.Lines.filter(x, x.Totl > 1)",
            "x has no Totl; do you mean Total? (line 1, column 25).",
        ),
        (
            "uper(Order.Customer.Name)",
            "There is no function uper; do you mean upper? (line 1, column 1).",
        ),
        (
            'slice(Order.Number) + upper("a")',
            "slice(whole: anything, start: Integer, [end: Integer]) does not take this number of "
            "arguments (line 1, column 1).",
        ),
        ("upper(5)", "upper(text: Text) does not take Integer (line 1, column 1)."),
        ("Order.Number.upper()", "upper(text: Text) does not take Integer (line 1, column 14)."),
        ("Order.Lines.sum()", "it adds numbers and durations, not a Structure (line 1, column 1)."),
        ("Order.Number - 'a'", "- does not take Integer and Text (line 1, column 1)."),
        ("1 +", "(line 1, column 4)"),
        ("1 +\n2 * (Order.Number / 0)", "divide by zero (line 2, column 6)."),
        ("'a' + date(2026, 2, 30)", "day is out of range for month (line 1, column 7)."),
        ('1 + add(now(), 1, "dya")', "months, quarters, years (line 1, column 5)."),
        ('now().getHours("Europe/Berln")', "there is no time zone of that name"),
        ('timestamp("soon")', "parseDate reads other forms (line 1, column 1)."),
        ("1 == 1 && !Order.Number", "! takes a Boolean (line 1, column 11)."),
        ('"a" in Order.Customer.Name', "write Text.contains(part) (line 1, column 1)."),
        ("Order.Number > 2 and true", "`and` is written && (line 1, column 18)."),
        ("Order.Number = 7", "`=` is written == where values are compared (line 1, column 14)."),
        ("Order.Paid ?? 0", "`??` is written coalesce(one, other) (line 1, column 12)."),
        ("Order?.Paid", "`?.` is written `.?`, as in Order.?Paid.orValue(0) (line 1, column 6)."),
        ("$Order.Number", "`$Order` is written Order (line 1, column 1)."),
        ("'it's'", "the text that begins here has no end: ' is missing (line 1, column 6)."),
        (
            "Order.Lines.length()",
            "There is no function length; do you mean size? (line 1, column 13)",
        ),
        ("Order.Lines.map(x)", "an expression: Lines.map(line, line.Total) (line 1, column 13)."),
        ("1 + 1e400", "1e400 is too large. A Number goes up to about 1.8e308 (line 1, column 5)."),
    ],
)
def test_errors_say_what_exists(source: str, said: str) -> None:
    assert said in problem(source, Order=ORDER)


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ("[2, 1.5, 1, 1.0]", [1, 1.0, 1.5, 2]),
        ('["b", "a", "B"]', ["B", "a", "b"]),
        ("[true, false]", [False, True]),
        ('[duration("2s"), duration("1s")]', [timedelta(seconds=1), timedelta(seconds=2)]),
        ("[null]", [None]),
        ("[]", []),
    ],
)
def test_lists_are_sorted_within_one_kind(items: str, expected: list[Any]) -> None:
    assert list(map(repr, value(f"{items}.sort()"))) == list(map(repr, expected))
    rows = value(f'{items}.map(one, {{"A": {{"B": one}}}}).sortBy("A.B")')
    assert [repr(row["A"]["B"]) for row in rows] == list(map(repr, expected))
    turned = value(f'{items}.sort("descending")')
    assert list(map(repr, turned)) == list(map(repr, expected[::-1]))


def test_structures_are_grouped_by_a_path() -> None:
    rows = [{"Place": {"Town": "Bonn"}, "N": 1}, {"Place": {"Town": "Ulm"}, "N": 2}]
    assert list(value('rows.groupBy("Place.Town")', rows=rows)) == ["Bonn", "Ulm"]
    assert "has no Place.Street" in problem('rows.groupBy("Place.Street")', rows=rows)


@pytest.mark.parametrize(
    ("items", "both"),
    [
        ('[1, "a"]', "a Text and an Integer"),
        ("[1.5, 2, true]", "a Boolean and an Integer"),
        ("[null, null]", "a Null and a Null"),
        ("[[1], [2]]", "a List and a List"),
        ('[{"a": 1}, {"a": 2}]', "a Structure and a Structure"),
    ],
)
def test_values_of_two_kinds_have_no_order(items: str, both: str) -> None:
    assert f"{both} have no order" in problem(f"{items}.sort()")
    assert f"{both} have no order" in problem(f'{items}.map(a, {{"A": a}}).sortBy("A")')


def test_an_index_of_a_text_gives_a_character() -> None:
    rows = [{"Code": "äb"}]
    assert value("rows[0].Code[0] + rows[0].Code[-1]", rows=rows) == "äb"
    assert value('rows.map(row, row.Code[1]) + ["c"]', rows=rows) == ["b", "c"]
    assert "there is no item 2: it has 2" in problem("Code[2]", Code="ab")


def test_results_are_bounded() -> None:
    for source in ("range(100000000)", '"a".padLeft(100000000)', '"a".padRight(9, "ab")'):
        began = time.monotonic()
        assert problem(source)
        assert time.monotonic() - began < 5
    text = '"' + "a" * 10_000 + '".replace("a", "' + "b" * 3000 + '")'
    assert "more than 20,000,000 characters" in problem(text)


def test_a_catastrophic_regular_expression_ends_in_time() -> None:
    began = time.monotonic()
    said = problem('Text.find("(a|aa)+$")', Text="a" * 60 + "!")
    assert "takes more than 1 s" in said
    # Without a limit it would take years; the limit is a second of the processor.
    assert time.monotonic() - began < 30


def test_the_time_and_ids_are_supplied() -> None:
    class Fixed:
        def expression_time(self) -> datetime:
            return datetime(2026, 3, 29, 12, tzinfo=UTC)

        def expression_uuid(self) -> str:
            return "7"

    with supply.supplied_by(Fixed()):
        assert value("now()") == Fixed().expression_time()
        assert value("uuid()") == "7"
        # The day on which the clocks change begins at 23:00 of the day before in UTC.
        assert value('today("Europe/Berlin")') == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert value("now()") != Fixed().expression_time()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        # The clocks go forward at 02:00, so 02:30 does not exist.
        ('date(2026, 3, 29, 2, 30, 0, "Europe/Berlin")', "2026-03-29T01:30:00+00:00"),
        # They go back at 03:00, so 02:30 stands twice: the first one counts.
        ('date(2026, 10, 25, 2, 30, 0, "Europe/Berlin")', "2026-10-25T00:30:00+00:00"),
        ('add(date(2026, 10, 24, 12, 0, 0, "Europe/Berlin"), 1, "day", "Europe/Berlin")',
         "2026-10-25T11:00:00+00:00"),
        ('endOf(date(2026, 10, 25, 12), "day", "Europe/Berlin")',
         "2026-10-25T22:59:59.999999+00:00"),
        ('startOf(timestamp("2026-10-25T01:30:00Z"), "hour", "Europe/Berlin")',
         "2026-10-25T01:00:00+00:00"),
    ],
)  # fmt: skip
def test_daylight_saving_is_right(source: str, expected: str) -> None:
    assert value(source).isoformat() == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("1.0 in Prices", True),
        ("1 in Prices && true in Prices && '1' in Prices", True),
        ("2.0 in Prices", False),
        ("2 in Prices || !(1.5 + 0.5 in Rates)", False),
        ("[2.0, 3.5].filter(rate, rate in Rates)", [2.0]),
        ("2.0 in Rates && 1 in [1.0] ? 'known' : 'new'", "known"),
        ("Order.?Missing.orValue(2.0) in Order.Rates == true", True),
        ("'a' in Rates || {'a': 1.0} in Rates", False),
        ("[Rates.contains(2.0), Rates.contains(2), [[1.0]].contains([1])]", [True, False, False]),
    ],
)
def test_a_key_of_any_type_is_found(source: str, expected: Any) -> None:
    prices = {key_for(1.0): "n", key_for(True): "b", 1: "i", "1": "t"}
    rates = {key_for(2.0): 0.19}
    assert value(source, Prices=prices, Rates=rates, Order={"Rates": rates}) == expected


def test_in_asks_lists_and_structures_only() -> None:
    told = problem("2.0 in Rates && 1 in Count", Rates={key_for(2.0): 1}, Count=3)
    assert told == "`in` looks into a List or a Structure, not an Integer (line 1, column 19)."
