"""Enumerations of the original: their members may be given by name, qualified name or number.

A member is a text. `numbered` knows it by its qualified name (`ScopeOption.Current`), and by its
bare name where it stands in a structure that is one of the original's types, as in a
ScopeDefinition.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flows.blocks.base import Property
from flows.blocks.errors import invalid_argument
from flows.blocks.scopes import LEVELS, OPTIONS
from flows.values import summary


@dataclass(frozen=True, slots=True)
class Enumeration:
    """An enumeration: its name, and the number of each member."""

    name: str
    members: Mapping[str, int]

    def property(self, name: str, default: str, *, advanced: bool = True) -> Property:
        """Return a property that takes a member."""
        return Property(name, self.name, default=default, advanced=advanced, choices=tuple(self))

    def __iter__(self) -> Any:
        return iter(self.members)

    def member(self, prop: str, value: Any) -> str:
        """Return the name of the member that a property gives. Raises ArgumentException as a
        BlockException."""
        found = self._named(value) if isinstance(value, str) else self._numbered(value)
        if found is None:
            wanted = ", ".join(self.members)
            raise invalid_argument(prop, f"{summary(value)} is not one of {wanted}.")
        return found

    def flags(self, prop: str, value: Any) -> frozenset[str]:
        """Return the names of the members that a property joins, as in
        `RemoveEmptyEntries|TrimEntries`. Raises ArgumentException as a
        BlockException."""
        if isinstance(value, int) and not isinstance(value, bool):
            found = {name for name, number in self.members.items() if number and value & number}
            if value < 0 or value & ~sum(self.members.values()):
                self.member(prop, value)
            return frozenset(found)
        parts = str(value).replace(",", "|").split("|")
        return frozenset(self.member(prop, part.strip()) for part in parts)

    def number(self, value: Any) -> int | None:
        """Return the number of what names a member, in any case; None for anything else."""
        if not isinstance(value, str):
            return None
        plain = value.casefold().removeprefix(f"{self.name.casefold()}.")
        return next(
            (number for name, number in self.members.items() if name.casefold() == plain), None
        )

    def _named(self, text: str) -> str | None:
        plain = text.removeprefix(f"{self.name}.")
        return plain if plain in self.members else None

    def _numbered(self, value: Any) -> str | None:
        if type(value) is not int:
            return None
        return next((name for name, number in self.members.items() if number == value), None)


STRING_COMPARISON = Enumeration(
    "StringComparison",
    {
        "CurrentCulture": 0,
        "CurrentCultureIgnoreCase": 1,
        "InvariantCulture": 2,
        "InvariantCultureIgnoreCase": 3,
        "Ordinal": 4,
        "OrdinalIgnoreCase": 5,
    },
)
SEARCH_OPTIONS = Enumeration("SearchOptions", {"LiteralText": 0, "Regex": 1, "PatternMatching": 2})
SPLIT_OPTIONS = Enumeration(
    "StringSplitOptions",
    {"None": 0, "RemoveEmptyEntries": 1, "TrimEntries": 2},
)
ENCODING_FORMAT = Enumeration(
    "TextEncodingFormat",
    {"Base64": 0, "Url": 1, "Hex": 2, "Html": 3, "Utf8": 4, "Base64Url": 5},
)
EVENT_SEVERITY = Enumeration(
    "EventSeverity",
    {"Verbose": 0, "Debug": 1, "Information": 2, "Warning": 3, "Error": 4, "Fatal": 5},
)
CONTENT_OPTIONS = Enumeration("ContentOptions", {"Files": 0, "Folders": 1})
DATE_TIME_COMPONENT = Enumeration(
    "DateTimeComponentType",
    {
        "LocalDateTime": 0,
        "UtcDateTime": 1,
        "Date": 2,
        "Time": 3,
        "Year": 4,
        "Month": 5,
        "Day": 6,
        "Hour": 7,
        "Minute": 8,
        "Second": 9,
        "Millisecond": 10,
        "Offset": 11,
        "DayOfYear": 12,
        "DayOfWeek": 13,
    },
)
REQUEST_VERB = Enumeration(
    "RequestVerb", {"GET": 0, "POST": 1, "PUT": 2, "DELETE": 3, "PATCH": 4, "HEAD": 5}
)
REQUEST_VERSION = Enumeration("HttpRequestVersion", {"HTTP10": 0, "HTTP11": 1})
CLIENT_AUTH_TYPE = Enumeration("ClientAuthType", {"Header": 0, "Body": 1})
EMAIL_PRIORITY = Enumeration("EmailMessagePriority", {"Normal": 0, "NonUrgent": 1, "Urgent": 2})
EMAIL_BODY_FORMAT = Enumeration("EmailMessageBodyFormat", {"Text": 0, "Html": 1})
JSON_FORMATTING = Enumeration("Formatting", {"None": 0, "Indented": 1})
JSON_NULLS = Enumeration("NullValueHandling", {"Include": 0, "Ignore": 1})
JSON_ESCAPES = Enumeration(
    "StringEscapeHandling", {"Default": 0, "EscapeNonAscii": 1, "EscapeHtml": 2}
)
SCOPE_OPTION = Enumeration("ScopeOption", OPTIONS)
LOGON_TYPE = Enumeration("LogonType", {"Network": 3, "NetworkCleartext": 8, "NewCredentials": 9})


# Members in structures ----------------------------------------------------------------------------

_HTTP_REQUEST = ("Uri", "QueryParameters", "Verb", "ContentType", "Headers", "Body", "HttpVersion")
_SOAP_REQUEST = ("SoapMessage", "Uri", "Headers", "HttpVersion")
_EMAIL_MESSAGE = (
    "To", "From", "Cc", "Bcc", "Priority", "Subject", "BodyFormat", "Body", "Attachments",
)  # fmt: skip
#: The members of enumerations in the original's types, by all the keys that such a structure has.
_TYPES: Mapping[frozenset[str], Mapping[str, Enumeration]] = {
    frozenset(LEVELS): dict.fromkeys(LEVELS, SCOPE_OPTION),
    frozenset(("Domain", "Username", "Password", "LogonType")): {"LogonType": LOGON_TYPE},
    frozenset(_HTTP_REQUEST): {"Verb": REQUEST_VERB, "HttpVersion": REQUEST_VERSION},
    frozenset(_SOAP_REQUEST): {"HttpVersion": REQUEST_VERSION},
    frozenset(("ClientId", "ClientSecret", "SendAs")): {"SendAs": CLIENT_AUTH_TYPE},
    frozenset(_EMAIL_MESSAGE): {"Priority": EMAIL_PRIORITY, "BodyFormat": EMAIL_BODY_FORMAT},
}


#: The number of each member by its qualified name.
_QUALIFIED = {
    f"{kind.name}.{member}": number
    for kind in list(globals().values())
    if isinstance(kind, Enumeration)
    for member, number in kind.members.items()
}


def numbered(value: Any) -> Any:
    """Return a copy of a value in which members of enumerations are numbers. A text is a member by
    its qualified name; by its bare name only in a structure that has all keys of its type and no
    other, and members for all of them."""
    if type(value) is str:
        return _QUALIFIED.get(value, value)
    if type(value) is list:
        return [numbered(item) for item in value]
    if type(value) is not dict:
        return value
    items = {key: numbered(item) for key, item in value.items()}
    members = _TYPES.get(frozenset(value), {})
    numbers = {key: kind.number(items[key]) for key, kind in members.items()}
    if any(number is None and type(items[key]) is str for key, number in numbers.items()):
        return items
    return items | {key: number for key, number in numbers.items() if number is not None}
