"""SQL expressions over an execution's columns that indexes and queries have in common."""

from typing import Any

from django.contrib.postgres.search import SearchVectorField
from django.db.models import DurationField, Func, TextField
from django.db.models.functions import Cast


class Length(Func):
    """How long an execution took, as an interval that orders and is indexed.

    What is not over is longer than all that is, the longer the earlier it began: its length is
    100,000 years less the time from 1970 to its start. A clock that was set back makes no length
    negative.
    """

    output_field = DurationField()
    arity = 2

    def __init__(self, started_at: Any = "started_at", ended_at: Any = "ended_at") -> None:
        super().__init__(started_at, ended_at)

    def as_sql(self, compiler: Any, connection: Any, *_: Any, **extra: Any) -> Any:
        started, ended = (compiler.compile(one)[0] for one in self.source_expressions)
        unended = f"INTERVAL '36500000 days' - ({started} - TIMESTAMPTZ '1970-01-01 00:00:00+00')"
        over = f"GREATEST({ended} - {started}, INTERVAL '0')"
        return f"(CASE WHEN {ended} IS NULL THEN {unended} ELSE {over} END)", []


class Lexemes(Func):
    """The lexemes by which an execution is found (`executions.grid.query.lexemes`)."""

    function = "executions_lexemes"
    output_field = SearchVectorField()

    def __init__(self, *columns: Any) -> None:
        super().__init__(*(columns or LEXEME_COLUMNS))


#: In the order of the function's arguments.
LEXEME_COLUMNS = (
    "flow_name", "block_type", "block_description", "workspace_name", "error_type",
    "error_message", "initiator_name", "trigger", "version_number", "exception_types",
)  # fmt: skip


class LogLexemes(Func):
    """The words by which a log entry is found, as `executions.grid.query.lexemes` splits them. Of
    long details, the beginning counts."""

    function = "executions_log_lexemes"
    output_field = SearchVectorField()

    def __init__(self) -> None:
        super().__init__("event_type", Cast("details", TextField()))


#: The same in SQL, as the index has it.
LOG_LEXEMES = "executions_log_lexemes(event_type, details::text)"
