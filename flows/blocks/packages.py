"""Blocks of other packages: what the entry points of the group `cortexweb.blocks` and the setting
CORTEXWEB_BLOCKS name.

Each of them names a module, or a package whose modules are all read; `examples.yaml` beside it
holds the golden cases. Such a block's type is `Palette/Name`, so that it never takes the name of a
block that comes later. What cannot be used is left out, and `manage.py check` says why.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import entry_points
from inspect import isclass
from pathlib import Path
from types import ModuleType

from flows.blocks.base import TYPES, Block
from flows.discovery import modules

GROUP = "cortexweb.blocks"
SETTING = "CORTEXWEB_BLOCKS"


@dataclass(frozen=True, slots=True)
class Problem:
    """What cannot be used, and why."""

    subject: str
    reason: str


@dataclass(slots=True)
class Found:
    """What other packages bring."""

    blocks: list[Block] = field(default_factory=list)
    examples: list[Path] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def blocks_of(module: ModuleType) -> Iterator[Block]:
    """Return the block types that a module defines, in its order; bases without a type are none."""
    for found in vars(module).values():
        is_block = isclass(found) and issubclass(found, Block) and hasattr(found, "type")
        if is_block and found.__module__ == module.__name__:
            yield found()


def find(built_in: Iterable[Block]) -> Found:
    """Return what other packages bring beside the blocks of this one."""
    found = Found()
    taken = {_qualified(block) for block in built_in}
    for source, name in _sources():
        _read(source, name, found, taken)
    return found


def _sources() -> Iterator[tuple[str, str]]:
    """What names a module, in words, and the module."""
    for point in sorted(entry_points(group=GROUP)):
        package = f" of {point.dist.name} {point.dist.version}" if point.dist else ""
        yield f"The entry point {point.name}{package}", point.value
    for name in os.environ.get("CORTEXWEB_BLOCKS", "").split(","):
        if name.strip():
            yield SETTING, name.strip()


def _read(source: str, name: str, found: Found, taken: set[str]) -> None:
    try:
        module = import_module(name)
        inside = list(modules(module)) if hasattr(module, "__path__") else []
        blocks = [block for one in (module, *inside) for block in blocks_of(one)]
    except Exception as error:  # whatever another package raises
        reason = f"{name} cannot be imported: {type(error).__name__}: {error}"
        found.problems.append(Problem(source, reason))
        return
    if not blocks:
        found.problems.append(Problem(source, f"{name} defines no blocks."))
    for block in blocks:
        if reason := _unusable(block, taken):
            found.problems.append(Problem(f"{source}: {type(block).__qualname__}", reason))
            continue
        taken.add(_qualified(block))
        type(block).type = f"{block.palette}/{block.name}"
        found.blocks.append(block)
    folder = Path(module.__file__ or "").parent
    if (folder / "examples.yaml").is_file():
        found.examples.append(folder / "examples.yaml")


def _qualified(block: Block) -> str:
    return f"{getattr(block, 'palette', '')}/{block.name}".casefold()


def _unusable(block: Block, taken: set[str]) -> str:
    """Why a block cannot be used; "" when it can."""
    if not getattr(block, "palette", ""):
        return "It has no palette."
    if _qualified(block) in taken:
        return f"There is a block {block.palette}/{block.name} already. Choose another palette."
    unknown = sorted({prop.type for prop in block.properties} - TYPES.keys())
    if unknown:
        return f"Its properties have types that do not exist: {', '.join(unknown)}."
    return ""
