"""Every field that executions can be filtered by, declared once.

From here follow the parameters of an address, the words of the typed query, the filter bar,
completion, the condition for the database and the match of a live event. To add a field of a known
kind, add its line to FIELDS and to docs/grid-queries.md (CONTRIBUTING.md); a new kind is one file
in `kinds/`.
"""

import re
from dataclasses import dataclass
from datetime import tzinfo
from difflib import get_close_matches

from executions.grid.query.errors import InvalidValue
from executions.grid.query.kinds.arrangement import FlowArrangement
from executions.grid.query.kinds.block_type import BlockType
from executions.grid.query.kinds.choice import Choice
from executions.grid.query.kinds.duration import Duration
from executions.grid.query.kinds.exception_type import ExceptionType
from executions.grid.query.kinds.flag import HAS, IS, Flag
from executions.grid.query.kinds.flow import FlowName
from executions.grid.query.kinds.identifier import ExecutionId
from executions.grid.query.kinds.kind import Kind
from executions.grid.query.kinds.moment import Moment
from executions.grid.query.kinds.name import Name
from executions.grid.query.kinds.number import Number
from executions.grid.query.kinds.person import ME, Person
from executions.grid.query.kinds.semaphore import SemaphoreName
from executions.grid.query.kinds.variable import PREFIX, Variable
from executions.grid.query.kinds.wait import Wait
from executions.grid.query.kinds.words import Words
from executions.grid.query.kinds.worker import WorkerName
from executions.grid.query.lexer import EMPTY
from executions.models import Execution
from executions.states import Reason, Status
from flows import value_paths

#: What no text of an execution holds: NUL, half of a character, and what stands for either.
NO_TEXT = re.compile("[\0\ufffd\ud800-\udfff]")


@dataclass(frozen=True)
class Field:
    """A field: `key` is its parameter and its word in the typed query.

    `example` is what the editor of the filter bar shows. A field `of_exceptions` lets through only
    what has thrown one. `indexed` says whether a database index serves it; where none does, the
    page names the field when a query takes too long.
    """

    key: str
    label: str
    kind: Kind
    example: str = ""
    of_exceptions: bool = False
    indexed: bool = True

    def parse(self, value: str, zone: tzinfo) -> str:
        """Return a value in the one spelling that addresses hold.

        Times without a zone are in `zone`. Raises InvalidValue, also for a value that is missing.
        """
        value = value.strip()
        if NO_TEXT.search(value):
            shown = NO_TEXT.sub("\ufffd", value)
            raise InvalidValue(f"{self.key}: No text holds a character of “{shown}”. Leave it out.")
        if len(value) > (limit := self.kind.max_length):
            length = f"{len(value):,} characters are too many"
            raise InvalidValue(f"{self.key}: {length}. Write {limit:,} at most.")
        if not value or (value == EMPTY and not self.kind.optional):
            raise InvalidValue(self.kind.missing(self.key, self.example))
        try:
            return self.kind.parse(value, zone)
        except InvalidValue as problem:
            raise InvalidValue(f"{self.key}: {problem}") from None


_TRIGGERS = [(one, one[:1].upper() + one[1:]) for one in Execution.Trigger.values]
_REASONS = [(one.value, one.capitalize()) for one in Reason if one]
_AN_ID = "an execution's id"

FIELDS: tuple[Field, ...] = (
    Field("status", "Status", Choice("status", [(one.value, one.value) for one in Status])),
    Field("flow", "Flow", FlowName("flow_name", "f"), "order-*"),
    Field("folder", "Folder", FlowArrangement(by="folders"), "commerce/returns"),
    Field("label", "Label", FlowArrangement(by="labels"), "production"),
    Field("version", "Flow version", Number("version_number", "v"), "3", indexed=False),
    Field("workspace", "Workspace", Name("workspace_name", "w", optional=True), "Send invoices"),
    Field("block", "Block type", BlockType("block_type", "b"), "HTTP Request"),
    Field("description", "Block description", Words("block_description"), "GET"),
    Field("started", "Started", Moment("started_at"), ">-2h"),
    Field("updated", "Updated", Moment("updated_at"), "2026-11-01..2026-11-03"),
    Field("ended", "Ended", Moment("ended_at"), ">-2h", indexed=False),
    Field("duration", "Duration", Duration(), ">10s"),
    Field("claimed", "First on a worker", Moment("first_claimed_at"), ">-1h", indexed=False),
    Field("wait", "Wait to start", Wait(), ">2s", indexed=False),
    Field("initiator", "Initiator", Person("initiator_name", "i", id_column="initiator_id"), ME),
    Field("trigger", "Trigger", Choice("trigger", _TRIGGERS, "t")),
    Field("schedule", "Schedule", Number("schedule_id"), "12"),
    Field("worker", "Worker", WorkerName("lease_owner"), "host-1*"),
    Field(
        "debugger",
        "Debugged by",
        Person("debugged_by_name", id_column="debugged_by_id"),
        ME,
        indexed=False,
    ),
    Field(
        "error",
        "Exception type",
        ExceptionType("exception_types", "e"),
        "HttpRequest*",
        of_exceptions=True,
    ),
    Field("message", "Exception message", Words("error_message"), "timed out", of_exceptions=True),
    Field("failure", "Same failure", ExecutionId("failure"), "from an exception's page"),
    Field("has", "Has", Flag("has", HAS)),
    Field("is", "Is", Flag("is", IS)),
    Field("waiting", "Waiting for", Choice("reason", _REASONS), indexed=False),
    Field(
        "semaphore",
        "Waits for semaphore",
        SemaphoreName("waiting_for"),
        "/default/*",
        indexed=False,
    ),
    Field("steps", "Steps", Number("step_count"), ">1000", indexed=False),
    Field("parent", "Parent", ExecutionId("parent_id"), _AN_ID),
    Field("root", "Root", ExecutionId("root_id"), _AN_ID),
    Field("id", "Execution", ExecutionId("id"), _AN_ID),
)
BY_KEY = {field.key: field for field in FIELDS}


def field_of(key: str) -> Field | None:
    """Return the field of a key in any case, also of `var.<path>`."""
    if key[: len(PREFIX)].lower() == PREFIX:
        path = key[len(PREFIX) :]
        keys = value_paths.split(path)
        if not keys or not all(keys) or NO_TEXT.search(path):
            return None
        path = value_paths.join(keys)
        return Field(PREFIX + path, f"Variable {path}", Variable(path), "42")
    return BY_KEY.get(key.lower())


def near_field(key: str, cutoff: float = 0.75) -> str:
    """Return what to say of a word that is nearly the key of a field; "" when it is none."""
    if key.lower().startswith(PREFIX) or key.lower() == PREFIX[:-1]:
        return f"There is no field “{key}”. A variable is written var.name=value."
    near = get_close_matches(key.lower(), BY_KEY, n=3, cutoff=cutoff)
    near.sort(key=lambda name: name[0] != key[0].lower())
    return f"There is no field “{key}”. Did you mean {near[0]}?" if near else ""
