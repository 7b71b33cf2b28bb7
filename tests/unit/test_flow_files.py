"""Reading and writing flow files."""

import json
import os
from pathlib import Path
from textwrap import dedent

import pytest
from django.conf import settings
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from flows import models
from flows.blocks import ALL
from flows.files import FlowFileError, canonical, digest, dump_json, dump_yaml, parse, read
from flows.files import schema as schemas
from flows.files.parser import LARGEST
from flows.files.schema import schema
from flows.graph import build
from flows.validation import validate
from flows.variable_types import VARIABLE_TYPES

EXAMPLES = sorted((settings.BASE_DIR / "flows" / "examples").glob("*.yaml"))

FLOW = """\
flow: access
variables:
  Text: {}
blocks:
  start: {type: Start Flow, bottom: read}
  read:
    type: Read All Text
    properties: {File Path: access.log, Text: ($)Text}
    bottom: end
  end: {type: End Flow}
"""


def problems(text: str, name: str = "access.yaml") -> list[str]:
    with pytest.raises(FlowFileError) as caught:
        parse(dedent(text), name)
    return caught.value.problems


def with_blocks(text: str) -> str:
    """A flow whose blocks are the given ones, from line 3 on."""
    return "flow: access\nblocks:\n" + "".join(f"  {line}\n" for line in text.split("\n"))


# What is read --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_hold_and_go_round(path: Path) -> None:
    file = read(path)
    graph, found = build(file.document)
    assert found + validate(graph) == []
    assert parse(path.read_text()).document == file.document
    for text, name in (
        (dump_yaml(file.document), "again.yaml"),
        (dump_json(file.document), "again.json"),
    ):
        again = parse(text, name)
        assert again.document == file.document
        assert digest(again.document) == digest(file.document)
        assert list(again.document["blocks"]) == list(file.document["blocks"])


def test_examples_are_canonical() -> None:
    """An export of an example is the document that stands in its file, key by key."""
    for path in EXAMPLES:
        data = read(path).document
        assert canonical(data) == data
        assert data["flow"] == path.stem


def test_scalars_are_those_of_yaml_1_2() -> None:
    listed = "1, 1.5, 1e3, .5, -2, 0o17, 0xff, true, no, 12:30, 2024-01-02, 1_000, ~, =, <<, '1'"
    flow = parse(f"flow: a\nvariables: {{V: {{default: [{listed}]}}}}\nblocks: {{}}\n")
    assert flow.document["variables"]["V"]["default"] == [
        1, 1.5, 1000.0, 0.5, -2, 15, 255, True, "no", "12:30", "2024-01-02", "1_000", None, "=",
        "<<", "1",
    ]  # fmt: skip


def test_keys_are_texts_as_they_are_written() -> None:
    flow = parse("flow: a\nvariables: {V: {default: {404: gone, no: way}}}\nblocks: {}\n")
    assert flow.document["variables"]["V"]["default"] == {"404": "gone", "no": "way"}


def test_block_types_are_stored_as_the_registry_writes_them() -> None:
    flow = parse(FLOW.replace("Read All Text", "READ all text"))
    assert flow.document["blocks"]["read"]["type"] == "Read All Text"


def test_what_equals_its_default_is_left_out() -> None:
    long = parse(
        dedent("""\
        flow: a
        kind: activity
        description: ""
        variables: {V: {input: false, description: ""}}
        blocks:
          log:
            properties: {Event Severity: Information, Event Type: null, Event Details: x}
            type: Log Event
          loop: {type: For Loop, properties: {Start Index: 0, Increment: 1}}
        """)
    )
    assert long.document == {
        "flow": "a",
        "variables": {"V": {}},
        "blocks": {
            "log": {"type": "Log Event", "properties": {"Event Details": "x"}},
            "loop": {"type": "For Loop"},
        },
    }


def test_a_default_of_another_type_is_kept() -> None:
    """false is not 0, and null is not the default Information."""
    flow = parse(
        "flow: a\nblocks:\n"
        "  loop: {type: For Loop, properties: {Start Index: false}}\n"
        "  log: {type: Log Event, properties: {Event Severity: null}}\n"
    )
    assert flow.document["blocks"]["loop"]["properties"] == {"Start Index": False}
    assert flow.document["blocks"]["log"]["properties"] == {"Event Severity": None}


