"""Charts: where their lines, bars and cells stand, and what they say in words."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from executions.charts import scales, strips
from executions.charts.lines import DrawnMark, Line, Mark, Plan, Slot, draw
from executions.charts.strips import Part
from executions.templatetags.charts import chart_rows, heat_cells

START = datetime(2026, 7, 14, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def slots(number: int, step: timedelta = HOUR) -> list[Slot]:
    return [
        Slot(START + n * step, START + (n + 1) * step, f"words {n}", f"/at/{n}")
        for n in range(number)
    ]


def plan(*lines: Line, step: timedelta = HOUR, **changes: object) -> Plan:
    values = [value for line in lines for value in line.values]
    given: dict[str, object] = {
        "key": "k",
        "title": "Throughput",
        "slots": slots(len(lines[0].values), step),
        "lines": lines,
        "axis": scales.counts(values),
        "zone": UTC,
    }
    return Plan(**(given | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("most", "ends"),
    [
        (0, ["2", "1", "0"]),
        (2, ["2", "1", "0"]),
        (3, ["4", "2", "0"]),
        (9, ["10", "5", "0"]),
        (640, ["800", "400", "0"]),
        (1100, ["1.2k", "600", "0"]),
        (8200, ["10k", "5k", "0"]),
        (166_885, ["200k", "100k", "0"]),
    ],
)
def test_an_axis_of_counts_ends_at_a_round_number(most: float, ends: list[str]) -> None:
    axis = scales.counts([0, None, most])
    assert [text for _, text in axis.ticks] == ends
    assert [y for y, _ in axis.ticks] == [0, 50, 100]
    assert 0 <= axis.y(most) <= 100


@pytest.mark.parametrize(
    ("values", "lowest"), [([99.5, 100], "90 %"), ([89, None], "50 %"), ([12], "0 %"), ([], "90 %")]
)
def test_an_axis_of_percentages_starts_as_high_as_it_can(
    values: list[float | None], lowest: str
) -> None:
    assert scales.percentages(values).ticks[-1] == (100, lowest)


def test_an_axis_of_durations_is_marked_in_their_units() -> None:
    marked = [
        [text for _, text in scales.durations([most], str).ticks]
        for most in (0.04, 33, 100, 5000, 10**6)
    ]
    assert marked == [
        ["100 ms", "50 ms", "0 s"],
        ["1 m", "30 s", "0 s"],
        ["2 m", "1 m", "0 s"],
        ["2 h", "1 h", "0 s"],
        ["16 d", "8 d", "0 s"],
    ]


def test_percentages_round_to_all_or_nothing_only_when_it_is() -> None:
    told = [scales.percent(value) for value in (0, 0.001, 99.2, 99.99, 100)]
    assert told == ["0 %", "0.1 %", "99.2 %", "99.9 %", "100 %"]


def test_compact_numbers() -> None:
    told = [scales.compact(n) for n in (0, 640, 999, 1000, 1234, 99_999, 166_885, 2_400_000)]
    assert told == ["0", "640", "999", "1k", "1.2k", "100k", "167k", "2.4M"]


def test_a_line_stands_in_the_middle_of_each_bucket_and_has_gaps() -> None:
    chart = draw(plan(Line("ended", [0, 10, None, 5], "muted")))
    (line,) = chart.lines
    assert line.stroke == "M12.5 100.0L37.5 0.0M87.5 50.0h.01"
    assert line.area.startswith("M12.5 100.0L37.5 0.0L37.5 100.0L12.5 100.0Z")
    assert [row.ys for row in chart.rows] == ["100.0", "0.0", "", "50.0"]


def test_a_stacked_line_stands_on_the_one_below() -> None:
    chart = draw(
        plan(
            Line("ended", [4, 6], "muted"),
            Line("errors", [4, 0], "st-error", stacked=True),
            axis=scales.counts([10]),
        )
    )
    assert chart.lines[1].stroke == "M25.0 20.0L75.0 40.0"
    assert chart.lines[1].area == "M25.0 20.0L75.0 40.0L75.0 40.0L25.0 60.0Z"
    assert chart.rows[0].ys == "60.0 20.0"


def test_bars_of_nothing_are_not_drawn() -> None:
    chart = draw(plan(Line("failed", [0, 10, None, 5], "st-error"), bars=True))
    assert chart.lines[0].stroke == ""
    assert chart.lines[0].area == "M27.5 100.0h20.0V0.0h-20.0ZM77.5 100.0h20.0V50.0h-20.0Z"


def test_a_chart_says_its_shape_its_extremes_and_its_last_value() -> None:
    chart = draw(plan(Line("ended", [1, 2, None, 9], "muted"), zone=ZoneInfo("Europe/Stockholm")))
    assert chart.label == (
        "Throughput: ended rising, lowest 1 at 12:00 – 13:00, highest 9 at 15:00 – 16:00, last 9"
    )
    assert draw(plan(Line("ended", [3, 3], "muted"))).label == "Throughput: ended 3 throughout"
    empty = draw(plan(Line("ended", [None, None], "muted")))
    assert empty.is_empty
    assert empty.label == "Throughput: nothing"


def test_the_table_has_the_words_and_the_address_of_each_point() -> None:
    chart = draw(plan(Line("ended", [1, None], "muted")))
    first, second = chart.rows
    assert (first.time, first.cells, first.words, first.url) == (
        "10:00 – 11:00",
        ("1",),
        "words 0",
        "/at/0",
    )
    assert second.cells == ("",)


def test_a_mark_stands_at_its_moment_and_in_its_row() -> None:
    marks = [
        Mark(START + timedelta(minutes=90), "order-sync v27"),
        Mark(START - HOUR, "too early"),
    ]
    chart = draw(plan(Line("ended", [1, 2], "muted"), marks=marks))
    assert chart.marks == (DrawnMark(75.0, "order-sync v27", "", is_left=True, line=0),)
    assert [row.marks for row in chart.rows] == ["", "order-sync v27"]


def test_labels_of_marks_that_are_near_stand_in_two_lines() -> None:
    at = [START + timedelta(hours=hours) for hours in (1, 1.1, 1.2, 3)]
    chart = draw(plan(Line("ended", [1] * 4, "muted"), marks=[Mark(one, "v1") for one in at]))
    assert [(mark.line, mark.is_left, mark.label) for mark in chart.marks] == [
        (0, False, "v1"),
        (1, False, "v1"),
        (0, False, ""),  # no line has room for it
        (0, True, "v1"),
    ]
    assert "v1" in chart.rows[1].marks


def test_times_tell_days_where_a_chart_has_several() -> None:
    days = draw(plan(Line("ended", [1, 2, 3], "muted"), step=timedelta(days=1)))
    assert [row.time for row in days.rows] == ["14 Jul", "15 Jul", "16 Jul"]
    assert days.times == (
        (19.44, "15 Jul", "middle"),
        (52.78, "16 Jul", "middle"),
        (100.0, "17 Jul", "end"),
    )
    month = draw(plan(Line("ended", [1] * 30, "muted"), step=timedelta(days=1)))
    assert [text for _, text, _ in month.times] == ["16 Jul", "22 Jul", "28 Jul", "3 Aug", "13 Aug"]
    hours = draw(plan(Line("ended", [1] * 30, "muted")))
    assert hours.rows[20].time == "15 Jul 06:00 – 07:00"
    assert [text for _, text, _ in hours.times][:2] == ["10:00", "17:30"]


def test_a_sparkline_starts_at_zero_and_leaves_out_what_is_unknown() -> None:
    line = strips.sparkline([0, None, 10], width=20, height=10)
    assert line is not None
    assert line.stroke == "M0.0 9.0L20.0 2.0"
    assert strips.sparkline([0, 0, 0]) is None
    assert strips.sparkline([7]) is None
    # Of twelve spaces between thirteen values, three are a quarter.
    assert strips.sparkline([*[None] * 9, 4, 5, 6, 7]) is not None
    assert strips.sparkline([*[None] * 10, 5, 6, 7]) is None


def test_bars_of_a_strip_are_a_hairline_where_nothing_is() -> None:
    strip = strips.bars([10, 0, None, 5], width=40, height=16)
    assert strip.bars == "M0.00 0.0h9.00v16.0h-9.00zM30.00 8.0h9.00v8.0h-9.00z"
    assert strip.nothing == "M10.00 15.0h9.00v1.0h-9.00zM20.00 15.0h9.00v1.0h-9.00z"


@pytest.mark.parametrize(
    ("rate", "level"),
    [(None, "none"), (0, "0"), (0.005, "1"), (0.01, "2"), (0.05, "3"), (0.2, "4"), (1, "4")],
)
def test_levels_of_heat(rate: float | None, level: str) -> None:
    assert strips.level(rate) == level


def test_a_heat_strip_says_its_worst_and_numbers_what_is_bad() -> None:
    parts = [
        Part(None, "09:00"),
        Part(0.24, "10:00", "12 of 50 failed", "/there"),
        Part(0.02, "11:00"),
    ]
    strip = strips.heat_strip("invoice-approval", 0.14, parts)
    assert strip.label == "invoice-approval, 14.0 % failed, worst 24.0 % at 10:00"
    assert [(cell.level, cell.number) for cell in strip.cells] == [
        ("none", ""),
        ("4", "24"),
        ("2", ""),
    ]
    assert strip.cells[1].title == "10:00: 24 %, 12 of 50 failed"
    assert strip.width == 58
    assert strips.heat_strip("x", None, [Part(None, "09:00")]).label == "x, nothing ended"
    first, second, third = heat_cells(strip).split("<title>")[1:]
    assert first.startswith("09:00</title>")
    # The only link is the last one, though a cell in which nothing ran comes after it.
    assert "tabindex" not in heat_cells(strip)
    assert '<text x="29" y="12.6" text-anchor="middle">24</text></a>' in second
    assert third.endswith('<rect x="40.5" y=".5" width="17" height="17" rx="4"/></g>')
    assert "<a" not in heat_cells(strip, is_still=True)


def test_what_a_chart_and_a_strip_say_stays_text() -> None:
    planted = '"><script>'
    strip = strips.heat_strip("x", 1.0, [Part(1.0, planted, planted, planted)])
    chart = draw(
        plan(
            Line(planted, [1], "muted"),
            slots=[Slot(START, START + HOUR, planted, planted)],
            marks=[Mark(START, planted)],
        )
    )
    for html in (heat_cells(strip), heat_cells(strip, is_still=True), chart_rows(chart)):
        assert "&lt;script&gt;" in html
        assert "<script" not in html


def test_the_table_of_a_chart_has_a_row_for_each_bucket() -> None:
    rows = chart_rows(draw(plan(Line("ended", [3, None], "muted"))))
    assert rows.count("<tr ") == 2
    assert '<th scope="row"><a href="/at/0">10:00 – 11:00</a></th><td class="num">3</td>' in rows
    assert '<td class="num">–</td><td>words 1</td></tr>' in rows
