"""Numbers."""

import math
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any

from flows.expressions.function import function
from flows.formats.cultures import culture as culture_of
from flows.parsing import integer as integer_of

#: The most digits that a number is rounded to.
MOST_DIGITS = 30


@function(
    ("round(2.5)", 3), ("round(2.345, 2)", 2.35), ("(7).round()", 7),
    ('round(2.5, 0, "even")', 2.0),
)  # fmt: skip
def round_(number: float, digits: int = -1, half: str = "up") -> Any:
    """Return the nearest Integer, or a Number with so many digits. A half goes away from zero, or
    to the even neighbour."""
    if half not in ("up", "even"):
        raise ValueError("a half goes up or even.")
    if digits > MOST_DIGITS:
        raise ValueError(f"it rounds to {MOST_DIGITS} digits at most.")
    _finite(number)
    mode = ROUND_HALF_UP if half == "up" else ROUND_HALF_EVEN
    # The shortest text of a number is what people see of it: 2.345 is to become 2.35.
    exact = Decimal(repr(number))
    if digits < 0:
        return int(exact.quantize(Decimal(1), rounding=mode))
    return float(exact.quantize(Decimal(1).scaleb(-digits), rounding=mode))


@function(("floor(-1.5)", -2))
def floor(number: float) -> int:
    """Return the greatest Integer that is not above the number."""
    return math.floor(_finite(number))


@function(("ceil(1.2)", 2))
def ceil(number: float) -> int:
    """Return the least Integer that is not below the number."""
    return math.ceil(_finite(number))


@function(("abs(-2.5)", 2.5), ("abs(-3)", 3))
def abs_(number: float) -> Any:
    """Return the number without its sign."""
    return abs(number)


@function(("math.greatest(3, 2.5)", 3.0), ("greatest(1, 2)", 2))
def greatest(*numbers: float) -> Any:
    """Return the greatest of several numbers; a Number when one of them is."""
    return _as_number(max(numbers), numbers)


@function(("math.least(3, 2.5)", 2.5))
def least(*numbers: float) -> Any:
    """Return the least of several numbers; a Number when one of them is."""
    return _as_number(min(numbers), numbers)


def _as_number(number: float, numbers: tuple[float, ...]) -> float:
    return float(number) if any(isinstance(one, float) for one in numbers) else number


@function(('parseNumber("1.234,5", "de-DE")', 1234.5), ('parseNumber("12")', 12.0))
def parse_number(text: str, culture: str = "") -> float:
    """Return the Number that a text writes, with the signs of a culture."""
    signs = culture_of(culture)
    plain = text.strip().replace(signs.group, "").replace(signs.decimal, ".")
    try:
        return float(plain.replace("\u2212", "-"))
    except ValueError:
        raise ValueError(f"{text} is not a number.") from None


@function(('integer("42")', 42), ("integer(2.9)", 2), ("integer(true)", 1))
def integer(value: Any) -> int:
    """Return a text, a Number (without its fraction) or a Boolean as an Integer."""
    if isinstance(value, str):
        try:
            return integer_of(value.strip())
        except ValueError:
            raise ValueError(f"{value} is not an integer.") from None
    if isinstance(value, bool | int | float):
        return int(_finite(value))
    raise ValueError("it takes a Text, a Number or a Boolean.")


@function(('number("1.5")', 1.5), ("number(2)", 2.0))
def number(value: Any) -> float:
    """Return a text, an Integer or a Boolean as a Number."""
    if isinstance(value, str | bool | int | float):
        try:
            return float(value)
        except (ValueError, OverflowError):
            pass
    raise ValueError(f"{value} is not a number.")


@function(('boolean("true")', True), ("boolean(0)", False))
def boolean(value: Any) -> bool:
    """Return a text (true or false) or a number (0 is false) as a Boolean."""
    if isinstance(value, str) and value.strip().casefold() in ("true", "false"):
        return value.strip().casefold() == "true"
    if isinstance(value, bool | int | float):
        return bool(value)
    raise ValueError(f"{value} is not true or false.")


def _finite(number: float) -> float:
    if isinstance(number, float) and not math.isfinite(number):
        raise ValueError("infinity and NaN have no integer near them.")
    return number