def test_numbers_that_jsonb_changes_are_typed() -> None:
    flow = parse("flow: a\nvariables: {V: {default: [1e20, .inf, -0.0]}}\nblocks: {}\n")
    assert flow.document["variables"]["V"]["default"] == [
        {"$number": "1e+20"},
        {"$number": "inf"},
        {"$number": "-0.0"},
    ]


def test_json_reads_as_yaml_does() -> None:
    flow = parse(FLOW)
    indented = json.dumps(flow.document, indent="\t")
    assert parse(indented, "access.json").document == flow.document


texts = st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), max_size=20
) | st.sampled_from(
    ["no", "1e3", "0o17", "~", "=", "", " ", "a: b", "# a", "- a", "line\nline\n", "12:30", "\x85"]
)
literals = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(literals)
def test_every_literal_goes_round(literal: object) -> None:
    document = canonical({"flow": "a", "variables": {"V": {"default": literal}}, "blocks": {}})
    assert digest(parse(dump_yaml(document)).document) == digest(document)
    assert digest(parse(dump_json(document), "a.json").document) == digest(document)


# What is refused -----------------------------------------------------------------------------


def test_a_port_to_nowhere_says_line_path_and_what_was_meant() -> None:
    assert problems(
        with_blocks(
            "group: {type: Workspace, bottom: end, blocks: {}}\n"
            "read:\n"
            "  type: Read All Text\n"
            "  bottom: grup\n"
            "end: {type: End Flow}"
        )
    ) == [
        "access.yaml:6: blocks.read.bottom: There is no block 'grup' in this workspace; did you "
        "mean 'group'? Write the key of a block in the same workspace."
    ]


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        ("a: {type: Red All Text}", "3: blocks.a.type: There is no block type 'Red All Text'; did"),
        ("a: {}", "3: blocks.a: 'type' is missing."),
        ("a: 3", "3: blocks.a: Expected keys with values, found the number 3."),
        (
            "a: {type: Read All Text, botom: a}",
            "3: blocks.a.botom: There is no 'botom' here; did you mean 'bottom'?",
        ),
        (
            "a:\n  type: Read All Text\n  properties:\n    FilePath: x",
            "6: blocks.a.properties.FilePath: There is no 'FilePath' here; did you mean 'File Pa",
        ),
        (
            "a: {type: Read All Text, properties: {Text: hello}}",
            "3: blocks.a.properties.Text: Expected a variable: ($)Name, or ($)_ to discard",
        ),
        ("a: {type: End Flow, bottom: a}", "3: blocks.a.bottom: There is no 'bottom' here."),
        ('"a\\n": {type: End Flow}', "3: blocks.a\n: Expected letters, digits, hyphens"),
        ("a b: {type: End Flow}", "3: blocks.a b: Expected letters, digits, hyphens"),
        ("a: {type: End Flow, position: [1]}", "3: blocks.a.position: Expected 2 numbers, found 1"),
        ("a: {type: End Flow, blocks: {}}", "3: blocks.a.blocks: There is no 'blocks' here."),
        (
            "a: {type: Run Flow, exception: a}",
            "3: blocks.a.exception: Its exception port leads to itself.",
        ),
        ("a: {type: End Flow}\na: {type: End Flow}", "4: blocks.a: This key is given twice."),
        ("a: &x {type: End Flow}\nb: *x", "blocks.b: Aliases (*name) are not supported"),
        ("a: !!python/name:os {}", "The tag"),
        ("a: {type: [}", "3: This is not YAML"),
        (
            "a: {type: Log Event, description: 'a\\0'}".replace("'", '"'),
            "3: blocks.a.description: The text holds a character that cannot be stored.",
        ),
    ],
)
def test_problems_name_line_path_and_what_was_expected(blocks: str, expected: str) -> None:
    found = problems(with_blocks(blocks))
    assert len(found) == 1
    assert expected in found[0]
    assert found[0].startswith("access.yaml:")


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        ("notes: {text: a}", "3: notes: Expected a list, found keys with values."),
        ("notes: [a]", "3: notes.0: Expected keys with values, found 'a'."),
        ("notes:\n- at: [1, 2]", "4: notes.0: 'text' is missing."),
        (
            "notes:\n- {text: a}\n- {text: ' '}",
            "5: notes.1.text: Expected a text that is not blank",
        ),
        ("notes:\n- {text: 3}", "4: notes.0.text: Expected a text, found the number 3."),
        ("notes:\n- {text: a, postion: 1}", "4: notes.0.postion: There is no 'postion' here."),
        ("notes:\n- {text: a, at: [1]}", "4: notes.0.at: Expected 2 numbers, found 1."),
        (
            "notes:\n- {text: a, size: [39, 50]}",
            "4: notes.0.size.0: Expected a number of minimum 40, found the number 39.",
        ),
        (
            "notes:\n- {text: a}\n- text: a\n  block: strat",
            "6: notes.1.block: There is no block 'strat' in this workspace; did you mean 'start'? "
            "Write the key of a block in the same workspace, or leave it out.",
        ),
        (
            "notes: [" + "{text: a}, " * 201 + "]",
            "3: notes: Expected at most 200 notes, found 201.",
        ),
        (f"notes: [{{text: {'a' * 4001}}}]", "3: notes.0.text: Expected at most 4000 characters"),
    ],
)
def test_problems_of_notes(notes: str, expected: str) -> None:
    found = problems(f"flow: access\nblocks: {{start: {{type: Start Flow}}}}\n{notes}\n")
    assert len(found) == 1
    assert found[0].startswith(f"access.yaml:{expected}")


