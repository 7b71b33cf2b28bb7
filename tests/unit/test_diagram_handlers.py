"""Chains of handlers and wireless blocks, drawn."""

from itertools import combinations

import pytest

from flows.diagram.drawing import draw
from flows.graph import build
from tests.quick_yaml import load_yaml

BLOCKS = """
a: {type: Start Flow, bottom: r}
r: {type: Read All Text, bottom: send, exception: h}
h: {type: Handle Block Exception Matching Message, bottom: log, exception: i}
i: {type: Handle Block Exception Matching Type Names, bottom: log, exception: j}
j: {type: Handle Block Exception, bottom: send2}
log: {type: Log Event, bottom: send2}
send: {type: Wireless Sender, properties: {Wireless Receiver Block: Done}, exception: h}
send2: {type: Wireless Sender, properties: {Wireless Receiver Block: Done}}
done: {type: Wireless Receiver, description: Done, bottom: e}
e: {type: End Flow}
"""


@pytest.mark.parametrize("kind", ["activity", "process"])
def test_chains_and_senders_are_drawn_whole(kind: str) -> None:
    """Semantics 9, 32."""
    document = {"flow": "f", "kind": kind, "blocks": load_yaml(BLOCKS)}
    graph, found = build(document)
    assert found == []
    drawing = draw(graph, "")
    assert {block.key for block in drawing.blocks} == set(graph.blocks)
    wires = {(wire.source, wire.port, wire.target) for wire in drawing.wires}
    assert {("h", "exception", "i"), ("i", "exception", "j"), ("h", "bottom", "log")} <= wires
    assert not [
        (a.key, b.key) for a, b in combinations(drawing.blocks, 2) if a.box.overlaps(b.box, 4)
    ]
