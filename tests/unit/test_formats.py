"""Formats of numbers and date times, as .NET writes and reads them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flows.formats.cultures import UnknownCulture, culture
from flows.formats.dates import (
    duration_text,
    format_date,
    parse_any_date,
    parse_date,
    parse_duration,
)
from flows.formats.numbers import InvalidFormat, format_number
from flows.formats.text import fill, text_of

AT = datetime(2021, 12, 31, 0, 5, 9, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "pattern", "name", "text"),
    [
        (99.99, "C2", "en-US", "$99.99"), (-5.5, "C", "en-US", "($5.50)"),
        (0.8, "P0", "en-US", "80 %"), (1234567.891, "N", "de-DE", "1.234.567,89"),
        (3, "C", "de-DE", "3,00 €"), (1.0, "", "", "1"), (1e15, "", "", "1E+15"),
        (0.00001, "", "", "1E-05"), (0.0001, "", "", "0.0001"), (0.125, "F2", "", "0.13"),
        (1234.5678, "G3", "", "1.23E+03"), (255, "X", "", "FF"), (-42, "D5", "", "-00042"),
        (12345.678, "E2", "", "1.23E+004"), (1234.5, "#,##0.00", "", "1,234.50"),
        (0.256, "0.0%", "", "25.6%"), (1234567, "#,##0,", "", "1,235"),
        (-3, "0;(0);zero", "", "(3)"), (0, "0;(0);zero", "", "zero"), (7, "'no. '0", "", "no. 7"),
        (12345, "0.00E+00", "", "1.23E+04"), (float("inf"), "", "", "Infinity"),
    ],
)  # fmt: skip
def test_numbers(number: Any, pattern: str, name: str, text: str) -> None:
    assert format_number(number, pattern, culture(name)) == text


@pytest.mark.parametrize(
    ("pattern", "name", "text"),
    [
        ("F", "en-US", "Friday, December 31, 2021 12:05:09 AM"),
        ("O", "", "2021-12-31T00:05:09.1234560+00:00"),
        ("dd/MM/yyyy h:mm:ss.ffffff tt", "en-US", "31/12/2021 12:05:09.123456 AM"),
        ("R", "", "Fri, 31 Dec 2021 00:05:09 GMT"),
        ("d. MMMM yyyy HH:mm:ss.ffffff", "de-DE", "31. Dezember 2021 00:05:09.123456"),
        ("'day' d MMM yyyy", "", "day 31 Dec 2021"),
        ("yyyy-MM-ddTHH:mm:ss.fffffffzzz", "", "2021-12-31T00:05:09.1234560+00:00"),
    ],
)
def test_date_times_are_written_and_read(pattern: str, name: str, text: str) -> None:
    signs = culture(name)
    assert format_date(AT, pattern, signs) == text
    back = parse_date(text, pattern, signs)
    assert format_date(back, pattern, signs) == text
    assert back.date() == AT.date()


def test_a_text_that_does_not_fit_is_refused() -> None:
    signs = culture(None)
    for text, pattern in (
        ("01/10/2021 12:00", "dd/ww/yyyy hh:mm"),
        ("31/02/2021", "dd/MM/yyyy"),
        ("Monday, 31 December 2021", "dddd, dd MMMM yyyy"),
    ):
        with pytest.raises(ValueError, match=r"\w"):
            parse_date(text, pattern, signs)
    with pytest.raises(ValueError, match="not a date time"):
        parse_any_date("31/12/2021 00:00", signs)
    assert parse_any_date("12/31/2021 00:05:09 +00:00", signs) == AT.replace(microsecond=0)


def test_durations() -> None:
    for length, text in (
        (timedelta(hours=-5), "-05:00:00"),
        (timedelta(days=1, hours=2, minutes=30), "1.02:30:00"),
        (timedelta(seconds=1.5), "00:00:01.5000000"),
    ):
        assert duration_text(length) == text
        assert parse_duration(text) == length


def test_templates() -> None:
    us = culture("en-US")
    template = "Paid {0:C2}, {1:P0}; {{left}} {2,8:N1}|{2,-6}|"
    assert fill(template, [99.99, 0.8, 40], us) == "Paid $99.99, 80 %; {left}     40.0|40    |"
    for wrong in ("{1}", "{x}", "a {", "{0:Q}"):
        with pytest.raises(InvalidFormat):
            fill(wrong, [1], us)


def test_values_as_text() -> None:
    assert text_of(True, culture(None)) == "True"
    assert text_of(AT, culture("en-US")) == "12/31/2021 12:05:09 AM +00:00"
    assert text_of({"b": 1.0, "a": [None]}, culture(None)) == '{"b":1.0,"a":[null]}'
    with pytest.raises(UnknownCulture):
        culture("xx-Nowhere")
