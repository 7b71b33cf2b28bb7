"""Parameters that are one of some texts, which are declared elsewhere."""

from collections.abc import Iterable
from typing import Any

from pydantic_core import core_schema


class OneOf:
    """Annotates a text that is one of some: `Annotated[str, OneOf(TABS)]`."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = list(texts)

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.literal_schema(self._texts)
