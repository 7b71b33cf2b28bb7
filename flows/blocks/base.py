"""What a block is: its properties, its ports, and what a visit of a token decides.

Pure. A block never does I/O: one with an effect describes it, and whoever runs it passes in the
clients (`flows.blocks.clients`) when the effect is to be performed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from math import inf
from typing import Any, ClassVar

from flows.blocks.clients import Clients
from flows.blocks.errors import invalid_property, property_empty, property_null
from flows.blocks.requests import BlockRequest
from flows.questions import Question
from flows.values import ExceptionValue, TaskValue, article, has_secret, reveal, type_name


class Port(StrEnum):
    """A port by which an execution leaves a block."""

    BOTTOM = "bottom"
    RIGHT = "right"
    EXCEPTION = "exception"


class Shape(StrEnum):
    """How a block is drawn."""

    START = "start"
    END = "end"
    ACTION = "action"
    DECISION = "decision"
    LOOP = "loop"
    WORKSPACE = "workspace"
    HANDLER = "handler"


class Direction(StrEnum):
    """Whether a property is read, written or both."""

    INPUT = "I"
    OUTPUT = "O"
    BOTH = "IO"


class Effect(Enum):
    """What running a block does to the world outside the execution."""

    #: Nothing: after a crash it simply runs again.
    NONE = "none"
    #: Something that may be done again (reading a file, a GET request).
    REPEATABLE = "repeatable"
    #: Something that must not be done twice: after a crash it throws BlockInterruptedException.
    ONCE = "once"


@dataclass(frozen=True, slots=True)
class Property:
    """One property of a block type, named and typed as in the blocks catalogue.

    `default` is what counts when a flow file leaves the property out. `required` refuses null
    with PropertyNullException, `nonempty` also what is empty with PropertyEmptyException.
    `choices` are the members of an enum type, given by name.
    """

    name: str
    type: str = "dynamic"
    direction: Direction = Direction.INPUT
    default: Any = None
    required: bool = False
    nonempty: bool = False
    advanced: bool = False
    choices: tuple[str, ...] = ()
    description: str = ""

    @property
    def reads(self) -> bool:
        return self.direction is not Direction.OUTPUT

    @property
    def writes(self) -> bool:
        return self.direction is not Direction.INPUT


#: The properties that most blocks have beside their own (semantics 76, 78).
TIMEOUT = Property(
    "Block Timeout",
    "TimePeriod",
    advanced=True,
    description="how long it may run, as a period or in milliseconds; null or 0 for no limit",
)
SEMAPHORE = Property(
    "Semaphore",
    "SemaphoreDetails",
    advanced=True,
    description="Name, Scope, ConcurrencyLimit, Queue (Priority, QueueTimeout) or null",
)


@dataclass(slots=True)
class Visit:
    """What a block works with: its input properties by name, its state since its last visit
    (loops), the exception that entered it (handlers), the time of the visit, the flow's name, and
    for how many seconds the visit may take.
    """

    inputs: Mapping[str, Any]
    state: Any = None
    exception: ExceptionValue | None = None
    now: Callable[[], datetime] = field(default=lambda: datetime.max)
    flow: str = ""
    seconds: float = inf


# What a visit decides -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Leave:
    """Leave by a port, saving output properties; `state` comes back at the next visit."""

    port: Port = Port.BOTTOM
    outputs: Mapping[str, Any] = field(default_factory=dict)
    state: Any = None
    log: "LogLine | None" = None


@dataclass(frozen=True, slots=True)
class EnterWorkspace:
    """Move the token into the workspace that the block opens."""


@dataclass(frozen=True, slots=True)
class LeaveWorkspace:
    """Leave the workspace by the bottom port of the block that opened it."""


@dataclass(frozen=True, slots=True)
class JumpTo:
    """Go on at the Wireless Receiver of the same workspace that is called so (semantics 9)."""

    receiver: str


@dataclass(frozen=True, slots=True)
class EndExecution:
    """End the execution, at any depth (semantics 13)."""


@dataclass(frozen=True, slots=True)
class WaitUntil(BlockRequest):
    """Park until then; the block's `resume` is called with None."""

    at: datetime


@dataclass(frozen=True, slots=True)
class RunChild(BlockRequest):
    """Start a child execution and park until it ends; `resume` is called with its outputs, or the
    exception that it ended with. One that is not awaited goes on beside, and `resume` is called
    with its TaskValue at once."""

    flow: str
    inputs: Mapping[str, Any]
    awaited: bool = True


@dataclass(frozen=True, slots=True)
class AwaitTasks(BlockRequest):
    """Park until all these tasks are completed; `resume` is called with their states in this
    order. `cancel` stops them first."""

    tasks: tuple[TaskValue, ...]
    cancel: bool = False


@dataclass(frozen=True, slots=True)
class AskPerson(BlockRequest):
    """Park until a person has answered; `resume` is called with an Answer."""

    question: Question


@dataclass(frozen=True, slots=True)
class LogLine:
    """What a Log Event block writes; kept in the same transaction as its step."""

    severity: str
    event_type: str
    details: Any
    started_at: datetime | None
    ended_at: datetime | None


