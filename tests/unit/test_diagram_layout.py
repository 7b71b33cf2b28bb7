"""Diagrams: where blocks stand and how wires run, on example and random flows."""

from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flows.blocks.base import Port
from flows.diagram.drawing import Drawing, draw
from flows.diagram.geometry import LABEL_WIDTH, Box, fit_text, text_width
from flows.graph import FlowGraph, build
from tests.quick_yaml import load_documents
from tests.thoroughness import examples

EXAMPLES = sorted((Path(__file__).parent.parent.parent / "flows" / "examples").rglob("*.yaml"))


def compiled(document: dict[str, Any]) -> FlowGraph:
    graph, messages = build(document)
    assert not messages
    return graph


def block(type_: str, description: str = "", **rest: Any) -> dict[str, Any]:
    return {"type": type_, "description": description, **rest}


def invoice(kind: str = "activity") -> FlowGraph:
    """A loop with a decision, an exception path, a nested workspace and a flow handler."""
    return compiled(
        {
            "flow": "invoice-approval",
            "kind": kind,
            "blocks": {
                "start": block("Start Flow", bottom="load"),
                "load": block("Read All Text", "Load open invoices", bottom="loop"),
                "loop": block("For Each Loop", "For each invoice", right="terms", bottom="send"),
                "terms": block("Execute HTTP Request", "Terms", bottom="over", exception="flag"),
                "over": block("If True Exit Right", "Over?", right="ask", bottom="approve"),
                "approve": block("Set Variable", "Approve", bottom="loop"),
                "flag": block("Set Variable", "Flag for review", bottom="ask"),
                "ask": block("Run Flow", "Request approval", bottom="loop"),
                "send": block(
                    "Workspace",
                    "Send invoices",
                    bottom="end",
                    blocks={
                        "start": block("Start Workspace", bottom="end"),
                        "end": block("End Workspace"),
                    },
                ),
                "end": block("End Flow"),
                "handler": block(
                    "Handle Flow Exception",
                    blocks={
                        "start": block("Start Workspace", bottom="end"),
                        "end": block("End Flow"),
                    },
                ),
            },
        }
    )


def overlapping(drawing: Drawing) -> list[tuple[str, str]]:
    return [(a.key, b.key) for a, b in combinations(drawing.blocks, 2) if a.box.overlaps(b.box, 4)]


def passed_through(drawing: Drawing) -> list[tuple[str, str]]:
    """Wires with the blocks that they run through, their own ends apart."""
    found = []
    for wire in drawing.wires:
        pairs = list(pairwise(wire.points))
        for number, ((x0, y0), (x1, y1)) in enumerate(pairs):
            for other in drawing.blocks:
                if number == 0 and other.key == wire.source:
                    continue
                if number == len(pairs) - 1 and other.key == wire.target:
                    continue
                box = other.box
                if (
                    min(x0, x1) < box.right
                    and max(x0, x1) > box.left
                    and min(y0, y1) < box.bottom
                    and max(y0, y1) > box.top
                ):
                    found.append((f"{wire.source} {wire.port}", other.key))
    return found


def connections(graph: FlowGraph, workspace: str) -> set[tuple[str, str, str]]:
    return {
        (key, port.value, target)
        for key in graph.workspaces[workspace].blocks
        for port, target in graph.blocks[key].ports.items()
    }


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_example_flows_are_drawn_whole_and_clear(path: Path) -> None:
    for document in load_documents(path.read_text()):
        graph, _ = build(document)
        for workspace in graph.workspaces:
            drawing = draw(graph, workspace)
            assert not overlapping(drawing)
            assert not passed_through(drawing)
            drawn = {(w.source, w.port.value, w.target) for w in drawing.wires}
            assert drawn == connections(graph, workspace)


@pytest.mark.parametrize("kind", ["activity", "process"])
def test_every_block_and_connection_is_drawn_and_none_is_in_the_way(kind: str) -> None:
    graph = invoice(kind)
    drawing = draw(graph, "")
    assert {b.key for b in drawing.blocks} == set(graph.top.blocks)
    assert {(w.source, w.port.value, w.target) for w in drawing.wires} == connections(graph, "")
    assert not overlapping(drawing)
    assert not passed_through(drawing)


