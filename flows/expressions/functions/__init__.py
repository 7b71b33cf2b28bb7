"""The functions that expressions can call, found in the modules of this package."""

import sys

from flows.discovery import modules
from flows.expressions.function import Function

#: Every function by its name.
FUNCTIONS: dict[str, Function] = {
    found.name: found
    for module in modules(sys.modules[__name__])
    for found in vars(module).values()
    if isinstance(found, Function)
}
