"""Commands on databases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flows.blocks.base import Block, Direction, Effect, Property
from flows.blocks.clients import Clients, DatabaseAddress, DataProblem, Executed, Statement
from flows.blocks.data import statements
from flows.blocks.errors import BlockException, exception, invalid_argument, property_null
from flows.blocks.records import Record
from flows.values import article, type_name

#: What a command gives: rows or a count; one of these for each of its statements; rows only; a
#: count only.
KINDS = ("Command", "Commands", "QueryCommand", "NonQueryCommand")
#: What CommandException tells of as its category.
CATEGORY = "SQL"


class ExecuteDataCommand(Block):
    """Runs SQL on a database, in one transaction: all of it is done, or nothing.

    Connection Details is a structure of ConnectionString, a URL:
    `postgresql://user:password@host:5432/database`, `sqlite:///orders.db` for a file in the files
    folder, or one of SQLAlchemy for another database ([settings](settings.md)). With
    `ReadOnly: true` nothing can be changed, and the block may be run again after a crash; that is
    for PostgreSQL, SQLite, MySQL and MariaDB.

    Command is a structure of CommandText, Parameters and Type, or a list of these. A parameter is
    written as `@Name` or `:Name`; its value is sent beside the statement and never becomes a part
    of it. A list after IN stands for its items; with another list the statement runs once for each
    item.

    By the Type, Result is the rows of a query or else the number of affected rows (Command); a list
    of these, one for each statement of the text (Commands); rows, empty for what is no query
    (QueryCommand); or a number, -1 for a query (NonQueryCommand). A row is a structure, a second
    column of a name is Name_2. Of a decimal number that no Number holds exactly there is the text.

    Category is SQL, ErrorCode 1000 where there is no connection; 2000 for a statement that the
    database does not understand, 2001 for one that begins or ends a transaction, 2002 for several
    statements where there may be one; 2003 for a value that no parameter can be; 3000 for what
    fails while it runs, takes too long or gives too much; 3001 for a parameter that is missing.
    StatementExceptions maps the index of the statement to the problem.

    With Close Connection false the connection stays open for the blocks after it that have the same
    details: temporary tables and settings (SET) are there for the next one. Each block is still a
    transaction of its own. The connection is closed with the execution, and when that waits, is
    paused, or goes to another worker, as after a crash. The next block then begins a new one, in
    which these tables and settings are missing: make them again after a wait, and rely on no
    setting that decides what a statement changes. Where the server has closed the connection, or a
    file was replaced, the next block throws CommandException 1000, and the one after it begins a
    new one.
    """

    type = "Execute Data Command"
    palette = "Data"
    icon = "sql"
    effect = Effect.ONCE
    properties = (
        Property(
            "Command", "DataCommand", required=True, default={"CommandText": "", "Parameters": None}
        ),
        Property(
            "Connection Details",
            "ConnectionDetails",
            required=True,
            default={
                "ConnectionString": "Server=localhost;Database=YourDatabase;"
                "Trusted_Connection=true;"
            },
        ),
        Property(
            "Close Connection",
            "Boolean",
            default=True,
            description="false leaves it open for the next block with these details",
        ),
        Property("Result", "dynamic", Direction.OUTPUT),
    )
    throws = (
        "PropertyEmptyException",
        "ArgumentException",
        "InvalidConnectionStringException",
        "CommandException",
    )

    def effect_of(self, inputs: Mapping[str, Any]) -> Effect:
        is_read_only = inputs["Connection Details"].get("ReadOnly") is True
        return Effect.REPEATABLE if is_read_only else Effect.ONCE

    def perform(self, inputs: Mapping[str, Any], clients: Clients) -> Mapping[str, Any]:
        details = Record("Connection Details", inputs["Connection Details"])
        address = DatabaseAddress(
            details.needed_text("ConnectionString"), is_read_only=details.flag("ReadOnly", False)
        )
        several = type(inputs["Command"]) is list
        commands = _commands(inputs["Command"])
        try:
            batches = [batch for command in commands for batch in command.batches]
            keep = not inputs["Close Connection"]
            done = iter(clients.databases.execute(address, batches, keep=keep))
        except DataProblem as problem:
            raise _failed(problem) from None
        results = [command.result([next(done) for _ in command.batches]) for command in commands]
        return {"Result": results if several else results[0]}


@dataclass(frozen=True, slots=True)
class _Command:
    """A command: its statements, each as often as it is run."""

    kind: str
    batches: list[list[Statement]]

    def result(self, done: Sequence[Sequence[Executed]]) -> Any:
        results = [_result(self.kind, batch) for batch in done]
        return results if self.kind == "Commands" else results[0]


def _result(kind: str, batch: Sequence[Executed]) -> Any:
    """What comes of one statement, run once or for several items."""
    rows = [row for one in batch for row in one.rows or []]
    is_query = any(one.rows is not None for one in batch)
    if kind == "QueryCommand" or (kind != "NonQueryCommand" and is_query):
        return rows
    return -1 if is_query else sum(one.count for one in batch)


def _commands(commands: Any) -> list[_Command]:
    if type(commands) is not list:
        return [_command(Record("Command", commands))]
    if not commands:
        raise exception("PropertyEmptyException", "'Command' is an empty list of commands.")
    records = list(Record("Command", {"Commands": commands}).parts("Commands"))
    return [_command(record) for record in records]


def _command(record: Record) -> _Command:
    kind = record.text("Type") or KINDS[0]
    if kind not in KINDS:
        raise invalid_argument(record.path("Type"), f"{kind} is not one of {', '.join(KINDS)}.")
    text = record.members.get("CommandText")
    if text is None and "CommandText" in record.members:
        raise property_null(record.path("CommandText"))
    found = statements.split(record.needed_text("CommandText"))
    if not found:
        raise exception("PropertyEmptyException", "'CommandText' holds no statement.")
    parameters = record.part("Parameters")
    bound = parameters.members if parameters else {}
    try:
        if len(found) > 1 and kind != "Commands":
            raise DataProblem(
                statements.SEVERAL, f"a {kind} has one statement; set Type to Commands for several."
            )
        return _Command(kind, _batches(found, bound))
    except DataProblem as problem:
        raise _failed(problem) from None


def _batches(found: list[statements.Parts], bound: Mapping[Any, Any]) -> list[list[Statement]]:
    named = {}
    for name, value in bound.items():
        if type(name) is not str:
            kind = article(type_name(name))
            raise DataProblem(statements.BINDING, f"{kind} is not the name of a parameter.")
        named[name] = value
    batches = []
    for index, parts in enumerate(found):
        try:
            batches.append(statements.bind(parts, named))
        except DataProblem as problem:
            raise problem.at(index) from None
    return batches


def _failed(problem: DataProblem) -> BlockException:
    if problem.code is None:
        return exception("InvalidConnectionStringException", str(problem))
    index = problem.statement or 0
    return exception(
        "CommandException",
        f"The command failed: {problem}",
        category=CATEGORY,
        error_code=problem.code,
        extra={"StatementExceptions": {index: str(problem)}},
    )
