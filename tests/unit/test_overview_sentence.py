"""The sentence above the overview says what its numbers say."""

from dataclasses import replace

import pytest

from executions.overview.sentence import Failing, Situation, Unowned, write

QUIET = Situation(span="last 24 hours", ended=18_204, failed=0, queued=0, needs_person=0, online=16)


def test_all_is_quiet() -> None:
    said = write(replace(QUIET, last_failure="Friday 16:20"))
    assert said.is_quiet
    assert said.text == (
        "All is quiet, since Friday 16:20. 18,204 executions ended in the last 24 hours, none"
        " failed. Nothing waits, nobody is needed, 16 workers are online."
    )


def test_nothing_has_ever_failed_and_one_worker() -> None:
    said = write(replace(QUIET, ended=1, queued=2, needs_person=3, online=1))
    assert said.text == (
        "All is quiet. 1 execution ended in the last 24 hours, none failed. 2 wait, 3 need a"
        " person, 1 worker is online."
    )


def test_failures_that_are_taken_care_of_need_nobody_but_are_not_quiet() -> None:
    said = write(replace(QUIET, failed=12))
    assert said.is_quiet
    assert said.text.startswith("Nothing needs someone. 18,204 executions ended")
    assert "12 failed" in said.text


def test_what_needs_someone_is_counted_and_named() -> None:
    said = write(
        replace(
            QUIET,
            failed=300,
            unowned=[Unowned("Stock.LineReservedException", "/f/1", 11)],
            unowned_count=1,
            failing=[Failing("invoice-approval", "/g", 20, 98, "09:00")],
            online=14,
            silent=["wk-07", "wk-12"],
            waits=75,
            waits_words="1 m 15 s",
        )
    )
    assert not said.is_quiet
    assert said.things == 4
    assert said.text == (
        "4 things need someone. Stock.LineReservedException is back since v11 and has no owner."
        " invoice-approval fails in 1 of 5 since 09:00. 2 of 16 workers are silent. An execution"
        " has waited for a worker for 1 m 15 s."
    )
    assert [piece.url for piece in said.pieces if piece.url][:2] == ["/f/1", "/g"]


def test_what_is_not_named_is_counted() -> None:
    unowned = [Unowned("A", "/a"), Unowned("B", "/b")]
    said = write(replace(QUIET, unowned=unowned, unowned_count=7))
    assert said.head == "7 things need someone."
    assert said.text.endswith("A has no owner. B has no owner. And 5 more.")


@pytest.mark.parametrize(
    ("online", "words"), [(0, "No worker is online."), (None, "Redis does not answer, so nobody")]
)
def test_workers_that_are_missing_are_one_thing(online: int | None, words: str) -> None:
    said = write(replace(QUIET, online=online))
    assert said.head == "1 thing needs someone."
    assert words in said.text


@pytest.mark.parametrize(
    ("failed", "ended", "words"),
    [(4, 4, "every execution"), (3, 4, "1 of 2"), (1, 20, "1 of 20"), (14, 100, "1 of 7")],
)
def test_how_often_a_flow_fails(failed: int, ended: int, words: str) -> None:
    said = write(replace(QUIET, failing=[Failing("x", "/x", failed, ended, "09:00")]))
    assert f"x fails in {words} since 09:00." in said.text
