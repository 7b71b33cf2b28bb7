"""The palettes: every block type there is.

A block is a class in a module of a palette's folder, `flows/blocks/<palette>/`. Those modules are
found by themselves, so a new block is named nowhere else.
"""

import sys
from collections.abc import Iterator
from inspect import isclass
from types import ModuleType

from flows.blocks.base import Block
from flows.discovery import modules, subpackages


def _modules() -> Iterator[ModuleType]:
    """Import the modules of every palette."""
    for palette in subpackages(sys.modules[__name__]):
        yield from modules(palette)


def blocks_of(module: ModuleType) -> Iterator[Block]:
    """Return the block types that a module defines, in its order; bases without a type are none."""
    for found in vars(module).values():
        is_block = isclass(found) and issubclass(found, Block) and hasattr(found, "type")
        if is_block and found.__module__ == module.__name__:
            yield found()


ALL: tuple[Block, ...] = tuple(block for module in _modules() for block in blocks_of(module))

#: By case-folded type, and by palette and name: flow files may write "Execute HTTP Request" or
#: "Http/Execute Http Request".
BY_TYPE: dict[str, Block] = {block.type.casefold(): block for block in ALL} | {
    f"{block.palette}/{block.name}".casefold(): block for block in ALL
}


def types_named(name: str) -> list[str]:
    """Return the types of the blocks with that name, which several palettes may have."""
    return [block.type for block in ALL if block.name.casefold() == name.casefold()]