Outcome = Leave | EnterWorkspace | LeaveWorkspace | JumpTo | EndExecution | BlockRequest


class Block:
    """A type of block. Subclasses declare the class attributes and override `run`, or, when they
    have an effect, `perform`."""

    #: Its name; with the palette in front, as in "Lists/Remove All Items", where several palettes
    #: have a block of that name.
    type: ClassVar[str]
    palette: ClassVar[str]
    shape: ClassVar[Shape] = Shape.ACTION
    icon: ClassVar[str] = "var"
    properties: ClassVar[tuple[Property, ...]] = ()
    ports: ClassVar[tuple[Port, ...]] = (Port.BOTTOM, Port.EXCEPTION)
    #: Whether a connection may enter it: start blocks and handlers of a whole scope take none.
    enterable: ClassVar[bool] = True
    #: Whether it is entered by a red port, and by nothing else (semantics 32).
    takes_exceptions: ClassVar[bool] = False
    #: Whether it opens a workspace of its own.
    opens_workspace: ClassVar[bool] = False
    effect: ClassVar[Effect] = Effect.NONE
    #: Whether it reads the texts inside of values of any type: what it makes of secret ones is
    #: secret then.
    reads_texts: ClassVar[bool] = False
    #: Whether it gives values to other executions and people: it takes no secret texts.
    shares_values: ClassVar[bool] = False
    #: What it throws beyond what its properties and its effect imply, by the types' short names.
    throws: ClassVar[tuple[str, ...]] = ()
    #: The module without which it cannot run, and the extra of this product that brings it.
    needs: ClassVar[tuple[str, str] | None] = None
    #: A collection property that is read at the first of a loop's visits only; `inputs` holds its
    #: items as a list at every visit.
    items_property: ClassVar[str] = ""
    #: Whether it has the common properties of those names.
    has_timeout: ClassVar[bool] = True
    has_semaphore: ClassVar[bool] = True

    def __init_subclass__(cls) -> None:
        """Add the common properties to its own."""
        super().__init_subclass__()
        common = (TIMEOUT,) * cls.has_timeout + (SEMAPHORE,) * cls.has_semaphore
        own = tuple(prop for prop in cls.properties if prop not in (TIMEOUT, SEMAPHORE))
        names = {prop.name for prop in own}
        cls.properties = own + tuple(prop for prop in common if prop.name not in names)

    @property
    def name(self) -> str:
        """The name without the palette."""
        return self.type.rpartition("/")[2]

    def port_names(self) -> Mapping[Port, str]:
        """Return what the diagram calls the ports that have a name of their own."""
        return {}

    def effect_of(self, inputs: Mapping[str, Any]) -> Effect:
        """The effect that this visit would have; a block may depend on its properties."""
        return self.effect

    def run(self, visit: Visit) -> Outcome:
        """Decide what the visit does. Raises BlockException to throw."""
        return Leave()

    def resume(self, visit: Visit, result: Any) -> Outcome:
        """Decide again after what was asked for (a BlockRequest) came."""
        return Leave()

    def perform(self, inputs: Mapping[str, Any], clients: Clients) -> Mapping[str, Any]:
        """Do the effect and return output properties. Raises BlockException to throw."""
        raise NotImplementedError(self.type)


# Types of properties --------------------------------------------------------------------------

_INT32 = 2**31


def _is_int(value: Any) -> bool:
    return type(value) is int and -_INT32 <= value < _INT32


