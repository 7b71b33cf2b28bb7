"""A flag: something that is so or not, such as `is:root`. Several have to hold together."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

from django.db.models import Q

from executions import watches
from executions.events import ExecutionChanged
from executions.grid.query.kinds.choice import one_of, options_with
from executions.grid.query.kinds.kind import AllOf, Predicate, QueryContext
from executions.grid.query.kinds.suggestions import SuggestedValue
from executions.grid.query.lexer import alternatives
from executions.models import FAILED, OPEN_FAILURE, SUPERSEDED
from executions.states import RETRIED, RetryState, Status


@dataclass(frozen=True)
class Option:
    """A value of a flag; `condition` and `holds` mean the same."""

    value: str
    label: str
    condition: Q = field(repr=False)
    holds: Predicate = field(repr=False)
    #: How sentences name it, as in "it is no longer live"; "" for the value.
    phrase: str = ""
    has_index: bool = True

    def sql(self, context: QueryContext) -> Q:
        return self.condition


@dataclass(frozen=True)
class _Watched(Option):
    """Whether the reader watches it."""

    def sql(self, context: QueryContext) -> Q:
        return Q(pk__in=watches.current(context.me or 0).values("execution_id"))


@dataclass(frozen=True)
class Flag(AllOf):
    """Some options of which each is so or not; `verb` is how sentences begin: "is", "has"."""

    name = "flag"

    verb: str
    choices: Sequence[Option] = field(repr=False)

    @property
    def options(self) -> Sequence[tuple[str, str]]:
        return [(option.value, option.label) for option in self.choices]

    def typed_values(self, operator: str, raw: str) -> tuple[str, ...]:
        return alternatives(raw)

    def parse(self, text: str, zone: tzinfo) -> str:
        return one_of(text, [option.value for option in self.choices])

    def value_sql(self, value: str, context: QueryContext) -> Q:
        return self._option(value).sql(context)

    def value_matches(self, value: str) -> Predicate:
        return self._option(value).holds

    def mismatch(self, label: str, values: Sequence[str], negated: bool) -> str:
        if tuple(values) == (WATCHED.value,):
            return f"you {'now' if negated else 'no longer'} watch it"
        phrases = " and ".join(self._option(value).phrase or value for value in values)
        if negated:
            return f"it now {self.verb} {phrases}"
        return f"it {'is no longer' if self.verb == 'is' else f'no longer {self.verb}'} {phrases}"

    def is_personal(self, values: Sequence[str]) -> bool:
        return any(value == WATCHED.value for value in values)

    def has_index(self, values: Sequence[str]) -> bool:
        return all(self._option(value).has_index for value in values)

    def suggest(self, user: Any, typed: str) -> list[SuggestedValue]:
        return options_with(self.options, typed)

    def _option(self, value: str) -> Option:
        return next(option for option in self.choices if option.value == value)


def _failed(event: ExecutionChanged) -> bool:
    return event.status == Status.ERROR or event.unhandled


WATCHED = _Watched(
    "watched", "Watched by you", Q(), lambda event, context: event.id in context.watched
)
IS = (
    Option("root", "Has no parent", Q(parent=None), lambda event, _: event.parent_id is None),
    Option(
        "child",
        "Has a parent",
        Q(parent__isnull=False),
        lambda event, _: event.parent_id is not None,
    ),
    Option("live", "Has not ended", Q(ended_at=None), lambda event, _: event.ended_at is None),
    Option(
        "over", "Has ended", Q(ended_at__isnull=False), lambda event, _: event.ended_at is not None
    ),
    Option(
        "failed",
        "Failed: Error, or ended by an unhandled exception",
        FAILED,
        lambda event, _: _failed(event),
    ),
    Option(
        "unhandled",
        "Ended by an unhandled exception",
        Q(unhandled=True),
        lambda event, _: event.unhandled,
    ),
    Option(
        "open-failure",
        "Failed, and no retry of it has ended well",
        OPEN_FAILURE,
        lambda event, _: _failed(event) and event.retry_state != RetryState.ENDED,
        phrase="an open failure",
    ),
    Option(
        "superseded",
        "Superseded: a retry of it has ended well",
        SUPERSEDED,
        lambda event, _: event.retry_state == RetryState.ENDED,
    ),
    Option(
        "retried",
        "Retried: its newest retry runs, has ended or has failed",
        Q(retry_state__in=[state.value for state in RETRIED]),
        lambda event, _: event.retry_state in RETRIED,
    ),
    Option(
        "being-retried",
        "Its newest retry has not ended",
        Q(retry_state=RetryState.LIVE.value),
        lambda event, _: event.retry_state == RetryState.LIVE,
        phrase="being retried",
    ),
    Option(
        "failed-again",
        "Its newest retry failed",
        Q(retry_state=RetryState.FAILED.value),
        lambda event, _: event.retry_state == RetryState.FAILED,
        phrase="one whose retry failed",
    ),
    WATCHED,
)
#: Whether an execution has thrown an exception, also one that was caught.
EXCEPTION = Option(
    "exception",
    "An exception",
    ~Q(exception_types=""),
    lambda event, _: bool(event.exception_types),
    phrase="an exception",
)
HAS = (
    EXCEPTION,
    Option(
        "children",
        "Child executions",
        Q(child_count__gt=0),
        lambda event, _: event.child_count > 0,
        phrase="child executions",
        has_index=False,
    ),
    Option(
        "failed-children",
        "Failed executions below it",
        Q(failed_descendants__gt=0),
        lambda event, _: event.failed_descendants > 0,
        phrase="failed executions below it",
    ),
)