def test_a_note_is_about_a_block_of_its_own_workspace() -> None:
    nested = (
        "group:\n"
        "  type: Workspace\n"
        "  notes: [{text: a, block: inner}, {text: b, block: group}]\n"
        "  blocks: {inner: {type: Start Workspace}}"
    )
    (problem,) = problems(with_blocks(nested))
    assert problem.startswith(
        "access.yaml:5: blocks.group.notes.1.block: There is no block 'group'"
    )


@given(
    st.lists(
        st.fixed_dictionaries(
            {"text": st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)},
            optional={
                "block": st.just("start"),
                "at": st.lists(st.integers(-100_000, 100_000), min_size=2, max_size=2),
                "size": st.lists(st.integers(40, 2_000), min_size=2, max_size=2),
            },
        ).filter(lambda note: note["text"].strip()),
        max_size=4,
    )
)
def test_notes_go_round(notes: list[dict[str, object]]) -> None:
    blocks = {"start": {"type": "Start Flow"}}
    document = canonical({"flow": "noted", "notes": notes, "blocks": blocks})
    assert ("notes" in document) == bool(notes)
    for text, name in ((dump_yaml(document), "a.yaml"), (dump_json(document), "a.json")):
        assert digest(parse(text, name).document) == digest(document)


def test_a_long_text_is_not_repeated_whole() -> None:
    found = problems("a text " * 1000)[0]
    assert found.startswith("access.yaml:1: Expected keys with values, found 'a text")
    assert len(found) < 200


def test_variables_are_unique_whatever_their_case() -> None:
    """Semantics 17, 18."""
    found = problems("flow: a\nvariables:\n  Total: {}\n  total: {}\nblocks: {}\n")
    assert found[0].startswith("access.yaml:4: variables.total: There is another variable Total")


def test_a_mapping_in_plain_text_gives_the_hint_to_quote() -> None:
    found = problems(with_blocks("a: {type: Set Variable}\nb:\n  type: x: y"))
    assert 'Put quotes around a text that holds ": " or " #".' in found[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "flow.json:1: This is not valid JSON"),
        ('{"flow": "a", "flow": "b"}', "The key 'flow' occurs twice in one object"),
        (
            '{"flow": "a", "blocks": {},\n "variables": {"V": {"default": NaN}}}',
            "NaN is not JSON",
        ),
        ('{"flow": "a",\n "blocks": {"a": {}}}', "flow.json:2: blocks.a: 'type' is missing."),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_json_problems(text: str, expected: str) -> None:
    assert expected in problems(text, "flow.json")[0]