def test_an_activity_flows_down_and_the_right_port_goes_right() -> None:
    at = {b.key: b.box for b in draw(invoice(), "").blocks}
    assert at["start"].x == at["load"].x == at["loop"].x == at["send"].x == at["end"].x
    assert at["start"].y < at["load"].y < at["loop"].y < at["send"].y < at["end"].y
    assert at["terms"].left > at["loop"].right
    assert at["ask"].left > at["over"].right
    assert at["flag"].left > at["terms"].right
    assert at["handler"].left > max(at[key].right for key in ("ask", "flag", "terms"))


def test_a_process_flows_right() -> None:
    at = {b.key: b.box for b in draw(invoice("process"), "").blocks}
    assert at["start"].y == at["load"].y == at["loop"].y == at["send"].y == at["end"].y
    assert at["start"].x < at["load"].x < at["loop"].x < at["send"].x < at["end"].x
    assert at["terms"].top > at["loop"].bottom


def test_the_way_back_runs_around_the_body_into_the_top_of_the_loop() -> None:
    drawing = draw(invoice(), "")
    at = {b.key: b.box for b in drawing.blocks}
    back = next(w for w in drawing.wires if w.source == "approve" and w.port is Port.BOTTOM)
    assert back.points[-1] == (at["loop"].x, at["loop"].top)
    assert max(x for x, _ in back.points) > max(at[k].right for k in ("terms", "ask", "flag"))
    assert max(y for _, y in back.points) > at["approve"].bottom


def test_blocks_that_carry_positions_keep_them_and_the_others_make_room() -> None:
    document = {
        "flow": "half",
        "blocks": {
            "start": block("Start Flow", bottom="a"),
            "a": block("Set Variable", bottom="b", position=[92, 168]),
            "b": block("Set Variable", bottom="end"),
            "end": block("End Flow"),
        },
    }
    drawing = draw(compiled(document), "")
    assert (drawing.by_key["a"].box.x, drawing.by_key["a"].box.y) == (92, 168)
    assert not overlapping(drawing)


def test_everything_is_inside_of_the_view() -> None:
    for kind in ("activity", "process"):
        d = draw(invoice(kind), "")
        for wire in d.wires:
            for x, y in wire.points:
                assert d.x < x < d.x + d.width
                assert d.y < y < d.y + d.height
        for b in d.blocks:
            assert d.x <= b.box.left
            assert b.box.right <= d.x + d.width


def test_a_drawing_is_the_same_each_time() -> None:
    assert draw(invoice(), "") == draw(invoice(), "")


def test_where_a_token_stands() -> None:
    drawing = draw(invoice(), "")
    box = drawing.by_key["terms"].box
    assert drawing.token_place("terms") == (box.x, box.top - 16)
    assert drawing.token_place("terms", Port.EXCEPTION) == (box.right + 16, box.y)
    assert drawing.token_place("terms", Port.BOTTOM) == (box.x, box.bottom + 16)
    assert drawing.token_place("nowhere") is None


def test_ways_out_are_named() -> None:
    drawing = draw(invoice(), "")
    names = {
        (b.key, p.port.value): p.label.text for b in drawing.blocks for p in b.ports if p.label
    }
    assert names["loop", "right"] == "each"
    assert names["loop", "bottom"] == "done"
    assert names["over", "right"] == "yes"
    assert names["over", "bottom"] == "no"
    assert names["terms", "exception"] == "exception"
    assert ("load", "exception") not in names  # nothing is connected to it


def covered(drawing: Drawing) -> list[tuple[str, str, str]]:
    """Names of ports that a token may cover, wherever it stands: block, port, token's block."""
    tokens = [
        (block.key, place)
        for block in drawing.blocks
        for place in (
            drawing.token_place(block.key),
            drawing.token_place(block.key, at_breakpoint=True),
            *(drawing.token_place(block.key, port.port) for port in block.ports),
        )
        if place
    ]
    found = []
    for block in drawing.blocks:
        for port in block.ports:
            if not port.label:
                continue
            label = port.label
            width = text_width(label.text, 11)
            text = Box(label.x + width / 2, label.y - 3, width, 12)
            found += [
                (block.key, port.port.value, key)
                for key, (x, y) in tokens
                if text.overlaps(Box(x, y, 36, 36))
            ]
    return found


