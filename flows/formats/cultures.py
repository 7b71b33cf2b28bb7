"""Cultures: which words, signs and patterns a language and region use.

Pure. The invariant culture has fixed ones; others take them from Unicode's data (Babel).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.numbers import get_currency_precision, get_currency_symbol, get_territory_currencies

#: The names of the invariant culture, and of that of the process, which is the same one.
INVARIANT = frozenset({"", "invariantculture", "currentculture", "currentuiculture"})


class UnknownCulture(ValueError):
    """A name that is no culture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Culture:
    """What formats need of a culture."""

    name: str
    decimal: str = "."
    group: str = ","
    minus: str = "-"
    currency: str = "¤"
    currency_digits: int = 2
    #: `n` stands for the amount, `$` for the currency.
    currency_pattern: str = "$n"
    negative_currency_pattern: str = "($n)"
    percent_pattern: str = "n %"
    #: What each standard format of a date time stands for, by its letter.
    date_patterns: Mapping[str, str]
    #: Names of days begin with Sunday, names of months with January.
    days: tuple[str, ...]
    short_days: tuple[str, ...]
    months: tuple[str, ...]
    short_months: tuple[str, ...]
    halves: tuple[str, str] = ("AM", "PM")
    date_separator: str = "/"
    time_separator: str = ":"


def culture(name: str | None) -> Culture:
    """Return a culture by its name, such as `en-US`; the invariant one for None, "" and
    `InvariantCulture`. Raises UnknownCulture."""
    plain = (name or "").removeprefix("CultureInfo.")
    return _invariant() if plain.casefold() in INVARIANT else _culture(plain)


def _patterns(**own: str) -> dict[str, str]:
    """The standard formats, of which each culture has its own d, D, t, T, M and Y."""
    return own | {
        "f": f"{own['D']} {own['t']}",
        "F": f"{own['D']} {own['T']}",
        "g": f"{own['d']} {own['t']}",
        "G": f"{own['d']} {own['T']}",
        "m": own["M"],
        "y": own["Y"],
    }


@cache
def _invariant() -> Culture:
    english = _names(Locale("en"))
    patterns = _patterns(
        d="MM/dd/yyyy",
        D="dddd, dd MMMM yyyy",
        t="HH:mm",
        T="HH:mm:ss",
        M="MMMM dd",
        Y="yyyy MMMM",
    )
    return Culture(name="", date_patterns=patterns, **english)


@cache
def _culture(name: str) -> Culture:
    try:
        locale = Locale.parse(name.replace("-", "_"))
    except (UnknownLocaleError, ValueError, TypeError):
        raise UnknownCulture(f"There is no culture {name}.") from None
    region = locale if locale.territory else _likely(locale)
    territory = region.territory if region else None
    currency = next(iter(get_territory_currencies(territory)), "") if territory else ""
    positive, negative = _currency_patterns(locale)
    symbols = locale.number_symbols.get("latn", {})
    english = locale.language == "en"
    short_date = _net_pattern(locale.date_formats["short"].pattern)
    short_date = re.sub(r"(?<!y)yy(?!y)", "yyyy", short_date)
    long_date = _net_pattern(locale.date_formats["full"].pattern)
    skeletons = locale.datetime_skeletons
    return Culture(
        name=name,
        decimal=symbols.get("decimal", "."),
        group=symbols.get("group", ","),
        minus=symbols.get("minusSign", "-"),
        currency=get_currency_symbol(currency, locale) if currency else "¤",
        currency_digits=get_currency_precision(currency) if currency else 2,
        currency_pattern=positive,
        negative_currency_pattern="($n)" if locale.territory == "US" else negative,
        # English cultures write a blank in front of the sign here, as the original does.
        percent_pattern="n %" if english else _percent_pattern(locale),
        date_patterns=_patterns(
            d=short_date,
            D=long_date,
            t=_net_pattern(locale.time_formats["short"].pattern),
            T=_net_pattern(locale.time_formats["medium"].pattern),
            M=_net_pattern(skeletons["MMMMd"].pattern) if "MMMMd" in skeletons else "MMMM d",
            Y=_net_pattern(skeletons["yMMMM"].pattern) if "yMMMM" in skeletons else "MMMM yyyy",
        ),
        date_separator=next(iter(re.findall(r"[^dMy' ]", short_date)), "/"),
        halves=_halves(locale),
        **_names(locale),
    )


def _likely(locale: Locale) -> Locale | None:
    """A language with the region where most of its speakers live."""
    known = get_global("likely_subtags").get(locale.language)
    return Locale.parse(known) if known else None


def _names(locale: Locale) -> dict[str, Any]:
    days, months = locale.days["format"], locale.months["format"]
    order = (6, 0, 1, 2, 3, 4, 5)
    return {
        "days": tuple(days["wide"][day] for day in order),
        "short_days": tuple(days["abbreviated"][day] for day in order),
        "months": tuple(months["wide"][month] for month in range(1, 13)),
        "short_months": tuple(months["abbreviated"][month] for month in range(1, 13)),
    }


def _halves(locale: Locale) -> tuple[str, str]:
    periods = locale.day_periods["format"]["abbreviated"]
    return periods.get("am", "AM"), periods.get("pm", "PM")


def _currency_patterns(locale: Locale) -> tuple[str, str]:
    pattern = locale.currency_formats["standard"].pattern.partition(";")[0]
    positive = re.sub(r"[#,.0]+", "n", pattern).replace("¤", "$").replace("\xa0", " ")
    return positive, f"-{positive}"


def _percent_pattern(locale: Locale) -> str:
    return re.sub(r"[#,.0]+", "n", locale.percent_formats[None].pattern).replace("\xa0", " ")


#: Fields of Unicode's patterns, and what the same is in .NET's.
_FIELDS = {
    "EEEE": "dddd", "E": "ddd", "EEE": "ddd", "y": "yyyy", "LLLL": "MMMM", "LLL": "MMM", "L": "M",
    "LL": "MM", "a": "tt", "B": "tt", "d": "d", "ccc": "ddd", "cccc": "dddd",
}  # fmt: skip


#: A part of a pattern: a quoted text, a field (one letter, repeated), or signs.
_PART = re.compile(r"'[^']*'|([A-Za-z])\1*|[^A-Za-z']+")


def _net_pattern(pattern: str) -> str:
    """Return a pattern of Unicode in the notation of .NET."""
    parts = (found.group() for found in _PART.finditer(pattern))
    # A narrow blank in front of AM and PM would surprise whoever compares the text.
    return "".join(_FIELDS.get(part, part) for part in parts).replace("\u202f", " ")
