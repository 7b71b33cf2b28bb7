"""Filters with which `templates/flows/diagram.html` walks a drawing."""

from collections.abc import Mapping
from dataclasses import dataclass

from django import template

from flows.blocks.base import Port
from flows.diagram.drawing import BlockDrawing, Drawing, PortDrawing, Visited, WireDrawing

register = template.Library()


@dataclass(frozen=True, slots=True)
class _Wire:
    wire: WireDrawing
    classes: str


@dataclass(frozen=True, slots=True)
class _Port:
    port: PortDrawing
    classes: str


@dataclass(frozen=True, slots=True)
class _Block:
    block: BlockDrawing
    visited: bool
    ports: list[_Port]


def _classes(key: str, port: Port, visited: Visited | None) -> str:
    exception = " exception" if port is Port.EXCEPTION else ""
    taken = " taken" if visited and (key, port.value) in visited.wires else ""
    return exception + taken


@register.filter
def wires_in_order(drawing: Drawing, visited: Visited | None) -> list[_Wire]:
    """The wires with their classes; visited ones last, so that they are drawn on top."""
    wires = [_Wire(w, _classes(w.source, w.port, visited)) for w in drawing.wires]
    return sorted(wires, key=lambda item: "taken" in item.classes)


@register.filter
def blocks_of(drawing: Drawing, visited: Visited | None) -> list[_Block]:
    """The blocks with whether they count as visited and the classes of their ports."""
    return [
        _Block(
            block,
            visited is None or block.key in visited.blocks,
            [_Port(port, _classes(block.key, port.port, visited)) for port in block.ports],
        )
        for block in drawing.blocks
    ]


@register.filter
def at(mapping: Mapping[str, object] | None, key: str) -> object:
    """The entry of a mapping under a key that only the template knows; "" when there is none."""
    return (mapping or {}).get(key, "")


@register.filter
def pair(first: object, second: object) -> tuple[object, object]:
    """Two things that a template treats alike."""
    return first, second


@register.filter
def title_of(node: object) -> str:
    """What a block is called."""
    return str(getattr(node, "title", ""))