@pytest.mark.parametrize("kind", ["activity", "process"])
def test_no_token_covers_the_name_of_a_port(kind: str) -> None:
    assert not covered(draw(invoice(kind), ""))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_no_token_covers_a_name_in_the_examples(path: Path) -> None:
    for document in load_documents(path.read_text()):
        graph, _ = build(document)
        for workspace in graph.workspaces:
            assert not covered(draw(graph, workspace))


def test_a_long_label_is_cut_and_whole_in_its_title() -> None:
    long = "Reconcile every ledger line of every supplier with the bank's statement"
    document = {"flow": "long", "blocks": {"start": block("Start Flow", long)}}
    label = draw(compiled(document), "").blocks[0].labels[0]
    assert label.text.endswith("…")
    assert label.full == long
    assert text_width(label.text) <= LABEL_WIDTH
    assert fit_text("short", LABEL_WIDTH) == "short"


TYPES = ["Set Variable", "If True Exit Right", "For Loop", "Execute HTTP Request", "End Flow"]


@st.composite
def documents(draw_from: st.DrawFn) -> dict[str, Any]:
    """Flows of any shape: circles, unreachable blocks, joins, blocks with and without places."""
    names = [f"b{n}" for n in range(draw_from(st.integers(1, 14)))]
    blocks: dict[str, Any] = {"start": block("Start Flow", bottom=names[0])}
    for name in names:
        kind = draw_from(st.sampled_from(TYPES))
        ports = {
            "End Flow": [],
            "If True Exit Right": ["bottom", "right"],
            "For Loop": ["bottom", "right"],
        }.get(kind, ["bottom", "exception"])
        blocks[name] = block(kind, draw_from(st.sampled_from(["", "A", "Some description"])))
        for port in ports:
            if target := draw_from(st.sampled_from(["", *names])):
                blocks[name][port] = target
    kind = draw_from(st.sampled_from(["activity", "process"]))
    return {"flow": "random", "kind": kind, "blocks": blocks}


#: Blocks that nothing leads to from the start, one of them entered from a lower one.
STACKED = {
    "flow": "stacked",
    "blocks": {
        "start": block("Start Flow", bottom="b0"),
        "b0": block("Set Variable", ""),
        "b1": block("Set Variable", ""),
        "b2": block("If True Exit Right", "", bottom="b1", right="b2"),
        "b4": block("Set Variable", "", exception="b4"),
    },
}


@settings(max_examples=examples(60), deadline=None)
@given(documents())
@example(STACKED)
def test_any_flow_is_drawn_without_overlaps(document: dict[str, Any]) -> None:
    graph, _ = build(document)
    drawing = draw(graph, "")
    assert not overlapping(drawing)
    assert not passed_through(drawing)
    drawn = {(w.source, w.port.value, w.target) for w in drawing.wires}
    assert drawn == connections(graph, "")
    assert not covered(drawing)
    for wire in drawing.wires:
        assert all(a[0] == b[0] or a[1] == b[1] for a, b in pairwise(wire.points))


@settings(max_examples=examples(25), deadline=None)
@given(documents(), st.integers(0, 10_000))
def test_positions_are_kept(document: dict[str, Any], seed: int) -> None:
    fixed = {}
    for number, (key, definition) in enumerate(document["blocks"].items()):
        if (seed >> number) & 1:
            fixed[key] = definition["position"] = [seed % 300 + 190 * number, 77 * (seed % 7)]
    graph, _ = build(document)
    drawing = draw(graph, "")
    assert not overlapping(drawing)
    for key, position in fixed.items():
        assert [drawing.by_key[key].box.x, drawing.by_key[key].box.y] == position


def test_a_flow_of_500_blocks_in_one_chain_and_one_staircase() -> None:
    chain = {f"b{n}": block("Set Variable", bottom=f"b{n + 1}") for n in range(250)}
    stairs = {
        f"s{n}": block("If True Exit Right", right=f"s{n + 1}" if n < 249 else "b250")
        for n in range(250)
    }
    blocks = {
        "start": block("Start Flow", bottom="b0"),
        **chain,
        **stairs,
        "b250": block("If True Exit Right", right="s0"),
    }
    drawing = draw(compiled({"flow": "large", "blocks": blocks}), "")
    assert len(drawing.blocks) == 502
    assert not overlapping(drawing)
