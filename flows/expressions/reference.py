"""The reference of expressions (docs/expressions.md), written from the registry of functions."""

import json
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from flows.expressions.expression import ITERATIONS
from flows.expressions.function import LARGEST_LIST, LARGEST_TEXT, Function
from flows.expressions.functions import FUNCTIONS
from flows.expressions.functions.text import REGEX_SECONDS

_HEAD = f"""\
# Expressions

Written from the registry of functions by `manage.py flow_schema --write`. The tests evaluate every
example.

An expression begins with `=` in a flow file: `=Price * 2`. Expressions are
[CEL](https://cel.dev), the Common Expression Language: they have no side effects and no way to
the machine.

| | |
|---|---|
| values | `1`, `1.5`, `"text"`, `true`, `null`, `[1, 2]`, `{{"Key": 1}}` in the order as written |
| operators | `+ - * / %`, `== != < <= > >=`, `&& \\|\\| !`, `a ? b : c`, `in` |
| parts | `Order.Customer`, `Order["Customer"]`, `Lines[0]`, `Lines[-1]`, `has(Order.Customer)` |
| what may be missing | `Order.?Customer.?Name.orValue("")`, `coalesce(a, b)` |
| a name for a part | `cel.bind(x, Order.Total * 2, x + x)` |
| items | `.filter(x, …)`, `.map(x, …)`, `.all(x, …)`, `.exists(x, …)`, `.exists_one(x, …)` |
| sizes and characters | `.size()`, `.substring(i, j)`, `.charAt(i)`, `.lastIndexOf(t)` |
| comparing texts | `.startsWith(t)`, `.endsWith(t)`, `.matches(regex)` |
| types | `int(x)`, `double(x)`, `string(x)`, `bool(x)`, `type(x)` |
| moments | `timestamp("2026-03-09T06:25:00Z")`, `duration("90s")` |

**Numbers mix.** An Integer with a Number gives a Number: `1 + 1.5` is 2.5. Integer with Integer
stays an Integer: `7 / 2` is 3, `7 / 2.0` is 3.5.

**Text plus anything is text**: `"Order " + 7` is `Order 7`. A Boolean is written `True` or `False`,
1.0 is `1`, null is nothing, a list or a structure is one line of JSON.

**Keys of dictionaries** have a type: `Prices[1]`, `Prices[1.0]`, `Prices[true]` and `Prices["1"]`
are four items. `in` looks for keys that are texts, Integers or Booleans; for others write
`1.5 in Prices.keys()`.

**An error says what exists**: `Order has no Total; it has Number, Customer, Lines (line 1, column
7).`

**Limits.** The macros of one evaluation go through {ITERATIONS:,} items at most. A function gives
{LARGEST_TEXT:,} characters or {LARGEST_LIST:,} items at most, and a regular expression may
take {REGEX_SECONDS:g} second.

Fields that take expressions offer functions while one types a name: arrows choose, Enter takes,
Escape closes. `x-functions` in [flow.schema.json](flow.schema.json) lists them for editors.

Each function can also stand behind its first argument: `Name.upper()` is `upper(Name)`. What stands
in brackets may be left out; `…` stands for any number of values.
"""


def markdown() -> str:
    """Return the whole page."""
    parts = [_HEAD]
    by_subject = sorted(FUNCTIONS.values(), key=lambda one: (one.subject, one.name))
    for subject, functions in groupby(by_subject, key=lambda one: one.subject):
        parts.append(f"## {subject}\n\n| function | | example | value |\n|---|---|---|---|")
        parts += [_row(one) for one in functions]
        parts.append("")
    return "\n".join(parts)


def _row(declared: Function) -> str:
    written = "<br>".join(f"`{_cell(source)}`" for source, _ in declared.examples)
    told = "<br>".join(f"`{_cell(shown(value))}`" for _, value in declared.examples)
    signature = f"`{_cell(declared.signature)}` → {declared.returns}"
    description = _cell(" ".join(declared.description.split()))
    return f"| {signature} | {description} | {written} | {told} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def shown(value: Any) -> str:
    """Return a value as an expression would write it."""
    match value:
        case datetime():
            return f'timestamp("{value.isoformat().replace("+00:00", "Z")}")'
        case timedelta():
            return f'duration("{value.total_seconds():g}s")'
    return json.dumps(value, ensure_ascii=False)
