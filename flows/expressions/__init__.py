"""Expressions in CEL, the Common Expression Language: compile once, evaluate, which names it reads.

Pure. Expressions have no side effects and cannot reach Python. `($)Name` is accepted for a
variable, as in the original's documents. Beside what the language has by itself there are the
functions of `flows.expressions.functions` (docs/expressions.md).
"""

from flows.expressions.errors import ExpressionError, TaskStateNeeded
from flows.expressions.expression import RESERVED_WORDS, Expression, compile

__all__ = ["RESERVED_WORDS", "Expression", "ExpressionError", "TaskStateNeeded", "compile"]
