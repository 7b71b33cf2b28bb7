"""The parts of charts of which a page has hundreds: in templates they take ten times as long."""

from collections.abc import Iterator
from html import escape

from django import template
from django.utils.safestring import SafeString, mark_safe

from executions.charts.lines import Chart, Row
from executions.charts.strips import Cell, HeatStrip

register = template.Library()

#: How a number of more than two digits fits into its cell.
_NARROW = ' textLength="16" lengthAdjust="spacingAndGlyphs"'


@register.simple_tag
def heat_cells(strip: HeatStrip, is_still: object = False) -> SafeString:
    """The cells of a heat strip: those in which something ran are links, of which the last is a
    stop of the Tab key."""
    last = max((number for number, cell in enumerate(strip.cells) if cell.url), default=-1)
    return mark_safe(  # noqa: S308
        "".join(
            _cell(cell, is_link=bool(cell.url) and not is_still, is_last=number == last)
            for number, cell in enumerate(strip.cells)
        )
    )


def _cell(cell: Cell, *, is_link: bool, is_last: bool) -> str:
    title, level = escape(cell.title), escape(cell.level)
    number = ""
    if cell.number:
        narrow = _NARROW if len(cell.number) > 2 else ""
        number = (
            f'<text x="{cell.x + 9}" y="12.6" text-anchor="middle"{narrow}>'
            f"{escape(cell.number)}</text>"
        )
    drawn = (
        f'<title>{title}</title><rect x="{cell.x}.5" y=".5" width="17" height="17" rx="4"/>{number}'
    )
    if not is_link:
        return f'<g class="failed-{level}">{drawn}</g>'
    stop = "" if is_last else ' tabindex="-1"'
    link = f'class="failed-{level}" href="{escape(cell.url)}" aria-label="{title}"{stop}'
    return f"<a {link}>{drawn}</a>"


@register.simple_tag
def chart_rows(chart: Chart) -> SafeString:
    """The rows of the table that says what a chart shows."""
    return mark_safe("".join(map("".join, (_row(chart, row) for row in chart.rows))))  # noqa: S308


def _row(chart: Chart, row: Row) -> Iterator[str]:
    marks, time = escape(row.marks), escape(row.time)
    told = f' data-marks="{marks}"' if marks else ""
    yield f'<tr data-x="{row.x}" data-ys="{escape(row.ys)}"{told}><th scope="row">'
    yield f'<a href="{escape(row.url)}">{time}</a></th>' if row.url else f"{time}</th>"
    for cell in row.cells:
        yield f'<td class="num">{escape(cell) or "–"}</td>'
    yield f"<td>{escape(row.words) or 'nothing ran'}</td>"
    if chart.marks:
        yield f"<td>{marks}</td>"
    yield "</tr>"
