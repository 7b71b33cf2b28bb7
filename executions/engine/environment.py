"""The variables that the blocks of one execution see. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from executions.engine.program import CONTEXT, EXTENSIONS, Instruction
from executions.engine.state import Frame
from flows import task_values
from flows.task_values import TaskState


@dataclass(slots=True)
class Environment:
    """The tokens with their scopes, outermost first, and what is known besides them."""

    frames: list[Frame] = field(default_factory=list)
    #: The built-in variable without its Extensions (semantics 30).
    context: dict[str, Any] = field(default_factory=dict)
    #: The states of the tasks that the visit under way reads (semantics 68).
    tasks: dict[str, TaskState] = field(default_factory=dict)

    def lookup(self, instruction: Instruction) -> Callable[[str], Any]:
        """Return a lookup of variables as the block sees them. It raises KeyError for a variable
        that is not initialised, and TaskStateNeeded for a task whose state is not known."""
        scope = instruction.scope
        frames, context = self.frames, self.context

        def lookup(name: str) -> Any:
            folded = name.casefold()
            if folded == CONTEXT:
                return context | {"Extensions": frames[0].variables.get(EXTENSIONS, {})}
            level, key = scope[folded]
            return frames[level].variables[key]

        return task_values.expanding_lookup(lookup, self.tasks) if self.tasks else lookup
