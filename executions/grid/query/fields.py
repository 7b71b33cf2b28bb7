"""Every field that executions can be filtered by, declared once.

From here follow the parameters of an address, the words of the typed query, the filter bar, what
completes a word, the condition for the database and the test of an event. To add one, name it in
FIELDS; what its kind means is in `terms`, `conditions` and `matching`.
"""

import re
from dataclasses import dataclass
from enum import Enum

from executions.states import Reason, Status
from flows import value_paths


class Kind(Enum):
    """How the values of a field are written, and how several of them combine."""

    #: One of a few words; any of those named.
    CHOICE = "choice"
    #: A name, or its beginning and a star; any of those named. Case counts only for flows.
    NAME = "name"
    #: Words that a text holds, each as the beginning of one; all of them.
    WORDS = "words"
    #: A range of moments, lengths or whole numbers; all of those named.
    TIME = "time"
    DURATION = "duration"
    NUMBER = "number"
    #: Something that is so or not; all of those named.
    FLAG = "flag"
    #: An execution's id; any of those named.
    ID = "id"
    #: What a variable holds at the last checkpoint; all of those named.
    VARIABLE = "variable"

    @property
    def alternatives(self) -> bool:
        """Whether several values are alternatives, or have to hold together."""
        return self in (Kind.CHOICE, Kind.NAME, Kind.ID)


@dataclass(frozen=True)
class Field:
    """A field: `key` is its parameter and its word in the typed query.

    `column` is a column of Execution and a field of ExecutionChanged alike. `code` marks the
    lexemes of its values in the search index. `options` are the values of a choice or flag, with
    the words that people read.
    """

    key: str
    label: str
    kind: Kind
    column: str = ""
    code: str = ""
    options: tuple[tuple[str, str], ...] = ()
    #: What the editor of the filter bar shows as an example.
    example: str = ""
    #: Whether the column holds any number of names, one a line.
    several: bool = False

    @property
    def person(self) -> str:
        """The column of the user that a field names, who may be `me`; "" for other fields."""
        return {"initiator": "initiator_id", "debugger": "debugged_by_id"}.get(self.key, "")

    @property
    def may_be_empty(self) -> bool:
        """Whether an execution may have none: no worker, say."""
        return self.key in ("workspace", "block", "initiator", "worker", "debugger")

    @property
    def exact_case(self) -> bool:
        """Two flows may differ by case alone, so a whole name is taken as it stands."""
        return self.key == "flow"


def _choices(values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((value, value[:1].upper() + value[1:]) for value in values)


TRIGGERS = ("page", "command line", "parent", "task", "demo", "retry")
IS = (
    ("root", "Has no parent"),
    ("child", "Has a parent"),
    ("live", "Is not over"),
    ("over", "Is over"),
    ("failed", "Failed: Error, or ended by an unhandled exception"),
    ("unhandled", "Ended by an unhandled exception"),
    ("watched", "You watch it"),
)
HAS = (
    ("exception", "An exception"),
    ("children", "Child executions"),
    ("failed-children", "Failed executions below it"),
)
#: The word by which people name themselves as the initiator.
ME = "me"

FIELDS: tuple[Field, ...] = (
    Field(
        "status", "Status", Kind.CHOICE, "status", options=tuple((s.value, s.value) for s in Status)
    ),
    Field("flow", "Flow", Kind.NAME, "flow_name", "f", example="order-*"),
    Field("version", "Flow version", Kind.NUMBER, "version_number", "v", example="3"),
    Field("workspace", "Workspace", Kind.NAME, "workspace_name", "w", example="Send invoices"),
    Field("block", "Block type", Kind.NAME, "block_type", "b", example="HTTP Request"),
    Field("description", "Block description", Kind.WORDS, "block_description", example="GET"),
    Field("started", "Started", Kind.TIME, "started_at", example=">-2h"),
    Field("updated", "Updated", Kind.TIME, "updated_at", example="2026-11-01..2026-11-03"),
    Field("duration", "Duration", Kind.DURATION, example=">10s"),
    Field("initiator", "Initiator", Kind.NAME, "initiator_name", "i", example=ME),
    Field("trigger", "Trigger", Kind.CHOICE, "trigger", "t", options=_choices(TRIGGERS)),
    Field("worker", "Worker", Kind.NAME, "lease_owner", example="host-1*"),
    Field("debugger", "Debugged by", Kind.NAME, "debugged_by_name", example=ME),
    Field(
        "error",
        "Exception type",
        Kind.NAME,
        "exception_types",
        "e",
        example="HttpRequest*",
        several=True,
    ),
    Field("message", "Exception message", Kind.WORDS, "error_message", example="timed out"),
    Field("failure", "Same failure", Kind.ID, "failure", example="from an exception's page"),
    Field("has", "Has", Kind.FLAG, options=HAS),
    Field("is", "Is", Kind.FLAG, options=IS),
    Field(
        "waiting",
        "Waiting for",
        Kind.CHOICE,
        "reason",
        options=_choices(tuple(r.value for r in Reason if r)),
    ),
    Field("semaphore", "Waits for semaphore", Kind.NAME, "waiting_for", example="/default/*"),
    Field("steps", "Steps", Kind.NUMBER, "step_count", example=">1000"),
    Field("parent", "Parent", Kind.ID, "parent_id", example="an execution's id"),
    Field("root", "Root", Kind.ID, "root_id", example="an execution's id"),
    Field("id", "Execution", Kind.ID, "id", example="an execution's id"),
)
BY_KEY = {field.key: field for field in FIELDS}
#: What no text of an execution holds: NUL, half of a character, and what stands for either.
NO_TEXT = re.compile("[\0\ufffd\ud800-\udfff]")
#: What the key of a variable's field begins with.
VARIABLE = "var."


def field_of(key: str) -> Field | None:
    """The field of a key, in any case; also of `var.<path>`."""
    if key[: len(VARIABLE)].lower() == VARIABLE:
        path = key[len(VARIABLE) :]
        keys = value_paths.split(path)
        if not keys or not all(keys) or NO_TEXT.search(path):
            return None
        path = value_paths.join(keys)
        return Field(VARIABLE + path, f"Variable {path}", Kind.VARIABLE, example="42")
    return BY_KEY.get(key.lower())