TAGS = ("$text", "$number", "$items", "$datetime", "$duration", "$bytes", "$exception", "$other")
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(TAGS), plain)
@example("$items", [[True, None], [True, None]])
def test_typed_values_that_make_no_sense_are_messages(tag: str, body: object) -> None:
    variables = {"V": {"default": {tag: body}}}
    text = json.dumps({"flow": "a", "variables": variables, "blocks": {}})
    try:
        _, found = build(parse(text, "a.json").document)
        where = [".".join(map(str, message.path)) for message in found]
    except FlowFileError as refused:  # it could not be stored
        where = [problem.split(": ")[1] for problem in refused.problems]
    assert all(place.startswith("variables.V.default") for place in where)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{$datetme: 2026-01-01T00:00:00Z}", "There is no '$datetme' here; did you mean"),
        ("[{A: {$number: []}}]", "default.0.A.$number: Expected a text or a number, found a list"),
        ("{$exception: {message: a}}", "default.$exception: 'type' is missing"),
        ("{$exception: {type: A, mesage: a}}", "There is no 'mesage' here; did you mean 'message'"),
        ("{$items: [[1, {$bites: a}]]}", "default.$items.0.1.$bites: There is no '$bites' here"),
        ("{$items: [[1]]}", "default.$items.0: Expected 2 items, found 1"),
        ("{$duration: [1, 2, 3, 4]}", "default.$duration: Expected 3 numbers, found 4"),
    ],
)
def test_a_misspelt_kind_of_value_is_named(written: str, expected: str) -> None:
    text = f"flow: a\nvariables: {{V: {{default: {written}}}}}\nblocks: {{}}"
    assert expected in problems(text)[0]


def test_deep_json_is_refused() -> None:
    text = '{"flow": "a", "variables": {"V": {"default": %s}}, "blocks": {}}'
    assert parse(text % ("[" * 100 + "]" * 100), "deep.json")
    assert "nested too deeply" in problems(text % ("[" * 3_000 + "]" * 3_000), "deep.json")[0]


def test_deep_yaml_is_refused() -> None:
    assert "nested too deeply" in problems("a: " + "[" * 5_000, "deep.yaml")[0]


@pytest.mark.parametrize("ending", ["yaml", "json"])
def test_a_text_that_is_too_large_is_not_looked_at(ending: str) -> None:
    """Also one that comes by the API: YAML of ten megabytes keeps a process busy for a while."""
    with pytest.raises(FlowFileError, match=r"large\.\w+: It is larger than 4,000,000 bytes"):
        parse("é" * (LARGEST // 2 + 1), f"large.{ending}")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FlowFileError, match=r"cannot be read: No such file"):
        read(tmp_path / "missing.yaml")
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "folder.yaml").mkdir()
    for path in (tmp_path / "pipe.yaml", tmp_path / "folder.yaml", Path("/dev/zero")):
        with pytest.raises(FlowFileError, match="It is not a regular file"):
            read(path)
    (tmp_path / "latin.yaml").write_bytes(b"flow: \xe9")
    with pytest.raises(FlowFileError, match="not UTF-8 text"):
        read(tmp_path / "latin.yaml")


# The schema ----------------------------------------------------------------------------------


def test_the_published_schema_is_the_generated_one() -> None:
    """After a change of the registry: `manage.py flow_schema --write`."""
    published = json.loads((settings.BASE_DIR / "docs" / "flow.schema.json").read_text())
    assert published == schema()
    Draft202012Validator.check_schema(published)


def test_the_schema_knows_every_block_and_its_ports() -> None:
    for block in ALL:
        keys = schema()["$defs"][block.type]["properties"]
        assert {p.value for p in block.ports} == {"bottom", "right", "exception"} & set(keys)
        assert ("blocks" in keys) == block.opens_workspace


def test_the_schema_and_the_models_agree_on_names() -> None:
    assert models.flow_name.regex.pattern == schemas.FLOW_NAME
    assert models.variable_name.regex.pattern == schemas.VARIABLE_NAME
    part = schemas.KEY.strip("^$")
    assert models.block_key.regex.pattern == f"^{part}(/{part})*$"
    choices = models.Variable._meta.get_field("type").choices
    assert choices is not None
    assert [name for name, _ in choices] == list(VARIABLE_TYPES)
