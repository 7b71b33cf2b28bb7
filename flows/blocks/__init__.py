"""The palettes: every block type there is.

A block is a class in a module of a palette's folder, `flows/blocks/<palette>/`. Those modules are
found by themselves, so a new block is named nowhere else.
"""

from collections.abc import Iterator
from importlib import import_module
from inspect import isclass
from pkgutil import iter_modules
from types import ModuleType

from flows.blocks.base import Block


def _modules() -> Iterator[ModuleType]:
    """Import the modules of every palette."""
    for palette in iter_modules(__path__, f"{__name__}."):
        if palette.ispkg:
            folder = import_module(palette.name).__path__
            for module in iter_modules(folder, f"{palette.name}."):
                yield import_module(module.name)


def blocks_of(module: ModuleType) -> Iterator[Block]:
    """Return the block types that a module defines, in its order; bases without a type are none."""
    for found in vars(module).values():
        is_block = isclass(found) and issubclass(found, Block) and hasattr(found, "type")
        if is_block and found.__module__ == module.__name__:
            yield found()


ALL: tuple[Block, ...] = tuple(block for module in _modules() for block in blocks_of(module))

#: By case-folded name: flow files may write "Execute HTTP Request".
BY_TYPE: dict[str, Block] = {block.type.casefold(): block for block in ALL}
