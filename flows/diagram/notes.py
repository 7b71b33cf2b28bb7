"""Places the notes of a workspace and breaks their text into lines. Pure.

A note with a stored place keeps it. The others are put as close as possible to their block, or to
the start: rather right than left, clear of blocks, labels, wires and each other. When there is no
room, they go into a column at the right of everything.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from flows.diagram.geometry import Box, Point, fit_text, text_width
from flows.graph import FlowGraph, NoteNode

#: A note without a stored size is as wide as its text, up to this, with up to this many lines.
WIDEST, MOST_LINES = 200, 8
TEXT_SIZE, LINE = 11, 16
_PAD_X, _PAD_Y = 10, 8
_FOLD = 10
#: The smallest distance from anything, and the distance from its block that is tried first.
_CLEAR, _FIRST = 8, 24
#: The step between the places that are tried, and how many steps away and along the side.
_STEP, _AWAY, _ALONG = 16, 18, 12
#: The extra cost of a place compared with one as far away at the right.
_SIDES = {"right": 0, "below": 24, "left": 32, "above": 40}
#: The cost of a line from the note to its block that crosses something.
_ACROSS = 160


@dataclass(frozen=True, slots=True)
class NoteDrawing:
    """A note: its card, the lines of its text, and the line to its block."""

    text: str
    #: The title of that block, or "".
    about: str
    box: Box
    #: (text, baseline) of each line that is not empty.
    lines: tuple[tuple[str, float], ...]
    #: Whether the text is longer than its lines.
    cut: bool
    #: From the card to its block, unless it has none or covers it.
    leader: tuple[Point, Point] | None

    @property
    def label(self) -> str:
        """Return its accessible name: its block and its text."""
        return f"Note on {self.about}: {self.text}" if self.about else f"Note: {self.text}"

    @property
    def text_left(self) -> float:
        return self.box.left + _PAD_X

    @property
    def path(self) -> str:
        """Return the path of the card, with its lower right corner turned up."""
        box = self.box
        return (
            f"M{box.left + 3:g} {box.top:g}h{box.width - 6:g}a3 3 0 0 1 3 3"
            f"v{box.height - 3 - _FOLD:g}l{-_FOLD} {_FOLD}h{3 + _FOLD - box.width:g}"
            f"a3 3 0 0 1-3-3v{6 - box.height:g}a3 3 0 0 1 3-3z"
        )

    @property
    def fold(self) -> str:
        return f"M{self.box.right - _FOLD:g} {self.box.bottom:g}v{-_FOLD}h{_FOLD}"


def place_notes(
    graph: FlowGraph, workspace: str, boxes: dict[str, Box], taken: Callable[[], list[Box]]
) -> tuple[NoteDrawing, ...]:
    """Return the drawn notes of a workspace, in the order of the document.

    `boxes` are its blocks. `taken` returns what else notes must not cover; it is called only when
    a note has no stored place.
    """
    here = graph.workspaces[workspace]
    if not here.notes:
        return ()
    texts = [_lines(note) for note in here.notes]
    sizes = [note.size or _size(lines) for note, (lines, _) in zip(here.notes, texts, strict=True)]
    placed = _place(here.notes, sizes, boxes, here.start, taken)
    result = []
    for note, (lines, cut), box in zip(here.notes, texts, placed, strict=True):
        about = boxes.get(note.block)
        first = box.top + _PAD_Y + 12
        result.append(
            NoteDrawing(
                text=note.text,
                about=graph.blocks[note.block].title if about else "",
                box=box,
                lines=tuple((line, first + LINE * n) for n, line in enumerate(lines) if line),
                cut=cut,
                leader=_leader(box, about) if about and not box.overlaps(about) else None,
            )
        )
    return tuple(result)


# Text ----------------------------------------------------------------------------------------


def wrapped(text: str, width: float) -> list[str]:
    """Break the text into lines of that width, between words, or inside a word that is too wide."""
    lines = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split():
            both = f"{line} {word}" if line else word
            if text_width(both, TEXT_SIZE) <= width:
                line = both
                continue
            if line:
                lines.append(line)
            while text_width(word, TEXT_SIZE) > width and len(word) > 1:
                fits = _fitting(word, width)
                lines.append(word[:fits])
                word = word[fits:]
            line = word
        lines.append(line)
    return lines


def _fitting(word: str, width: float) -> int:
    """Return how many characters of a word fit, at least one."""
    length = 1
    while text_width(word[: length + 1], TEXT_SIZE) <= width:
        length += 1
    return length


def _lines(note: NoteNode) -> tuple[list[str], bool]:
    """Return the lines that a note shows, and whether the text was cut."""
    width, height = note.size or (WIDEST, 0)
    most = max(1, (height - 2 * _PAD_Y) // LINE) if note.size else MOST_LINES
    width -= 2 * _PAD_X
    lines = wrapped(note.text, width)
    if len(lines) <= most:
        return lines, False
    return [*lines[: most - 1], fit_text(f"{lines[most - 1]}…", width, TEXT_SIZE)], True


def _size(lines: list[str]) -> tuple[int, int]:
    widest = max(text_width(line, TEXT_SIZE) for line in lines)
    return 2 * round((widest + 2 * _PAD_X + 1) / 2), LINE * len(lines) + 2 * _PAD_Y


# Places --------------------------------------------------------------------------------------


def _place(
    notes: tuple[NoteNode, ...],
    sizes: list[tuple[int, int]],
    boxes: dict[str, Box],
    start: str,
    taken: Callable[[], list[Box]],
) -> list[Box]:
    found: dict[int, Box] = {}
    for number, (note, (width, height)) in enumerate(zip(notes, sizes, strict=True)):
        if note.at:
            x, y = note.at
            found[number] = Box(x + width / 2, y + height / 2, width, height)
    waiting = [number for number in range(len(notes)) if number not in found]
    if not waiting:
        return [found[number] for number in range(len(notes))]
    occupied = taken() + list(found.values())
    anchor = boxes.get(start) or next(iter(boxes.values()), Box(0, 0, 0, 0))
    # Notes about a block come first, so that they get the place beside it.
    for number in sorted(waiting, key=lambda number: notes[number].block not in boxes):
        about = boxes.get(notes[number].block)
        box = _beside(about or anchor, sizes[number], occupied, about is not None)
        found[number] = box or _aside(sizes[number], occupied)
        occupied.append(found[number])
    return [found[number] for number in range(len(notes))]


def _beside(block: Box, size: tuple[int, int], occupied: list[Box], leads: bool) -> Box | None:
    """Return the best place around a block, or None when there is none near."""
    width, height = size
    reach = _FIRST + _STEP * _AWAY
    window = Box(
        block.x, block.y, block.width + 2 * (reach + width), block.height + 2 * (reach + height)
    )
    near = [box for box in occupied if box.overlaps(window, _CLEAR)]
    others = [box for box in near if not _is_of(box, block)]
    best, least = None, float("inf")
    for cost, dx, dy in _offsets(block.width, block.height, width, height):
        if cost >= least:
            break  # the places come in the order of their cost
        box = Box(block.x + dx, block.y + dy, width, height)
        hit = next((n for n, other in enumerate(near) if box.overlaps(other, _CLEAR)), None)
        if hit is not None:
            near.insert(0, near.pop(hit))  # the next place likely lies on the same
            continue
        if leads and any(_span(_leader(box, block)).overlaps(other) for other in others):
            cost += _ACROSS
        if cost < least:
            best, least = box, cost
    return best


def _is_of(box: Box, block: Box) -> bool:
    """Return whether a box is the block or a wire, which the line to a note may touch."""
    return box == block or not box.width or not box.height


@cache
def _offsets(
    block_width: float, block_height: float, width: int, height: int
) -> list[tuple[float, float, float]]:
    """Return (cost, dx, dy) of the places to try, cheapest first."""

    def around() -> Iterator[tuple[float, float, float]]:
        across = (block_width + width) / 2
        down = (block_height + height) / 2
        for away in range(_FIRST, _FIRST + _STEP * _AWAY, _STEP):
            for along in range(-_ALONG * _STEP, _ALONG * _STEP + 1, _STEP):
                cost = away + 0.6 * abs(along)
                yield cost + _SIDES["right"], across + away, along
                yield cost + _SIDES["left"], -across - away, along
                yield cost + _SIDES["below"], along, down + away
                yield cost + _SIDES["above"], along, -down - away

    return sorted(around())


def _aside(size: tuple[int, int], occupied: list[Box]) -> Box:
    """Return a place in the column at the right of everything."""
    width, height = size
    blocks = occupied or [Box(0, 0, 0, 0)]
    left = max(box.right for box in blocks) + 2 * _FIRST
    top = min(box.top for box in blocks)
    return Box(left + width / 2, top + height / 2, width, height)


def _leader(note: Box, block: Box) -> tuple[Point, Point]:
    """Return the shortest line from a note to a block, horizontal where their heights overlap."""
    x0, x1 = _nearest(note.left, note.right, block.left, block.right)
    y0, y1 = _nearest(note.top, note.bottom, block.top, block.bottom)
    return (x0, y0), (x1, y1)


def _nearest(low: float, high: float, other_low: float, other_high: float) -> tuple[float, float]:
    if high < other_low:
        return high, other_low
    if other_high < low:
        return low, other_high
    middle = (max(low, other_low) + min(high, other_high)) / 2
    return middle, middle


def _span(line: tuple[Point, Point]) -> Box:
    (x0, y0), (x1, y1) = line
    return Box((x0 + x1) / 2, (y0 + y1) / 2, abs(x0 - x1), abs(y0 - y1))
