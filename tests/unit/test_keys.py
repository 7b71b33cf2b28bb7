"""The keys of dictionaries: 1, 1.0, true and "1" are four, wherever a dictionary goes."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from executions.api.values import plain
from flows import equality, expressions, parsing, value_diff, value_paths, value_sources, values
from flows.collapsible_json import render_page
from flows.formats import json as json_format
from flows.keys import key_of_label, labels, value_of

DAY = datetime(2026, 1, 1, tzinfo=UTC)
FORM = {
    "$items": [
        [1, "integer"],
        [1.0, "number"],
        [True, "boolean"],
        ["1", "text"],
        [{"$number": "nan"}, "no number"],
        [{"$datetime": "2026-01-01T00:00:00+00:00"}, "day"],
    ]
}
KEYS = [1, 1.0, True, "1", DAY]


@pytest.fixture
def dictionary() -> dict[Any, Any]:
    held: dict[Any, Any] = parsing.value(json.dumps(FORM))
    return held


def test_its_form_keeps_them_in_their_order(dictionary: dict[Any, Any]) -> None:
    assert len(dictionary) == 6
    form = json.loads(json.dumps(values.encode(dictionary)))
    assert [[type(key), key, item] for key, item in form["$items"]] == [
        [type(key), key, item] for key, item in FORM["$items"]
    ]
    assert values.copy(dictionary) == dictionary
    assert equality.same(values.decode(form), dictionary)


@pytest.mark.parametrize("key", KEYS)
def test_an_expression_finds_each(dictionary: dict[Any, Any], key: Any) -> None:
    found = expressions.compile("D[K]").evaluate({"D": dictionary, "K": key})
    wanted = {int: "integer", float: "number", bool: "boolean", str: "text", datetime: "day"}
    assert found == wanted[type(key)]
    target = value_sources.parse("($)D[K]")
    assert isinstance(target, value_sources.Path)
    lookup = {"D": dictionary, "K": key}.__getitem__
    assert target.read(lookup) == found
    target.write(dictionary, target.keys(lookup), "new")
    assert [item for item in dictionary.values() if item == "new"] == ["new"]
    assert len(dictionary) == 6


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("D.size()", 6),
        ("D[2.0]", None),
        ("1.0 in D.keys()", True),
        ("D.without([1, true]).values().slice(0, 2)", ["number", "text"]),
        ("D.map(key, D[key]).sort()", ["boolean", "day", "integer", "no number", "number", "text"]),
        ('[{"n": 1.5}, {"n": 1.5}, {"n": true}].groupBy("n").keys()', [1.5, True]),
        ("{true: 1, 2: 3}.keys()", [True, 2]),
    ],
)
def test_expressions_over_it(dictionary: dict[Any, Any], source: str, value: Any) -> None:
    compiled = expressions.compile(source)
    variables = {"D": dictionary} if compiled.names else {}
    if value is None:
        with pytest.raises(expressions.ExpressionError):
            compiled.evaluate(variables)
        return
    assert equality.same(compiled.evaluate(variables), value)


def test_an_expression_gives_it_back(dictionary: dict[Any, Any]) -> None:
    for source in ("D", "[D][0]", '{"a": D}.a', "coalesce(null, D)", "D.merge({})"):
        found = expressions.compile(source).evaluate({"D": dictionary})
        assert equality.same(found, dictionary), source
        assert list(map(value_of, found))[:5] == list(map(value_of, dictionary))[:5], source


def test_labels_name_each_key(dictionary: dict[Any, Any]) -> None:
    found = dict(labels(dictionary))
    assert list(found) == [
        "1 (Integer)", "1.0", "true", "1", "nan", "2026-01-01T00:00:00+00:00",
    ]  # fmt: skip
    for label, key in found.items():
        assert key_of_label(dictionary, label) == key
        assert value_paths.follow(dictionary, [label]) == (True, dictionary[key])
    changed = value_paths.replace(dictionary, ["1 (Integer)"], "new")
    assert (changed[1], changed["1"]) == ("new", "text")


def test_what_people_and_programs_read_has_all_of_them(dictionary: dict[Any, Any]) -> None:
    html = render_page(dictionary, "/".join).html
    assert html.count("json-line") == 8
    assert ">1 (Integer)<" in html
    assert len(plain(dictionary)) == 6
    other = dictionary | {1: "changed"}
    assert value_diff.diff(dictionary, other) == (
        [value_diff.Difference("1 (Integer)", '"integer"', '"changed"')],
        False,
    )
    written = json_format.write(parsing.value('{"$items": [[true, 1], [1.0, 2], [2, 3]]}'))
    assert written == '{"True":1,"1":2,"2":3}'


def test_a_key_is_written_once() -> None:
    with pytest.raises(parsing.ParseError, match="occurs twice"):
        parsing.value('{"$items": [[1.0, 1], [1.0, 2]]}')
