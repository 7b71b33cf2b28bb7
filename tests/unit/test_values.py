"""Values, their typed JSON form, and expressions over them."""

import json
import math
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from flows import expressions, value_sources, values
from flows.expressions import ExpressionError
from flows.keys import key_for
from flows.values import (
    MASKED,
    VALUE_SCHEMA,
    ExceptionValue,
    SecretText,
    TaskValue,
    value_schema,
)

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=()))
    | st.binary()
    | st.datetimes(timezones=st.just(UTC))
    | st.timedeltas()
)
#: Keys of several types, of which Python would merge some.
keys = st.text(max_size=5) | st.integers(-1, 2) | st.booleans() | st.sampled_from([0.0, 1.0, 1.5])
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(keys.map(key_for), inner, max_size=4)
        | st.builds(ExceptionValue, st.text(), message=st.text(), details=inner)
    ),
    max_leaves=12,
)


@given(anything)
def test_every_value_survives_its_json_form(value: Any) -> None:
    text = json.dumps(values.encode(value), allow_nan=False)
    assert "\\u0000" not in text
    assert values.decode(json.loads(text)) == value


@given(anything)
def test_a_copy_is_equal_and_shares_nothing_that_can_change(value: Any) -> None:
    copied = values.copy(value)
    assert copied == value
    if isinstance(value, list):
        copied.append(None)
        assert len(copied) == len(value) + 1


@given(anything, st.integers(0, 200))
def test_a_small_form_is_the_form(value: Any, budget: int) -> None:
    small = values.encode_small(value, budget)
    assert small is None or small == values.encode(value)


def test_types_are_kept() -> None:
    for value in (1, 1.0, True, -0.0, 1e22):
        again = values.decode(json.loads(json.dumps(values.encode(value))))
        assert type(again) is type(value)
        assert math.copysign(1, again) == math.copysign(1, value)


def test_a_big_value_costs_little_to_summarise() -> None:
    assert values.encode_small(list(range(1_000_000)), 100) is None
    assert values.summary(list(range(7))) == "List with 7 items"
    assert values.summary(ExceptionValue("A.B.FooException")) == "Instance of FooException"


SCHEMA = Draft202012Validator({"$defs": {"value": value_schema()}, "$ref": VALUE_SCHEMA})
EACH_KIND = [
    "\0",
    float("nan"),
    datetime(2026, 1, 1, tzinfo=UTC),
    datetime(2026, 1, 1),
    timedelta(hours=1),
    b"a",
    {1: "one"},
    ExceptionValue("Shop.SoldOut", inner=ExceptionValue("\0", help_link="\0", error_code=4)),
    TaskValue("01a20fb3-8ca7-712b-b48f-1492f5d69d7c"),
    SecretText("\0"),
    MASKED,
]


@given(anything | st.sampled_from(EACH_KIND))
def test_the_schema_takes_every_value(value: Any) -> None:
    SCHEMA.validate(values.encode(value))


def test_the_schema_knows_every_kind_and_no_other() -> None:
    forms = list(map(values.encode, EACH_KIND))
    assert {tag for form in forms for tag in form} == set(values.KINDS)
    for form in forms:
        SCHEMA.validate([{"A": form}])
        ((tag, body),) = form.items()
        wrong = {f"{tag}s": body}
        for around in (
            wrong,
            [{"A": wrong}],
            {"$items": [[1, wrong]]},
            {"$exception": {"type": "A", "details": wrong}},
        ):
            assert not SCHEMA.is_valid(around), around
        assert not SCHEMA.is_valid({tag: None})
    assert SCHEMA.is_valid({"$a": 1, "$b": 2})


def test_an_unknown_kind_of_value_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\$what"):
        values.decode({"$what": 1})
    with pytest.raises(TypeError):
        values.encode(object())


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("a + b.c + items.map(x, x + y).size()", {"a", "b", "items", "y"}),
        ("'($)quoted' + ($)Name", {"Name"}),
        ("has(a.b) && size(c) > 1", {"a", "c"}),
        ("math.greatest(a, 2)", {"a"}),
        ("1 + 1", set()),
        # The checker stops after 20 errors.
        (f"[{', '.join(f'v{n}' for n in range(60))}]", {f"v{n}" for n in range(60)}),
        (f"[{', '.join('a' for _ in range(60))}, b]", {"a", "b"}),
    ],
)
def test_an_expression_names_what_it_reads(source: str, names: set[str]) -> None:
    assert expressions.compile(source).names == names


