"""Numbers as text in the formats of .NET: standard ones (`C2`, `N0`, `P`) and custom ones (`0.00`).

Pure. A number is rounded from its exact value, half away from zero.
"""

import math
import re
from collections.abc import Callable
from decimal import MAX_EMAX, ROUND_HALF_UP, Context, Decimal

from flows.formats.cultures import Culture
from flows.values import number_text

#: The most digits that a format may ask for.
MOST_DIGITS = 999
#: Enough for every digit of every double.
_EXACT = Context(prec=2000, rounding=ROUND_HALF_UP, Emax=MAX_EMAX)
_STANDARD = re.compile(r"([A-Za-z])(\d{0,3})")
_INFINITIES = {"Infinity": "∞", "-Infinity": "-∞"}


class InvalidFormat(ValueError):
    """A format that does not exist, or that does not suit the value."""


def format_number(value: int | float, pattern: str, culture: Culture) -> str:
    """Return a number in a format. Raises InvalidFormat."""
    if isinstance(value, float) and not math.isfinite(value):
        text = number_text(value)
        return _INFINITIES.get(text, text) if culture.name else text
    if not pattern:
        return general(value, None, culture)
    if found := _STANDARD.fullmatch(pattern):
        letter, digits = found[1], found[2]
        if (write := _FORMATS.get(letter.upper())) is None:
            raise InvalidFormat(f"{pattern} is not a format for numbers.")
        return write(value, int(digits) if digits else None, culture, letter)
    return _custom(value, pattern, culture)


def general(value: int | float, digits: int | None, culture: Culture, letter: str = "G") -> str:
    """Return a number with as many digits as it has, or with the given number of them."""
    if isinstance(value, int):
        if not digits or len(str(abs(value))) <= digits:
            return _signed(str(abs(value)), value < 0, culture)
        number = Decimal(value)
    else:
        number = Decimal(repr(value)) if not digits else Decimal(value)
    if digits:
        number = _context(digits).plus(number)
    sign, figures, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, figures)).rstrip("0") or "0"
    exponent += len(figures) - len(text) if any(figures) else -exponent
    magnitude = len(text) + exponent - 1
    limit = digits or 15
    if any(figures) and not -4 <= magnitude < limit:
        mantissa = text[0] + (culture.decimal + text[1:] if len(text) > 1 else "")
        mark = "E" if letter.isupper() else "e"
        text = f"{mantissa}{mark}{'-' if magnitude < 0 else '+'}{abs(magnitude):02}"
    else:
        text = _placed(text, exponent, culture)
    return _signed(text, bool(sign) and any(figures), culture)


def _context(digits: int) -> Context:
    return Context(prec=digits, rounding=ROUND_HALF_UP)


def _placed(figures: str, exponent: int, culture: Culture) -> str:
    """Digits with the decimal sign where the exponent puts it."""
    if exponent >= 0:
        return figures + "0" * exponent
    whole, part = figures[:exponent], figures[exponent:].rjust(-exponent, "0")
    return f"{whole or '0'}{culture.decimal}{part}"


def _signed(text: str, negative: bool, culture: Culture) -> str:
    return f"{culture.minus}{text}" if negative else text


def _rounded(value: int | float, digits: int) -> tuple[bool, str, str]:
    """Whether it is negative, its whole part and its digits behind the decimal sign."""
    number = _EXACT.quantize(Decimal(value), Decimal(1).scaleb(-digits))
    whole, _, part = f"{abs(number):f}".partition(".")
    return number < 0, whole, part


def _grouped(whole: str, sign: str) -> str:
    return re.sub(r"(?<=\d)(?=(?:\d{3})+$)", sign.replace("\\", r"\\"), whole)


def _amount(value: int | float, digits: int, culture: Culture, group: str) -> tuple[bool, str]:
    negative, whole, part = _rounded(value, digits)
    return negative, _grouped(whole, group) + (culture.decimal + part if part else "")


def _fixed(value: int | float, digits: int | None, culture: Culture, _: str) -> str:
    negative, text = _amount(value, 2 if digits is None else digits, culture, "")
    return _signed(text, negative, culture)


def _number(value: int | float, digits: int | None, culture: Culture, _: str) -> str:
    negative, text = _amount(value, 2 if digits is None else digits, culture, culture.group)
    return _signed(text, negative, culture)


def _currency(value: int | float, digits: int | None, culture: Culture, _: str) -> str:
    digits = culture.currency_digits if digits is None else digits
    negative, text = _amount(value, digits, culture, culture.group)
    pattern = culture.negative_currency_pattern if negative else culture.currency_pattern
    return pattern.replace("n", text).replace("$", culture.currency, 1)


def _percent(value: int | float, digits: int | None, culture: Culture, _: str) -> str:
    exact = _EXACT.multiply(Decimal(value), Decimal(100))
    number = _EXACT.quantize(exact, Decimal(1).scaleb(-(2 if digits is None else digits)))
    whole, _point, part = f"{abs(number):f}".partition(".")
    text = _grouped(whole, culture.group) + (culture.decimal + part if part else "")
    return _signed(culture.percent_pattern.replace("n", text), number < 0, culture)


