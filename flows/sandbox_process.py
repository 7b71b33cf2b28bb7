"""The process of `flows.sandbox`: evaluates sources from standard input to standard output.

It keeps no state, so any source may kill it.
"""

import json
import pickle
import resource
import struct
import sys
from typing import Any

from flows import values
from flows.expressions import ExpressionError
from flows.expressions.supply import Clock, supplied_by
from flows.value_sources import Source, evaluate_constant_here

#: The most bytes that its data may take (Linux).
MEMORY = 500_000_000


def main() -> None:
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    given, told = sys.stdin.buffer, sys.stdout.buffer
    told.write(struct.pack(">I", 0))
    told.flush()
    while head := given.read(8):
        size, largest = struct.unpack(">II", head)
        source = pickle.loads(given.read(size))  # noqa: S301 - its own parent's
        answer = json.dumps(evaluated(source, largest)).encode()
        told.write(struct.pack(">I", len(answer)) + answer)
        told.flush()


def evaluated(source: Source, largest: int) -> dict[str, Any]:
    """Return {"value": typed JSON}, {"missing": the variable that it reads} or {"error": why}. With
    "passing" the value is another one at the next time."""
    clock = Clock()
    try:
        with supplied_by(clock):
            value = evaluate_constant_here(source)
        if values.cost(value, largest) > largest:
            return {"error": f"its value is larger than {largest:,} bytes."}
        return {"value": values.encode(value), "passing": clock.used}
    except KeyError as missing:
        return {"missing": str(missing.args[0])}
    except (ExpressionError, TypeError, ValueError, OverflowError) as problem:
        return {"error": str(problem)}
    except (MemoryError, RecursionError):
        return {"error": "it takes too much memory."}


if __name__ == "__main__":
    main()
