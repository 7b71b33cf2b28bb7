"""The type of the block on which an execution is."""

from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from executions.grid.query.kinds.name import Name
from executions.grid.query.kinds.suggestions import SuggestedValue, suggested
from executions.grid.query.lexemes import fold
from flows.blocks import ALL, BY_TYPE


@dataclass(frozen=True)
class BlockType(Name):
    """The name of a block type, in the case that the palette has."""

    optional: bool = True

    def parse(self, text: str, zone: tzinfo) -> str:
        block = BY_TYPE.get(text.casefold())
        return block.type if block else text

    def suggest(self, user: Any, typed: str) -> list[SuggestedValue]:
        return suggested(b.type for b in ALL if fold(typed) in fold(b.type))
