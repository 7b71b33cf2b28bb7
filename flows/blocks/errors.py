"""The exceptions that blocks and the interpreter throw, with the original's names and texts."""

from typing import Any

from flows.values import ExceptionValue, summary

HELP = "\r\nPlease click the HelpLink for more information on how to fix this."

_PROPERTY = "Cortex.Exceptions.Common.Property."
_FLOW = "Cortex.Exceptions.Flows."
_BLOCKS = _FLOW + "Blocks."
_EXECUTION = _FLOW + "Execution."

#: Every type that this product throws by itself, with what it means.
MEANINGS: dict[str, str] = {
    _PROPERTY + "PropertyNullException": "A property that needs a value is null.",
    _PROPERTY + "PropertyEmptyException": "A property that needs content is empty.",
    _PROPERTY + "PropertyContainsNullOrEmptyItemException": (
        "A list holds a null or empty item where every item must have content."
    ),
    _PROPERTY + "PropertyContainsNullItemException": "A list holds null where it must not.",
    _PROPERTY + "PropertyValueOutOfRangeException": "A property's value is outside its range.",
    "System.ArgumentException": "A property's value is none of those that are allowed.",
    "System.ArgumentOutOfRangeException": "A date lies outside what can be represented.",
    "Cortex.Exceptions.Decisions.PropertyNotNullableException": (
        "If Null was asked about a value of a type that can never be null."
    ),
    "Cortex.Exceptions.Loops.InfiniteLoopException": "A For Loop's Increment would never end it.",
    "Cortex.Exceptions.Lists.CannotModifyReadOnlyListException": "The list can't be changed.",
    "Cortex.Exceptions.Dictionaries.CannotModifyReadOnlyDictionaryException": (
        "The dictionary can't be changed."
    ),
    _PROPERTY + "DuplicateValueException": "A list names the same value twice.",
    _PROPERTY + "PropertyItemCountException": (
        "Two lists that belong together are empty, or differ in their number of items."
    ),
    "Cortex.Exceptions.Dictionaries.KeyPresentException": "The dictionary has the key already.",
    "Cortex.Exceptions.Dictionaries.KeyNotPresentException": "The dictionary lacks the key.",
    "Cortex.Exceptions.Dictionaries.KeysNotPresentException": "The dictionary lacks some keys.",
    "Cortex.Exceptions.Dictionaries.OccurrenceNotPresentException": (
        "The dictionary has the key, but not as often."
    ),
    "System.ArgumentNullException": "A list of keys holds null, which no key can be.",
    _FLOW + "FlowException": "Thrown by the flow itself with Throw New Flow Exception.",
    _BLOCKS + "InvalidPropertyValueException": (
        "A property's expression failed, or its value has the wrong type. The inner exception and "
        "PropertyId say which."
    ),
    _BLOCKS + "BlockTimeoutException": "The block ran longer than its Block Timeout.",
    _BLOCKS + "InvalidBlockTimeoutException": "The Block Timeout is negative, or too long.",
    "Cortex.Exceptions.Concurrency.SemaphoreCouldNotBeAcquiredException": (
        "Others hold the semaphore, as many as it lets in, and the block does not wait for it, or "
        "has waited as long as it may. ConcurrencyLimit is that of the block that created it."
    ),
    _BLOCKS + "BlockInterruptedException": (
        "The worker died while the block was doing something that must not be done twice. Whether "
        "it was done is not known."
    ),
    _BLOCKS + "UnexpectedException": (
        "The block failed in a way that it did not foresee, which is a defect of CortexWeb. "
        "Administrators see the traceback on the execution's page; the worker's log has it too."
    ),
    "Cortex.Exceptions.Wireless.WirelessReceiverBlockNotFoundException": (
        "A Wireless Sender names no receiver, or one that is not in its workspace."
    ),
    _EXECUTION + "OutputPortNotConnectedException": "The token left by a port without connection.",
    _EXECUTION + "RuntimeTranslationException": (
        "A block to which no path leads, and which was set as the next one, cannot be run."
    ),
    _EXECUTION + "InvalidInputVariablesException": (
        "An input is missing, unknown or of the wrong type."
    ),
    _EXECUTION + "InvalidDefaultValuesException": "The default value of a variable failed.",
    _EXECUTION + "FlowExecutionStoppedException": "The awaited execution was stopped.",
    _EXECUTION + "FlowNotFoundException": "There is no published version of the flow to run.",
    _EXECUTION + "ProcessInActivityException": "Run Flow of an activity names a process.",
    _EXECUTION + "ExecutionDepthException": "Run Flow is nested deeper than the limit.",
    _EXECUTION + "TooManyChildrenException": (
        "The execution has started as many children as one execution may."
    ),
    _EXECUTION + "TooManyBlocksException": (
        "The execution has visited as many blocks as one execution may. It ends in Error at once: "
        "no block may handle this, or a loop around the handler would run for ever."
    ),
    _EXECUTION + "VariableTooLargeException": (
        "A value, or all values of the execution together, would be larger than the limit, or a "
        "value nested deeper. The variable keeps what it held."
    ),
    _EXECUTION + "WorkerLostException": (
        "Several workers in a row have died at this block, as by running out of memory."
    ),
    "Cortex.Exceptions.Xml.XmlSerializationException": (
        "A text is not XML, or a structure cannot be written as XML."
    ),
    "System.FormatException": "A format or a template is not valid, or does not suit its value.",
    "System.Globalization.CultureInfoNotFoundException": (
        "There is no culture of the name that Format Provider gives."
    ),
    "System.Text.RegularExpressions.RegexMatchTimeoutException": (
        "A search with a regular expression took too long."
    ),
    "Cortex.Exceptions.Text.RegexParsingFailedException": (
        "A regular expression cannot be read. RegexParseExceptions says why."
    ),
    "Cortex.Exceptions.Text.TextDecodingException": (
        "A text is not in the format in which it is to be read."
    ),
    "System.OutOfMemoryException": "The block needed more memory than a worker's process may take.",
    "Cortex.Exceptions.Tasks.AggregateTaskException": (
        "Tasks that were awaited together failed or were cancelled. TaskExceptions maps the index "
        "of each to its exception."
    ),
    "Cortex.Exceptions.Tasks.TaskNotFoundException": (
        "The task's execution is none that this flow, or a flow around it, has started, or it was "
        "deleted."
    ),
    "CortexWeb.Exceptions.People.PersonNotFoundException": (
        "There is no active user, or no group, of the name that Ask A Person gives."
    ),
    "CortexWeb.Exceptions.People.QuestionNotAnsweredException": (
        "Nobody answered the question of Ask A Person before it was due."
    ),
    "Cortex.Exceptions.DataStorage.DataStorageCollectionNotFoundException": (
        "There is no collection of that name in that scope. Create Collection makes one."
    ),
    "Cortex.Exceptions.DataStorage.KeyInDataStorageCollectionNotFoundException": (
        "The collection lacks the key."
    ),
    "Cortex.Exceptions.Services.ServiceUnavailableException": "Data Storage is full.",
    "Cortex.Exceptions.FilesAndFolders.OperationFailedException": (
        "Files or folders could not be used. PathExceptions maps the path of each to its exception."
    ),
    "Cortex.Exceptions.FilesAndFolders.InvalidPathException": (
        "A destination is no path, or names a file where it must name a folder."
    ),
    "Cortex.Exceptions.FilesAndFolders.InvalidFolderNameException": (
        "A new name is none that a folder can have, or something else has it."
    ),
    "CortexWeb.Exceptions.Csv.CsvException": (
        "A text is no table, or a field has not the type of its column. Line and Column say where."
    ),
    "System.IO.FileNotFoundException": "There is no such file or folder.",
    "System.IO.PathTooLongException": "A path or a name in it is too long.",
    "System.IO.IOException": "A file or folder could not be used, as on a full disk.",
    "System.UnauthorizedAccessException": (
        "A path leads out of the folder that flows may use, or the file may not be used."
    ),
    "Cortex.Exceptions.Email.EmailSessionException": (
        "There is no session with the mail server. Category and ErrorCode say why: Socket 100 "
        "(port) and 101 (host), SSL 200 (required) and 201 (not supported, or its certificate is "
        "not trusted), UserCredentials 300."
    ),
    "MailKit.Net.Smtp.SmtpCommandException": (
        "The mail server refused a command of SMTP, as one that names a recipient. ErrorCode is "
        "the status that it answered."
    ),
    "MailKit.Net.Imap.ImapCommandException": (
        "The mail server refused a command of IMAP, as one that names a folder."
    ),
    "Cortex.Exceptions.Ssh.SshClientException": (
        "There is no session with the SSH server, its key is not known, or a setting is not valid. "
        "InvalidSettings maps the setting to why."
    ),
    "Cortex.Exceptions.Ssh.SshResponseException": (
        "The shell did not show its prompt in time, or wrote too much."
    ),
    "Cortex.Exceptions.Http.InvalidRequestException": "The HTTP request is not possible.",
    "Cortex.Exceptions.Http.InvalidResponseException": "The response is not what it claims to be.",
    "Cortex.Exceptions.Http.HttpAuthorisationException": "The HTTP credentials were refused.",
    "Cortex.Exceptions.Data.InvalidConnectionStringException": (
        "A connection string is not the URL of a database that may be used."
    ),
    "Cortex.Exceptions.Data.CommandException": (
        "A database refused a command, or was not reached; ErrorCode tells which. Nothing of the "
        "command was done, unless the connection was lost while it was being confirmed."
    ),
    "Cel.EvaluationException": (
        "An expression failed. It is the inner exception of the InvalidPropertyValueException that "
        "the block throws."
    ),
    "Newtonsoft.Json.JsonReaderException": "The text is not JSON.",
    "Newtonsoft.Json.JsonSerializationException": "The value has no JSON form.",
}
_FULL = {full.rpartition(".")[2]: full for full in MEANINGS}


