"""Boxes, sizes and widths of text, shared by layout, wires and drawing. Pure."""

import math
from dataclasses import dataclass

from flows.blocks.base import Shape
from flows.graph import BlockNode

Point = tuple[float, float]

#: Width and height of each shape.
SIZES: dict[Shape, tuple[int, int]] = {
    Shape.START: (36, 36),
    Shape.END: (36, 36),
    Shape.ACTION: (40, 40),
    Shape.DECISION: (44, 44),
    Shape.LOOP: (44, 44),
    Shape.WORKSPACE: (136, 40),
    Shape.HANDLER: (128, 36),
}
#: Shapes with their label inside grow with it, up to this width.
WIDEST = 280
#: The width of the icon, the fold and the padding in such a shape.
BESIDE_LABEL = 50
#: Shapes with their label inside; other blocks have it beside them.
LABELLED_INSIDE = frozenset({Shape.WORKSPACE, Shape.HANDLER})
#: The gap between a block and the label beside it.
LABEL_GAP = 10
#: A label beside a block is cut at this width.
LABEL_WIDTH = 190


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle, given by its centre and size."""

    x: float
    y: float
    width: float
    height: float

    @property
    def left(self) -> float:
        return self.x - self.width / 2

    @property
    def right(self) -> float:
        return self.x + self.width / 2

    @property
    def top(self) -> float:
        return self.y - self.height / 2

    @property
    def bottom(self) -> float:
        return self.y + self.height / 2

    def overlaps(self, other: "Box", gap: float = 0) -> bool:
        """Return whether the two boxes are closer than `gap`."""
        return (
            self.left < other.right + gap
            and other.left < self.right + gap
            and self.top < other.bottom + gap
            and other.top < self.bottom + gap
        )

    def turned(self) -> "Box":
        """Return the box with x and y exchanged: a process is a mirrored activity."""
        return Box(self.y, self.x, self.height, self.width)


def size_of(node: BlockNode) -> tuple[int, int]:
    """Return the width and height of a block."""
    width, height = SIZES[node.block.shape]
    if node.block.shape in LABELLED_INSIDE:
        # Even, so that centres and edges both fall on whole pixels.
        wanted = 2 * math.ceil((text_width(node.title) + BESIDE_LABEL) / 2)
        width = max(width, min(WIDEST, wanted))
    return width, height


_NARROW = frozenset("iljtfrI.,:;'|!()[] -")
_WIDE = frozenset("mwMWOQGD@%")


def text_width(text: str, size: float = 12) -> float:
    """Estimate the width of text in a system font of medium weight, rather too wide."""
    units = 0.0
    for character in text:
        if character in _NARROW:
            units += 0.36
        elif character in _WIDE or ord(character) > 0x2E80:
            units += 1.0 if ord(character) > 0x2E80 else 0.86
        else:
            units += 0.66 if character.isupper() else 0.585
    return units * size


def fit_text(text: str, width: float, size: float = 12) -> str:
    """Return the text, cut with an ellipsis when it is wider than `width`."""
    if text_width(text, size) <= width:
        return text
    kept = text
    while kept and text_width(kept + "…", size) > width:
        kept = kept[:-1]
    return kept.rstrip() + "…"


def outline(shape: Shape, box: Box) -> str:
    """Return the path of a shape that is neither a circle nor a rectangle."""
    x, y, w, h = box.left, box.top, box.width, box.height
    if shape in (Shape.DECISION, Shape.LOOP):
        r = w / 2
        return f"M{box.x:g} {y:g}l{r:g} {r:g} {-r:g} {r:g} {-r:g} {-r:g}z"
    if shape is Shape.WORKSPACE:
        return (
            f"M{x + 4:g} {y:g}h{w - 18:g}l14 14v{h - 18:g}a4 4 0 0 1-4 4h{8 - w:g}"
            f"a4 4 0 0 1-4-4v{8 - h:g}a4 4 0 0 1 4-4z"
        )
    return ""


def fold(box: Box) -> str:
    """Return the path of the turned-down corner of a workspace."""
    return f"M{box.right - 14:g} {box.top:g}v10a4 4 0 0 0 4 4h10z"
