"""The columns of the grid, each declared once in COLUMNS.

A declaration says all that is known of a column: its header and cell, what an export writes, how it
sorts and groups the rows, and what docs/grid.md says of it. Headers, cells, live rows, the column
chooser, the export, the orders, the groups and the documentation follow from here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from django.utils import timezone
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import mark_safe

from executions import appearance
from executions.events import ExecutionChanged
from executions.grid.table import cells, sort_values
from executions.grid.table.sort_values import LENGTH, STARTED, UPDATED, SortValue
from flows import value_paths

#: The key of a variable's column is this and its path.
VARIABLE_PREFIX = "var."
#: Characters of a variable's path.
PATH_LIMIT = 200

_END_OF_CELL = mark_safe("</td>")


@dataclass(frozen=True)
class Sorting:
    """How a column sorts the rows: by these values and then by id.

    `ascending` and `descending` name the two orders for people. `indexes` are those of the model
    Execution that lead through all executions in this order, by the values and then the id; without
    one, each page sorts what matches. The index of a text column needs the collation "C".
    `descending_first` is the direction of the first click on the header.
    """

    values: tuple[SortValue, ...]
    ascending: str
    descending: str
    indexes: tuple[str, ...] = ()
    descending_first: bool = False

    @classmethod
    def by_name(
        cls, name: str, column: str, *, index: str = "", descending_first: bool = False
    ) -> "Sorting":
        """By a text column of the model, then by start."""
        value = sort_values.text(column, fold_case=not index)
        return cls(
            (value, STARTED),
            f"By {name}, A to Z",
            f"By {name}, Z to A",
            (index,) if index else (),
            descending_first,
        )

    @classmethod
    def by_number(
        cls, column: str, ascending: str, descending: str, *, index: str = ""
    ) -> "Sorting":
        """By a number column of the model, then by start; the highest first at the first click."""
        values = (sort_values.number(column), STARTED)
        indexes = (index,) if index else ()
        return cls(values, ascending, descending, indexes, descending_first=True)


@dataclass(frozen=True)
class Grouping:
    """How a column groups the rows: by a column of the model, which a filter finds by `field`.

    With `has_several`, that column holds any number of values, one a line: an execution is in the
    group of each.
    """

    field: str
    label: str
    column: str
    has_several: bool = False


@dataclass(frozen=True)
class Column:
    """A column of the grid.

    `description` is what docs/grid.md says it shows. `value` takes its value from an event, for an
    export; `cell` is the HTML of a cell, which is the value as text unless it is given. What
    neither finds in an event belongs into `executions.events.ExecutionChanged`.
    """

    key: str
    label: str
    description: str
    value: Callable[[ExecutionChanged], Any] | None = None
    cell: Callable[[ExecutionChanged], str] | None = None
    #: Pixels, unless somebody has resized it.
    width: int = 120
    #: Whether it is shown to users who have not chosen their columns.
    is_default: bool = False
    sorting: Sorting | None = None
    #: Why the rows can't be sorted by it, for the documentation.
    not_sortable: str = ""
    grouping: Grouping | None = None
    #: Marks what a reader looks at first; the other columns step back.
    emphasis: bool = False
    numeric: bool = False
    #: Whether its cells hold times, and so differ between time zones.
    has_times: bool = False
    #: Whether its cells of an execution that has not ended count on with time alone.
    is_ticking: bool = False
    #: Whether only screen readers are told its label.
    hides_label: bool = False
    #: Whether a card (static/css/cards.css) names it. The others have a place of their own there.
    is_labelled_on_card: bool = True
    #: The path of the variable that it shows, for such a column.
    variable: str = ""

    @cached_property
    def classes(self) -> str:
        """The CSS classes of its header and cells."""
        name = "var" if self.variable else self.key
        marks = ((self.emphasis, "main"), (self.numeric, "num"))
        return " ".join([f"c-{name}", *(name for wanted, name in marks if wanted)])

    @property
    def is_exported(self) -> bool:
        return self.value is not None or bool(self.variable)

    def content(self, event: ExecutionChanged) -> str:
        """What the cell of an execution holds; "" for a variable, which no event has."""
        if self.cell is not None:
            return self.cell(event)
        return "" if self.value is None else cells.of_value(self.value(event))

    def td(self, content: str) -> str:
        """The table cell around its content."""
        return self._start_of_cell + conditional_escape(content) + _END_OF_CELL

    @cached_property
    def _start_of_cell(self) -> str:
        label = format_html(' data-label="{}"', self.label) if self.is_labelled_on_card else ""
        return format_html('<td role="gridcell" class="{}"{}>', self.classes, label)


def _seconds(event: ExecutionChanged) -> float:
    """How long the execution took, or has taken until now."""
    took = (event.ended_at or timezone.now()) - event.started_at
    return round(took.total_seconds(), 3)


def _wait(event: ExecutionChanged) -> str:
    """The reason and what the execution waits for: a time, a semaphore, the ids of tasks."""
    if not event.reason:
        return ""
    due = event.due_at.isoformat() if event.due_at else ""
    return " ".join(filter(None, (event.reason, event.waiting_for, due)))


COLUMNS: tuple[Column, ...] = (
    Column(
        "icon",
        "Status icon",
        "the status, as an icon",
        cell=cells.status_icon,
        width=26,
        is_default=True,
        not_sortable="sort by `status`",
        hides_label=True,
        is_labelled_on_card=False,
    ),
    Column(
        "flow",
        "Flow Name",
        "the flow; links to the execution and, under the pointer, to the flow",
        value=lambda event: event.flow_name,
        cell=cells.flow_name,
        width=168,
        is_default=True,
        sorting=Sorting.by_name("flow", "flow_name", index="execution_by_flow"),
        grouping=Grouping("flow", "Flow", "flow_name"),
        emphasis=True,
        is_labelled_on_card=False,
    ),
    Column(
        "started",
        "Started At",
        "when it started; links to the execution",
        value=lambda event: event.started_at,
        cell=cells.started_at,
        width=96,
        is_default=True,
        sorting=Sorting(
            (STARTED,),
            "Oldest first",
            "Newest first",
            indexes=("execution_all", "execution_roots"),
            descending_first=True,
        ),
        emphasis=True,
        has_times=True,
    ),
    Column(
        "updated",
        "Updated At",
        "its last change",
        value=lambda event: event.updated_at,
        width=102,
        is_default=True,
        sorting=Sorting(
            (UPDATED,),
            "Least recently updated first",
            "Most recently updated first",
            indexes=("execution_by_update",),
            descending_first=True,
        ),
        has_times=True,
    ),
    Column(
        "status",
        "Status",
        "the status in words, with where it is paused or what it waits for",
        value=lambda event: appearance.label(event.status, unhandled=event.unhandled),
        cell=cells.status,
        width=126,
        is_default=True,
        sorting=Sorting.by_name("status", "status", index="execution_by_status"),
        grouping=Grouping("status", "Status", "status"),
        emphasis=True,
        is_labelled_on_card=False,
    ),
    Column(
        "type",
        "Block Type",
        "the type of the block that its token stands on",
        value=lambda event: event.block_type,
        cell=cells.block_type,
        width=138,
        is_default=True,
        sorting=Sorting.by_name("block type", "block_type"),
        grouping=Grouping("block", "Block type", "block_type"),
    ),
    Column(
        "description",
        "Block Description",
        "the description of that block",
        value=lambda event: event.block_description,
        cell=cells.block_description,
        width=164,
        is_default=True,
        sorting=Sorting.by_name("block description", "block_description"),
        emphasis=True,
        is_labelled_on_card=False,
    ),
    Column(
        "workspace",
        "Workspace Name",
        "the innermost workspace that it is in",
        value=lambda event: event.workspace_name,
        width=100,
        is_default=True,
        sorting=Sorting.by_name("workspace", "workspace_name"),
    ),
    Column(
        "version",
        "Flow Version",
        "the version of the flow, with a link to it",
        value=lambda event: event.version_number,
        cell=cells.flow_version,
        width=92,
        sorting=Sorting.by_number(
            "version_number", "Lowest flow version first", "Highest flow version first"
        ),
        numeric=True,
    ),
    Column(
        "duration",
        "Duration",
        "how long it took, or has taken until now; ticks in the browser",
        value=_seconds,
        cell=cells.duration,
        width=80,
        is_default=True,
        sorting=Sorting(
            (LENGTH,),
            "Shortest first",
            "Longest first",
            indexes=("execution_by_length",),
            descending_first=True,
        ),
        numeric=True,
        is_ticking=True,
        is_labelled_on_card=False,
    ),
    Column(
        "initiator",
        "Initiator",
        "who started it, or which flow",
        value=lambda event: event.initiator_name,
        cell=cells.initiator,
        width=108,
        is_default=True,
        sorting=Sorting.by_name("initiator", "initiator_name"),
    ),
    Column(
        "trigger",
        "Trigger",
        "how it was started",
        value=lambda event: event.trigger,
        cell=cells.trigger,
        width=100,
        sorting=Sorting.by_name("trigger", "trigger", descending_first=True),
    ),
    Column(
        "worker",
        "Worker",
        "the machine whose worker holds it now, with the process in the title",
        value=lambda event: event.lease_owner,
        cell=cells.worker,
        width=120,
        # Few hold a worker: they come first.
        sorting=Sorting.by_name("worker", "lease_owner", descending_first=True),
    ),
    Column(
        "id",
        "Execution Id",
        "the end of its id, with all of it in the title",
        value=lambda event: event.id,
        cell=cells.execution_id,
        width=128,
        not_sortable="ids are in the order of the start: sort by `started`",
    ),
    Column(
        "parent",
        "Parent",
        "the id of its parent, with a link",
        value=lambda event: event.parent_id or "",
        cell=cells.parent,
        width=128,
        not_sortable="follow its link, or filter by `parent:`",
    ),
    Column(
        "root",
        "Root",
        "the id of the execution at the top of its tree, with a link",
        value=lambda event: event.root_id,
        cell=cells.root,
        width=128,
        not_sortable="ids are in the order of the start: sort by `started`",
        grouping=Grouping("root", "Root", "root_id"),
    ),
    Column(
        "waiting",
        "Waiting For",
        "what it waits for: a child, tasks, a time, a semaphore, a person, a signal, Data Storage; "
        "while Queued, the limit",
        value=_wait,
        cell=cells.waiting_for,
        width=160,
        not_sortable="executions wait for different things: filter by `waiting:` or `semaphore:`",
        has_times=True,
    ),
    Column(
        "error",
        "Error Summary",
        "the message and type of the exception that ended it, or on whose port it stands",
        value=lambda event: ": ".join(filter(None, (event.error_type, event.error_message))),
        cell=cells.error,
        width=160,
        is_default=True,
        # Few have an exception: they come first.
        sorting=Sorting.by_name("exception", "error_type", descending_first=True),
        grouping=Grouping("error", "Exception type", "exception_types", has_several=True),
        is_labelled_on_card=False,
    ),
    Column(
        "retried",
        "Retried As",
        "the newest retry of it, or of its retries, with a link and what became of it",
        value=lambda event: event.retried_as or "",
        cell=cells.retried_as,
        width=140,
        not_sortable="filter by `is:superseded`, `is:being-retried` or `is:failed-again`",
    ),
    Column(
        "debugger",
        "Debugged By",
        "who debugs it",
        value=lambda event: event.debugged_by_name,
        cell=cells.debugged_by,
        width=108,
        sorting=Sorting.by_name("debugger", "debugged_by_name", descending_first=True),
    ),
    Column(
        "steps",
        "Steps",
        "how many it has taken",
        value=lambda event: event.step_count,
        width=72,
        sorting=Sorting.by_number("step_count", "Fewest steps first", "Most steps first"),
        numeric=True,
    ),
)

#: The columns of users who have not chosen theirs.
DEFAULT_COLUMNS = tuple(column.key for column in COLUMNS if column.is_default)


@lru_cache(maxsize=1024)
def column_of(key: str) -> Column | None:
    """The column of that key, also of a variable; None where there is none."""
    if not key.startswith(VARIABLE_PREFIX):
        return next((column for column in COLUMNS if column.key == key), None)
    path = key.removeprefix(VARIABLE_PREFIX).strip()
    names = value_paths.split(path)
    if not all(names) or not names or len(path) > PATH_LIMIT or not path.isprintable():
        return None
    path = value_paths.join(names)
    return Column(
        VARIABLE_PREFIX + path,
        path,
        "a variable",
        width=140,
        has_times=True,
        variable=path,
    )


def groupings() -> dict[str, Grouping]:
    """What the rows can be grouped by, in the order of the columns."""
    return {found.field: found for column in COLUMNS if (found := column.grouping)}
