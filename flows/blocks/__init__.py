"""The palettes: every block type there is.

A block is a class in a module of a palette's folder, `flows/blocks/<palette>/`. Those modules are
found by themselves, so a new block is named nowhere else.
"""

import sys
from collections.abc import Iterator
from types import ModuleType

from flows.blocks import packages
from flows.blocks.base import Block
from flows.blocks.packages import blocks_of
from flows.discovery import modules, subpackages


def _modules() -> Iterator[ModuleType]:
    """Import the modules of every palette."""
    for palette in subpackages(sys.modules[__name__]):
        yield from modules(palette)


#: What other packages bring (docs/writing-blocks.md).
_BUILT_IN = tuple(block for module in _modules() for block in blocks_of(module))
PACKAGES = packages.find(_BUILT_IN)
ALL: tuple[Block, ...] = (*_BUILT_IN, *PACKAGES.blocks)


def _by_type() -> dict[str, Block]:
    """By case-folded type, and by palette and name: flow files may write "Execute HTTP Request" or
    "Http/Execute Http Request". The bare name of another package's block does where it is the only
    one."""
    found = {block.type.casefold(): block for block in ALL}
    found |= {f"{block.palette}/{block.name}".casefold(): block for block in ALL}
    for block in PACKAGES.blocks:
        if len(types_named(block.name)) == 1:
            found[block.name.casefold()] = block
    return found


def types_named(name: str) -> list[str]:
    """Return the types of the blocks with that name, which several palettes may have."""
    return [block.type for block in ALL if block.name.casefold() == name.casefold()]


BY_TYPE = _by_type()
