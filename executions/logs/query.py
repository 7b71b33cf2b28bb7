"""What is searched for in the logs, as an address says it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from functools import cached_property
from urllib.parse import urlencode

from executions.access import ExecutionSet
from executions.grid.query import lexemes
from executions.grid.query.moments import moment_range, read_span
from executions.store.read.log_lines import Conditions, Key, NewLine
from flows.blocks.logs.log_event import SEVERITIES

#: Characters of a word that the index holds (`executions_log_lexemes`).
_WORD = 200


@dataclass(frozen=True)
class LogQuery:
    """The words of a search, the least severity, a flow, and a span as the grid writes one.

    `before` is the line after which an older page begins. `problem` says why the span cannot be
    read.
    """

    search: str = ""
    severity: str = ""
    flow: str = ""
    span: str = ""
    before: Key | None = None
    problem: str = ""

    @classmethod
    def parse(cls, address: Mapping[str, str], zone: tzinfo) -> "LogQuery":
        severity = address.get("severity", "")
        span, problem = read_span(address, zone)
        return cls(
            search=address.get("q", "").replace("\0", "").strip()[:200],
            severity=severity if severity in SEVERITIES[1:] else "",
            flow=address.get("flow", "").replace("\0", "").strip()[:120],
            span=span,
            before=parse_key(address.get("before", "")),
            problem=problem,
        )

    @cached_property
    def words(self) -> list[str]:
        return [word[:_WORD] for word in lexemes.words(self.search)]

    @cached_property
    def severities(self) -> tuple[str, ...] | None:
        """The severities that are asked for; None for all."""
        return SEVERITIES[SEVERITIES.index(self.severity) :] if self.severity else None

    @property
    def is_filtered(self) -> bool:
        return bool(self.search or self.severity or self.flow or self.span)

    def is_live(self, now: datetime) -> bool:
        """Return whether new lines may come in at the top of the page."""
        if self.before or self.problem:
            return False
        until = self._between(now)[1]
        return until is None or until > now

    def conditions(self, seen: ExecutionSet, now: datetime) -> Conditions:
        """Return what the database is asked for; of the executions that are seen alone."""
        since, until = self._between(now)
        return Conditions(
            seen=seen,
            flow_name=self.flow or None,
            severities=self.severities,
            words=lexemes.words_query(self.words) if self.words else None,
            since=since,
            until=until,
        )

    def concerns(self, line: NewLine) -> bool:
        """Return whether a new line may be one that is asked for. Its words are not compared."""
        return (not self.flow or self.flow == line.flow_name) and (
            self.severities is None or line.severity in self.severities
        )

    def query_string(self, before: Key | None = None) -> str:
        """Return the address's query for this search, from the newest line or from `before` on."""
        there = replace(self, before=before)
        pairs = {
            "q": there.search,
            "severity": there.severity,
            "flow": there.flow,
            "at": there.span,
            "before": format_key(before) if before else "",
        }
        return urlencode({name: value for name, value in pairs.items() if value})

    def _between(self, now: datetime) -> tuple[datetime | None, datetime | None]:
        return moment_range(self.span)[0].between(now) if self.span else (None, None)


def format_key(key: Key) -> str:
    """Return a key as an address has it."""
    return f"{key.at.isoformat()}~{key.id}"


def parse_key(text: str) -> Key | None:
    """Return the key that a text names, if it does."""
    at, _, number = text[:60].partition("~")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return None
    return Key(moment, int(number)) if moment.tzinfo else None