class BlockException(Exception):
    """Raised by a block to throw; `value` is what handlers see."""

    def __init__(self, value: ExceptionValue) -> None:
        super().__init__(f"{value.short_type}: {value.message}")
        self.value = value


def help_link(short_type: str) -> str:
    """Where the help pages tell what a type of MEANINGS means."""
    return f"/help/#{short_type}"


def exception(short_type: str, message: str, **fields: Any) -> BlockException:
    """A BlockException of a type in MEANINGS, by its short name. KeyError for any other."""
    fields.setdefault("help_link", help_link(short_type))
    return BlockException(ExceptionValue(_FULL[short_type], message, **fields))


def property_null(name: str) -> BlockException:
    """A property is null that must not be."""
    return exception(
        "PropertyNullException",
        f"'{name}' is null; it must be provided with a non-null value.{HELP}",
    )


def property_empty(name: str) -> BlockException:
    """A property is empty that must not be."""
    return exception(
        "PropertyEmptyException",
        f"'{name}' is empty; it must be provided a value.{HELP}",
    )


def port_not_connected(port: str, title: str) -> BlockException:
    """The port by which a block is left leads nowhere."""
    return exception(
        "OutputPortNotConnectedException",
        f"Block output port isn't connected. The {port} port of '{title}' leads nowhere.",
    )


