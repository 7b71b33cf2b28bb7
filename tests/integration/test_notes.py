"""Notes on the canvas: their lines, their places, and the pages that show them."""

from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from hypothesis import given, settings
from hypothesis import strategies as st

from executions.commands.debugging.move_version import preview
from executions.models import Execution
from executions.states import Status
from flows.diagram.drawing import Drawing, draw
from flows.diagram.geometry import Box, text_width
from flows.diagram.notes import MOST_LINES, TEXT_SIZE, WIDEST, NoteDrawing, wrapped
from flows.graph import build
from tests.debugging import Session
from tests.executions_in_tests import make_execution
from tests.flows_in_tests import LOOP, LOOP_VARIABLES, publish
from tests.integration.test_execution_page import client_of, held_by
from tests.thoroughness import examples
from tests.unit.test_diagram_layout import block, documents

LONG = "Every order is checked by an execution of its own. " * 12
NOTES = """
- {text: "Counts <b>to</b> Last", block: l}
- {text: "One line\\nand another"}
"""

# Their text -----------------------------------------------------------------------------------


@given(st.text(), st.integers(30, 300))
def test_lines_hold_every_word_and_fit(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(text_width(line, TEXT_SIZE) <= width or len(line) == 1 for line in lines)
    assert len(lines) > text.count("\n")


def drawn(*notes: dict[str, Any], kind: str = "activity", **more: Any) -> Drawing:
    blocks = {"start": block("Start Flow", bottom="end"), "end": block("End Flow", "Over")}
    graph, found = build({"flow": "f", "kind": kind, "notes": notes, "blocks": blocks | more})
    assert not found
    return draw(graph, "")


def test_a_long_text_is_cut_and_whole_in_its_name() -> None:
    (note,) = drawn({"text": LONG, "block": "end"}).notes
    assert note.cut
    assert len(note.lines) == MOST_LINES
    assert note.lines[-1][0].endswith("…")
    assert note.label == f"Note on Over: {LONG}"
    assert note.box.width <= WIDEST
    (note,) = drawn({"text": "Short"}).notes
    assert (note.cut, note.label, note.leader) == (False, "Note: Short", None)
    assert note.box.width < WIDEST / 2


def test_its_place_and_size_are_those_that_it_carries() -> None:
    at = {"at": [-300, 40], "size": [120, 52]}
    drawing = drawn({"text": LONG, "block": "start", **at}, {"text": "Near"})
    note = drawing.notes[0]
    assert (note.box.left, note.box.top, note.box.width, note.box.height) == (-300, 40, 120, 52)
    assert len(note.lines) == 2
    assert drawing.x < -300
    assert note.leader
    assert note.leader[1][0] == drawing.by_key["start"].box.left
    covering = {"at": [-300, -300], "size": [900, 900]}
    assert drawn({"text": "Over it", "block": "start", **covering}).notes[0].leader is None


# Their places ---------------------------------------------------------------------------------


def in_the_way(drawing: Drawing, note: NoteDrawing) -> list[str]:
    """The blocks and wires that a note lies on."""
    found = [b.key for b in drawing.blocks if note.box.overlaps(b.box)]
    for wire in drawing.wires:
        for (x0, y0), (x1, y1) in pairwise(wire.points):
            line = Box((x0 + x1) / 2, (y0 + y1) / 2, abs(x0 - x1), abs(y0 - y1))
            if note.box.overlaps(line):
                found.append(f"{wire.source} {wire.port}")
    return found


@settings(max_examples=examples(40), deadline=None)
@given(documents(), st.data())
def test_notes_lie_on_nothing_and_not_on_each_other(
    document: dict[str, Any], data: st.DataObject
) -> None:
    keys = st.sampled_from(list(document["blocks"]))
    texts = st.sampled_from(["Mind the gap", LONG, "a\n\nb", "x" * 90])
    near = st.lists(st.integers(-300, 600), min_size=2, max_size=2)
    note = st.fixed_dictionaries({"text": texts}, optional={"block": keys})
    fixed = st.fixed_dictionaries({"text": texts, "at": near}, optional={"block": keys})
    document["notes"] = data.draw(st.lists(note, min_size=1, max_size=8))
    document["notes"] += data.draw(st.lists(fixed, max_size=2))
    bare, _ = build({**document, "notes": []})
    graph, _ = build(document)
    drawing = draw(graph, "")
    for written, given_ in zip(drawing.notes, document["notes"], strict=True):
        if "at" in given_:
            assert [written.box.left, written.box.top] == given_["at"]
        else:
            assert not in_the_way(drawing, written)
        assert drawing.x < written.box.left
        assert written.box.right < drawing.x + drawing.width
        assert drawing.y < written.box.top
        assert written.box.bottom < drawing.y + drawing.height
    for (one, a), (other, b) in combinations(zip(drawing.notes, document["notes"], strict=True), 2):
        assert ("at" in a and "at" in b) or not one.box.overlaps(other.box)
    # Blocks and wires are where they are without them.
    without = draw(bare, "")
    assert (drawing.blocks, drawing.wires) == (without.blocks, without.wires)


@pytest.mark.parametrize("kind", ["activity", "process"])
def test_a_note_stands_near_its_block(kind: str) -> None:
    steps = {f"s{n}": block("Set Variable", bottom=f"s{n + 1}") for n in range(8)}
    steps["s8"] = block("Set Variable")
    drawing = drawn({"text": "About the sixth", "block": "s6"}, kind=kind, **steps)
    note, about = drawing.notes[0].box, drawing.by_key["s6"].box
    (x0, y0), (x1, y1) = drawing.notes[0].leader or ((0, 0), (999, 999))
    assert abs(x0 - x1) + abs(y0 - y1) < 120
    nearest = min(drawing.blocks, key=lambda b: abs(b.box.x - note.x) + abs(b.box.y - note.y))
    assert nearest.box == about


def test_notes_for_which_there_is_no_room_stand_beside_everything() -> None:
    drawing = drawn(*({"text": f"{n} {LONG}", "block": "start"} for n in range(60)))
    right = max(b.box.right for b in drawing.blocks)
    assert any(note.box.left > right + 400 for note in drawing.notes)
    assert not any(a.box.overlaps(b.box) for a, b in combinations(drawing.notes, 2))


# The pages ------------------------------------------------------------------------------------


@pytest.fixture
def noted(db: None, tmp_path: Path) -> Any:
    return publish(tmp_path, "noted", LOOP, LOOP_VARIABLES, NOTES)


@pytest.mark.parametrize("page", ["flow", "execution"])
def test_notes_are_on_the_diagram_and_in_the_list(noted: Any, admin_user: User, page: str) -> None:
    execution = make_execution(admin_user, "noted", version=noted, status=Status.ENDED)
    address = f"/executions/{execution.pk}/?tab=blocks" if page == "execution" else "/flows/noted/"
    html = client_of(admin_user).get(address).content.decode()
    assert 'role="img" aria-label="Note on For Loop: Counts &lt;b&gt;to&lt;/b&gt; Last"' in html
    assert 'aria-label="Note: One line\nand another"' in html
    assert "<dt>Note on For Loop</dt><dd>Counts &lt;b&gt;to&lt;/b&gt; Last</dd>" in html
    assert "<dt>Note</dt><dd>One line\nand another</dd>" in html
    assert "<b>to</b>" not in html


def test_who_may_not_see_the_flow_reads_no_notes(noted: Any, admin_user: User) -> None:
    execution = make_execution(admin_user, "noted", version=noted, status=Status.ENDED)
    stranger = client_of(User.objects.create_user("mallory"))
    assert stranger.get("/flows/noted/").status_code == 404
    assert stranger.get(f"/executions/{execution.pk}/?tab=blocks").status_code == 404


def test_notes_are_sent_once_with_the_drawing(noted: Any, admin_user: User) -> None:
    execution = make_execution(admin_user, "noted", version=noted, status=Status.ENDED)
    client = client_of(admin_user)
    held = held_by(client.get(f"/executions/{execution.pk}/").content.decode())
    live = f"/executions/{execution.pk}/live/"
    assert "Note on" in client.get(live).content.decode()
    Execution.objects.filter(pk=execution.pk).update(status=Status.ERROR)
    refreshed = client.get(live, headers={"X-Held": held}).content.decode()
    assert 'id="part-head"' in refreshed
    assert "Note on" not in refreshed


@pytest.mark.django_db(transaction=True)
def test_a_note_is_nothing_that_a_move_to_a_version_would_lose(
    tmp_path: Path, admin_user: User
) -> None:
    session = Session(admin_user)
    version = publish(tmp_path, "noted", LOOP, LOOP_VARIABLES, NOTES)
    execution = session.start(version, paused=True)
    for number, notes in ((2, "[{text: Other}]"), (3, "[]")):
        newer = publish(tmp_path, "noted", LOOP, LOOP_VARIABLES, notes)
        told = preview(execution, newer)
        assert (told.number, told.impossible, told.lost) == (number, [], [])
        assert session.do("move-version", execution) == f"v{number - 1} → v{number}"