def _exponent(value: int | float, digits: int | None, culture: Culture, letter: str) -> str:
    digits = 6 if digits is None else digits
    mantissa, _, power = f"{_context(digits + 1).plus(Decimal(value)):.{digits}e}".partition("e")
    sign, number = power[0], power[1:]
    return f"{mantissa.replace('.', culture.decimal)}{letter}{sign}{int(number):03}"


def _whole(value: int | float, letter: str) -> int:
    if not isinstance(value, int):
        raise InvalidFormat(f"The format {letter} is for integers.")
    return value


def _decimal(value: int | float, digits: int | None, culture: Culture, letter: str) -> str:
    number = _whole(value, letter)
    return _signed(f"{abs(number):0{digits or 1}d}", number < 0, culture)


def _hexadecimal(value: int | float, digits: int | None, culture: Culture, letter: str) -> str:
    number = _whole(value, letter)
    if number < 0:
        number &= 0xFFFFFFFF if number >= -(2**31) else 0xFFFFFFFFFFFFFFFF
    return f"{number:0{digits or 1}{'X' if letter == 'X' else 'x'}}"


def _round_trip(value: int | float, digits: int | None, culture: Culture, letter: str) -> str:
    return general(value, None, culture)


#: What writes each standard format, by its letter.
_FORMATS: dict[str, Callable[[int | float, int | None, Culture, str], str]] = {
    "C": _currency,
    "D": _decimal,
    "E": _exponent,
    "F": _fixed,
    "G": general,
    "N": _number,
    "P": _percent,
    "R": _round_trip,
    "X": _hexadecimal,
}

# Custom formats ----------------------------------------------------------------------------------

#: A part of a custom format: quoted and escaped text, an exponent, or one sign.
_CUSTOM = re.compile(r"'[^']*'|\"[^\"]*\"|\\.|[eE][+-]?0+|.", re.S)


def _custom(value: int | float, pattern: str, culture: Culture) -> str:
    sections = _sections(pattern)
    section, number, hides_sign = sections[0], Decimal(value), False
    if len(sections) > 1 and number < 0 and sections[1]:
        section, hides_sign = sections[1], True
    elif len(sections) > 2 and not number:
        section = sections[2]
    text, is_zero = _section(section, number, culture)
    if is_zero and number and len(sections) > 2:
        return _section(sections[2], Decimal(0), culture)[0]
    return _signed(text, number < 0 and not hides_sign and not is_zero, culture)


def _sections(pattern: str) -> list[list[str]]:
    sections: list[list[str]] = [[]]
    for found in _CUSTOM.finditer(pattern):
        if found.group() == ";":
            sections.append([])
        else:
            sections[-1].append(found.group())
    return sections[:3]


def _section(parts: list[str], number: Decimal, culture: Culture) -> tuple[str, bool]:
    """The text of an absolute number in one section, and whether it was rounded to zero."""
    point = parts.index(".") if "." in parts else len(parts)
    before = [part for part in parts[:point] if part in "0#,"]
    after = [part for part in parts[point:] if part in ("0", "#")]
    scale = len(before) - len("".join(before).rstrip(",")) if before else 0
    groups = "," in "".join(before).rstrip(",").lstrip(",")
    number = abs(number) * Decimal(10) ** (2 * parts.count("%") + 3 * parts.count("‰") - 3 * scale)
    exponent = next((part for part in parts if re.fullmatch(r"[eE][+-]?0+", part)), "")
    power = 0
    if exponent and number:
        power = number.adjusted() - (sum(part in "0#" for part in before) - 1)
        number = number.scaleb(-power)
    number = _EXACT.quantize(number, Decimal(1).scaleb(-len(after)))
    whole, _, fraction = f"{number:f}".partition(".")
    least = len(after) - next(
        (n for n, part in enumerate(reversed(after)) if part == "0"), len(after)
    )
    fraction = fraction[:least] + fraction[least:].rstrip("0")
    zeros = "".join(part for part in before if part in "0#")
    wanted = len(zeros) - zeros.index("0") if "0" in zeros else 0
    whole = whole.lstrip("0").rjust(wanted, "0")
    if groups:
        whole = _grouped(whole, culture.group)
    written = _written(parts, whole, fraction, culture)
    if exponent:
        sign = "-" if power < 0 else "+" if "+" in exponent else ""
        digits = exponent.count("0")
        written = written.replace(exponent, f"{exponent[0]}{sign}{abs(power):0{digits}d}")
    return written, not number


def _written(parts: list[str], whole: str, fraction: str, culture: Culture) -> str:
    """The parts of a section with the digits where its first sign for digits stands."""
    written, placed = [], False
    figures = whole + (culture.decimal + fraction if fraction else "")
    for part in parts:
        if part in ("0", "#", ".", ","):
            if not placed:
                written.append(figures)
            placed = True
        elif len(part) > 1 and part[0] in "'\"":
            written.append(part[1:-1])
        elif part.startswith("\\"):
            written.append(part[1:])
        else:
            written.append(part)
    return "".join(written)