def contains_null(name: str) -> BlockException:
    """A list holds a null that must not."""
    return exception(
        "PropertyContainsNullItemException",
        f"'{name}' contains a null item; every item must be provided.{HELP}",
    )


def out_of_range(name: str, value: Any, wanted: str) -> BlockException:
    """The value of a property is outside of what is allowed."""
    return exception(
        "PropertyValueOutOfRangeException",
        f"'{name}' is {summary(value)}; it must be {wanted}.{HELP}",
    )


def invalid_property(
    name: str, problem: str, inner: ExceptionValue | None = None
) -> BlockException:
    """The value of a property is not valid, with the problem in words."""
    return exception(
        "InvalidPropertyValueException",
        f"The value of '{name}' is not valid: {problem}",
        inner=inner,
        extra={"PropertyId": name},
    )


def duplicate(name: str, value: Any) -> BlockException:
    """A value is there twice that may be there once."""
    return exception(
        "DuplicateValueException",
        f"'{name}' holds {summary(value)} twice; every value may be there once.{HELP}",
    )


def item_count(first: str, size: int, second: str, other_size: int) -> BlockException:
    """Two lists have to hold as many items as each other, at least one, and do not."""
    return exception(
        "PropertyItemCountException",
        f"'{first}' and '{second}' must hold as many items as each other, and at least one; they "
        f"hold {size} and {other_size}.{HELP}",
    )


def invalid_argument(name: str, problem: str) -> BlockException:
    return exception("ArgumentException", f"The value of '{name}' is not valid: {problem}")


def unexpected(problem: Exception) -> ExceptionValue:
    """What a block throws when it fails in a way that it did not foresee. It says nothing of the
    inside: that is in the traceback, which administrators see."""
    if isinstance(problem, MemoryError):
        return exception(
            "OutOfMemoryException", "The block needs more memory than a worker's process may take."
        ).value
    return exception(
        "UnexpectedException",
        "The block failed in a way that it did not foresee, which is a defect of CortexWeb. "
        "Administrators see more on the execution's page.",
    ).value


def untranslatable(problem: str) -> BlockException:
    """A block with errors that validation could not see (semantics 53)."""
    return exception(
        "RuntimeTranslationException",
        f"The block cannot be run: {problem}",
        extra={"FailedTranslationSummary": problem},
    )


def receiver_missing(code: int) -> BlockException:
    """WirelessReceiverBlockNotFoundException: 101 for none selected, 100 for a deleted one."""
    told = "The 'Wireless Receiver Block' provided could not be found."
    if code == 101:
        told = "'Wireless Receiver Block' is empty; it must be provided a value."
    return exception(
        "WirelessReceiverBlockNotFoundException",
        told + HELP,
        category="NotFound",
        error_code=code,
    )
