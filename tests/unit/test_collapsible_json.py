"""Values written out so that they fold, a bounded part at a time, and paths into them."""

import html
import re
from typing import Any

import pytest

from flows import value_paths
from flows.collapsible_json import CHARACTERS, ITEMS, LINES, PAGE_TEXT, JsonPage, render_page
from flows.equality import same
from flows.values import ExceptionValue


def address(keys: Any) -> str:
    return f"?var={value_paths.join(keys)}"


def text(folded: JsonPage) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", folded.html))


@pytest.mark.parametrize(
    "keys", [[], ["a"], ["a", "b"], ["a.b", "c\\d"], ["", "x"], ["0", "1"], ["\\.", "."]]
)
def test_a_path_is_its_keys(keys: list[str]) -> None:
    assert value_paths.split(value_paths.join(keys)) == keys


def test_paths_lead_into_values_and_replace_parts() -> None:
    value = {"a": [{"b.c": 1}, 2], 5: "five"}
    assert value_paths.follow(value, value_paths.split("a.0.b\\.c")) == (True, 1)
    assert value_paths.follow(value, ["5"]) == (True, "five")
    assert value_paths.follow(value, ["a", "2"]) == (False, None)
    assert value_paths.follow(value, ["a", "-1"]) == (False, None)
    assert value_paths.follow(ExceptionValue("X", "oh"), ["Message"]) == (True, "oh")
    changed = value_paths.replace(value, ["a", "1"], [3])
    assert changed == {"a": [{"b.c": 1}, [3]], 5: "five"}
    assert value["a"] == [{"b.c": 1}, 2]
    with pytest.raises(KeyError):
        value_paths.replace(value, ["a", "9"], 0)
    with pytest.raises(KeyError):
        value_paths.replace(ExceptionValue("X"), ["Message"], "")


def test_a_small_value_is_written_whole() -> None:
    shown = render_page({"a": [1, {"b": None}], "c": "x<y"}, address)
    assert (shown.first, shown.last, shown.count) == (0, 2, 2)
    assert '"c": "x<y"' in text(shown)
    assert "x<y" not in shown.html
    assert 'href="?var=a.1.b"' in shown.html
    assert '"ch"' not in shown.html


def test_a_long_list_is_paged() -> None:
    value = list(range(100_000))
    shown = render_page(value, address, first=99_950)
    assert (shown.first, shown.last, shown.count, shown.unit) == (99_900, 100_000, 100_000, "items")
    assert "99999" in text(shown)
    assert "99899" not in text(shown)
    assert render_page(value, address, first=10**9).first == 99_900


def test_no_value_comes_whole_that_is_large() -> None:
    deep: Any = 1
    for _ in range(90):
        deep = {"in": deep}
    wide = {f"k{n}": {f"j{m}": "v" * 100 for m in range(90)} for n in range(90)}
    for value in (deep, wide, [[list(range(50))] * 50] * 50, "y" * 1_000_000, {"t": "z" * 10**6}):
        shown = render_page(value, address)
        assert shown.html.count('class="json-line') <= LINES + 3 * ITEMS
        assert len(shown.html) < 5 * CHARACTERS
    assert 'href="?var=' + ".".join(["in"] * 12) in render_page(deep, address).html
    page = render_page("y" * 1_000_000, address, first=PAGE_TEXT)
    assert (page.first, page.last, page.unit) == (PAGE_TEXT, 2 * PAGE_TEXT, "characters")


def test_what_differs_from_before_is_marked() -> None:
    before = {"a": 1, "b": [1, 2], "c": {"d": 1}}
    shown = render_page(
        {"a": 1.0, "b": [1, 3, 4], "c": {"d": 1}, "e": {"f": 0}}, address, other=before
    )
    marked = re.findall(r'class="json-line depth-\d changed">(.*?)</(?:div|summary)>', shown.html)
    assert [re.sub(r"<[^>]+>", "", line).split(":")[0] for line in marked] == [
        "&quot;a&quot;",
        "1",
        "2",
        "&quot;e&quot;",
        "&quot;f&quot;",
        "}",
    ]
    assert " ch" not in render_page(before, address, other=before).html
    assert not same(1, True)
    assert same(float("nan"), float("nan"))