#: Which values a declared type takes, null apart. Of a list or structure in a flow file they are
#: asked before the run too, without the items that only the run knows.
TYPES: dict[str, Callable[[Any], bool]] = {
    "dynamic": lambda value: True,
    "TValue": lambda value: True,
    "TResult": lambda value: True,
    "Boolean": lambda value: type(value) is bool,
    "Int32": _is_int,
    "Nullable<Int32>": _is_int,
    "String": lambda value: type(value) is str,
    "IEnumerable": lambda value: type(value) in (list, dict, str),
    "IEnumerable<String>": lambda value: type(value) is list,
    "IList": lambda value: type(value) is list,
    "IList<TItem>": lambda value: type(value) is list,
    "IList<TKey>": lambda value: type(value) is list,
    "IList<Int32>": lambda value: type(value) is list and all(map(_is_int, value)),
    "IEnumerable<Int32>": lambda value: type(value) is list and all(map(_is_int, value)),
    "IEnumerable<TItem>": lambda value: type(value) in (list, dict, str),
    "IEnumerable<TKey>": lambda value: type(value) in (list, dict, str),
    "IEnumerable<TValue>": lambda value: type(value) in (list, dict, str),
    "IDictionary<TKey, TItem>": lambda value: type(value) is dict,
    "QueueWithPriority<TItem, TPriority>": lambda value: type(value) is dict,
    "SearchOptions": lambda value: type(value) in (str, int),
    "StringSplitOptions": lambda value: type(value) in (str, int),
    "TextEncodingFormat": lambda value: type(value) in (str, int),
    "TextToFind": lambda value: (
        type(value) is dict and all(part is None or type(part) is str for part in value.values())
    ),
    "CultureInfo": lambda value: type(value) is str,
    "IFormatProvider": lambda value: type(value) is str,
    "Match": lambda value: type(value) is dict,
    "List<Match>": lambda value: type(value) is list,
    "IList<String>": lambda value: type(value) is list,
    "DateTime": lambda value: type(value) in (datetime, str),
    "DateTimeOffset": lambda value: type(value) is datetime,
    "DateTimeComponentType": lambda value: type(value) in (str, int),
    "TObject": lambda value: True,
    "TItem": lambda value: True,
    "TKey": lambda value: True,
    "TPriority": lambda value: True,
    "Structure": lambda value: type(value) is dict,
    "InputVariables": lambda value: (
        type(value) is dict and all(type(name) is str for name in value)
    ),
    "ITask<TResult>": lambda value: type(value) is TaskValue,
    "IList<ITask<TResult>>": lambda value: (
        type(value) is list and all(item is None or type(item) is TaskValue for item in value)
    ),
    "IExecutionTask": lambda value: type(value) is TaskValue,
    "IList<TResult>": lambda value: type(value) is list,
    "FlowReference": lambda value: type(value) is str,
    "WirelessReceiverBlockReference": lambda value: type(value) is str,
    "TimePeriod": lambda value: type(value) in (dict, timedelta, int, float),
    "SemaphoreDetails": lambda value: type(value) is dict,
    "ScopeDefinition": lambda value: type(value) is dict,
    "HttpRequest": lambda value: type(value) is dict,
    "HttpCredentials": lambda value: type(value) is dict,
    "HttpResponse": lambda value: type(value) is dict,
    "SoapRequest": lambda value: type(value) is dict,
    "SoapResponse": lambda value: type(value) is dict,
    "DataCommand": lambda value: type(value) in (dict, list),
    "ConnectionDetails": lambda value: type(value) is dict,
    "EmailMessage": lambda value: type(value) is dict,
    "BasicEmailSessionDetails": lambda value: type(value) is dict,
    "EncryptableText": lambda value: type(value) is str,
    "SshSessionDetails": lambda value: type(value) is dict,
    "SshLogs": lambda value: type(value) is dict,
    "IDictionary<String, dynamic>": lambda value: type(value) is dict,
    "EmailFilter": lambda value: type(value) is dict,
    "EmailMark": lambda value: type(value) in (str, int),
    "Exception": lambda value: type(value) is ExceptionValue,
    "Nullable<DateTimeOffset>": lambda value: type(value) is datetime,
    "StringComparison": lambda value: type(value) in (str, int),
    "Nullable<EventSeverity>": lambda value: type(value) in (str, int),
    "Encoding": lambda value: type(value) in (str, int),
    "ContentOptions": lambda value: type(value) in (str, int),
    "FileInformation": lambda value: type(value) is dict,
    "FolderInformation": lambda value: type(value) is dict,
    "IList<Structure>": lambda value: type(value) is list,
    "IList<FileMatch>": lambda value: type(value) is list,
    "IDictionary<String, IList<FileMatch>>": lambda value: type(value) is dict,
    "JsonSerializerSettings": lambda value: type(value) is dict,
}
#: Types that hold no null (semantics 20).
NOT_NULLABLE = frozenset({
    "Boolean", "ContentOptions", "DateTimeComponentType", "EmailMark", "Int32", "SearchOptions",
    "StringComparison", "StringSplitOptions", "TextEncodingFormat",
})  # fmt: skip


#: Types that are Date Times: a Local Date Time takes the site's zone there.
MOMENTS = frozenset({"DateTimeOffset", "Nullable<DateTimeOffset>"})
#: Types of values that a block may only pass on, whatever they are.
_PASSED_ON = frozenset({
    "dynamic", "TValue", "TResult", "TObject", "TItem", "TKey", "TPriority", "IEnumerable", "IList",
    "IList<TItem>", "IList<TKey>", "IEnumerable<TItem>", "IEnumerable<TKey>", "IEnumerable<TValue>",
    "IDictionary<TKey, TItem>", "QueueWithPriority<TItem, TPriority>", "Structure",
    "InputVariables",
})  # fmt: skip


def passes_on(prop: Property) -> bool:
    """Whether a block need not read the texts of this property."""
    return prop.type in _PASSED_ON


def check(prop: Property, value: Any) -> None:
    """Hold a value against a property's declaration.

    Raises PropertyNullException, PropertyEmptyException or InvalidPropertyValueException as a
    BlockException (semantics 20, 50, 52).
    """
    if value is None:
        if prop.required:
            raise property_null(prop.name)
        if prop.type in NOT_NULLABLE:
            raise invalid_property(prop.name, f"null is not {article(prop.type)}.")
        return
    if not TYPES[prop.type](value) and not (has_secret(value) and TYPES[prop.type](reveal(value))):
        raise invalid_property(
            prop.name, f"{article(type_name(value))} is not {article(prop.type)}."
        )
    if prop.nonempty and isinstance(value, str | list | dict) and not value:
        raise property_empty(prop.name)