@pytest.mark.parametrize("source", ["1 +", "nothing(1)", "__import__('os')", "a b"])
def test_what_is_no_expression_is_refused(source: str) -> None:
    with pytest.raises(ExpressionError):
        expressions.compile(source)


@pytest.mark.parametrize(
    ("source", "variables"),
    [("a / 0", {"a": 1}), ("a.b", {"a": {}}), ("a", {"a": 2**70}), ("a", {"a": "\ud800"})],
)
def test_what_fails_says_so(source: str, variables: dict[str, Any]) -> None:
    with pytest.raises(ExpressionError):
        expressions.compile(source).evaluate(variables)


def test_times_and_exceptions_reach_expressions() -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    variables = {"t": {"at": now}, "e": ExceptionValue("A.B", "hello", error_code=3)}
    evaluate = expressions.compile("t.at + duration('1h')").evaluate
    assert evaluate({"t": variables["t"]}) == now + timedelta(hours=1)
    assert expressions.compile("e.Message + string(e.ErrorCode)").evaluate(variables) == "hello3"


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("text", "text"),
        ("=1 + 1", 2),
        ("\\=1", "=1"),
        ("\\\\x", "\\x"),
        ("\\n", "\\n"),
        ("($)A", 5),
        ("= A", 5),
        ("\\($)A", "($)A"),
        ({"n": "=A", "l": ["=A * 2", "x"]}, {"n": 5, "l": [10, "x"]}),
        ({"$duration": [0, 5, 0]}, timedelta(seconds=5)),
    ],
)
def test_a_source_is_a_literal_a_variable_or_an_expression(raw: Any, value: Any) -> None:
    assert value_sources.parse(raw).read({"A": 5}.__getitem__) == value


@pytest.mark.parametrize(
    "form",
    [
        {"$text": 5},
        {"$number": []},
        {"$items": [[1]]},
        {"$datetime": 5},
        {"$duration": [10**12, 0, 0]},
        {"$bytes": 5},
        {"$exception": {}},
        {"$exception": {"type": 5}},
        {"$exception": {"type": "Shop.SoldOut", "message": 5}},
        {"$exception": {"type": "Shop.SoldOut", "inner": "None left"}},
        {"$task": {}},
        {"$other": 1},
    ],
)
def test_a_tag_that_holds_something_else_is_no_value(form: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (some come from the standard library)
        values.decode(form)


def test_an_exception_that_is_written_by_hand_needs_its_type_only() -> None:
    assert values.decode({"$exception": {"type": "Shop.SoldOut"}}) == ExceptionValue("Shop.SoldOut")
    without = {"$exception": {"type": "Shop.SoldOut", "message": None}}
    assert values.decode(without) == ExceptionValue("Shop.SoldOut", "")
    with pytest.raises(ValueError, match="exception"):
        values.decode({"$exception": {"message": "None left"}})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Integer", "an Integer"),
        ("Text", "a Text"),
        ("IList<Int32>", "an IList<Int32>"),
        ("HttpRequest", "an HttpRequest"),
        ("HashSet", "a HashSet"),
        ("UserCredentials", "a UserCredentials"),
        ("UnexpectedException", "an UnexpectedException"),
        ("If Null Exit Right", "an If Null Exit Right"),
        ("Xml", "an Xml"),
    ],
)
def test_a_type_has_the_article_with_which_it_is_spoken(name: str, expected: str) -> None:
    assert values.article(name) == expected


def test_no_message_puts_a_fixed_article_before_the_name_of_a_type() -> None:
    """ "a Integer": messages take the article from `values.article`."""
    root = Path(__file__).parents[2]
    fixed = re.compile(r"""\b[Aa] \{[^}]*(type_name|\.type\b|__name__)""")
    sources = [
        file
        for room in ("flows", "executions", "cortexweb")
        for file in (root / room).rglob("*.py")
    ]
    found = [str(file) for file in sources if fixed.search(file.read_text())]
    found += [
        str(file) for file in (root / "templates").rglob("*.html") if fixed.search(file.read_text())
    ]
    assert found == []
