"""What stands for a block whose type is no longer there, as when its package was uninstalled."""

from flows.blocks.base import Block, Outcome, Port, Visit
from flows.blocks.errors import untranslatable


class MissingBlock(Block):
    """Keeps the place of a block in a version that was published with it, and throws.

    It is no type: flow files cannot name it.
    """

    palette = "Missing"
    icon = "warn"
    ports = tuple(Port)
    has_timeout = False
    has_semaphore = False

    def __init__(self, wanted: str) -> None:
        self.wanted = wanted
        vars(self)["type"] = wanted  # of this one, where others have that of their class

    def run(self, visit: Visit) -> Outcome:
        raise untranslatable(
            f"there is no block type {self.wanted}. The package that it comes from is not "
            "installed, or cannot be used; manage.py check says more."
        )
