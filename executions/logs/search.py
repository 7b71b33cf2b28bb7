"""Reading a page of lines, within bounds: so many lines, in so much time, and without a count."""

from dataclasses import dataclass
from datetime import datetime

from executions.access import ExecutionSet
from executions.grid.planner import statement_timeout
from executions.grid.planner.statement_timeout import FOLLOW_INDEX, NO_PARALLEL, TooSlow
from executions.logs.query import LogQuery
from executions.store.read import log_lines
from executions.store.read.log_lines import Conditions, Key, Line

#: Lines of a page, and of those that come in at once.
PAGE_SIZE = 100
#: Flows, and what somebody has started, that are read each by its own index and merged.
BRANCHES = 12
#: Seconds after which PostgreSQL follows an index in the order of time, whatever it expects of
#: that, and after which a search is given up.
FIRST_TRY_SECONDS = 0.7
SEARCH_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class LogPage:
    """Lines, the newest first. `older` is where the next page begins, if there is one."""

    lines: list[Line]
    older: Key | None = None
    is_too_slow: bool = False


def read_page(query: LogQuery, seen: ExecutionSet, now: datetime) -> LogPage:
    """Return a page of lines of the executions that somebody sees."""
    if query.problem:
        return LogPage([])
    conditions = query.conditions(seen, now)
    try:
        found = _fetch(conditions, PAGE_SIZE + 1, before=query.before)
    except TooSlow:
        return LogPage([], is_too_slow=True)
    older = found[PAGE_SIZE - 1].key if len(found) > PAGE_SIZE else None
    return LogPage(found[:PAGE_SIZE], older)


def read_after(query: LogQuery, seen: ExecutionSet, now: datetime, after: Key) -> list[Line] | None:
    """Return the lines that are newer than one, the newest first; None when there are more than a
    page of them. Raises TooSlow."""
    conditions = query.conditions(seen, now)
    found = _fetch(conditions, PAGE_SIZE + 1, after=after)
    return None if len(found) > PAGE_SIZE else found[::-1]


def _fetch(
    conditions: Conditions, limit: int, *, before: Key | None = None, after: Key | None = None
) -> list[Line]:
    asked = [
        log_lines.statement(part, limit, before=before, after=after)
        for part in conditions.parts(BRANCHES)
    ]
    try:
        answers = statement_timeout.run(asked, FIRST_TRY_SECONDS, NO_PARALLEL)
    except TooSlow:
        answers = statement_timeout.run(asked, SEARCH_SECONDS, (*NO_PARALLEL, *FOLLOW_INDEX))
    found = {line.id: line for rows in answers for line in log_lines.lines(rows)}
    in_order = sorted(found.values(), key=lambda line: (line.at, line.id), reverse=after is None)
    return in_order[:limit]
