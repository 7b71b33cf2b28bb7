"""Which messages of a folder are meant: those of an Email Filter, or emails that were read."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from flows.blocks.base import Property
from flows.blocks.errors import invalid_property
from flows.blocks.mail import Chosen, MailQuery
from flows.blocks.records import Record, needed, one_line
from flows.values import article, summary, type_name

FILTER = "Filter"
FOLDER = Property("Folder", "String", default="INBOX", required=True, nonempty=True)
EMAILS = Property(
    "Emails",
    "IEnumerable<TItem>",
    required=True,
    description="as they were read, or their Uids",
)
_LARGEST = 2**32 - 1
_KNOWN = frozenset({"From", "To", "Subject", "Text", "Unread", "Flagged", "Since", "Before"})


def folder_of(inputs: Mapping[str, Any], name: str = FOLDER.name) -> str:
    """Return the name of a folder."""
    return one_line(needed(inputs[name], name), name)


def query_of(inputs: Mapping[str, Any]) -> MailQuery:
    """Return the query that a filter stands for; null matches every message."""
    found = Record(FILTER, inputs[FILTER] or {})
    for name in found.members:
        if name not in _KNOWN:
            problem = f"{summary(name)} is not one of {', '.join(sorted(_KNOWN))}."
            raise invalid_property(FILTER, problem)

    def text(member: str) -> str:
        return one_line(found.text(member), found.path(member))

    return MailQuery(
        sender=text("From"),
        to=text("To"),
        subject=text("Subject"),
        text=text("Text"),
        unread=_flag(found, "Unread"),
        flagged=_flag(found, "Flagged"),
        since=_day(found, "Since"),
        before=_day(found, "Before"),
    )


def _flag(found: Record, member: str) -> bool | None:
    return None if found.members.get(member) is None else found.flag(member, False)


def _day(found: Record, member: str) -> date | None:
    value = found.members.get(member)
    if value is None:
        return None
    if type(value) is not datetime:
        problem = f"{article(type_name(value))} is not a DateTimeOffset."
        raise invalid_property(found.path(member), problem)
    return value.date()


def chosen_of(inputs: Mapping[str, Any]) -> Chosen:
    """Return the messages that a block is to change."""
    emails = inputs[EMAILS.name]
    if type(emails) is not list:
        problem = f"{article(type_name(emails))} is not a List."
        raise invalid_property(EMAILS.name, problem)
    uids, validities = [], set()
    for index, item in enumerate(emails):
        email = item if type(item) is dict else {"Uid": item}
        uid, validity = email.get("Uid"), email.get("UidValidity")
        if type(uid) is not int or not 0 < uid <= _LARGEST:
            problem = f"{summary(item)} is neither an email nor a Uid."
            raise invalid_property(f"{EMAILS.name}[{index}]", problem)
        uids.append(uid)
        if type(validity) is int:
            validities.add(validity)
    if len(validities) > 1:
        raise invalid_property(EMAILS.name, "they are not of the same folder.")
    return Chosen(folder_of(inputs), tuple(dict.fromkeys(uids)), next(iter(validities), None))
