"""Statuses: what a command or a worker may change is what the transition table allows."""

from executions.states import (
    LIVE,
    PAUSABLE,
    RESUMABLE,
    STOPPABLE,
    TERMINAL,
    WORKING,
    Status,
    sources,
    status_after_release,
)


def test_named_sets_of_statuses_follow_the_transition_table() -> None:
    assert sources(Status.PAUSED) | sources(Status.PAUSING) >= PAUSABLE
    assert sources(Status.STOPPED) | sources(Status.STOPPING) >= STOPPABLE
    assert sources(Status.QUEUED) >= RESUMABLE
    assert sources(Status.ENDED) == WORKING
    assert sources(Status.STOPPED) == LIVE == frozenset(Status) - TERMINAL


def test_an_end_wins_over_whatever_was_asked_for_meanwhile() -> None:
    assert all(status_after_release(held, end) is end for held in WORKING for end in TERMINAL)
