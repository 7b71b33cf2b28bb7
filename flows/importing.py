"""Imports flow files as drafts, and says what that changes: the same for the command line and for
the page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from itertools import islice
from typing import Any

from django.db import transaction

from flows import files, queries
from flows.files import FlowFile, FlowFileError
from flows.graph import InvalidFlow
from flows.models import Flow, FlowVersion
from flows.publish import digest_of, publish, save_draft, validation_messages

#: Lines of a difference that are shown.
MOST_LINES = 2_000


class ChangedMeanwhile(Exception):
    """Somebody has changed the flow since the preview."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file. `messages` keep its draft from being published; `further` says what
    else was done."""

    version: FlowVersion
    changed: bool
    messages: Sequence[str] = ()
    was_published: bool = False
    further: Sequence[str] = ()

    @property
    def outcome(self) -> str:
        number = f"v{self.version.number}"
        if self.was_published:
            return f"{'imported' if self.changed else 'published'} {number}"
        return f"imported {number} (draft)" if self.changed else "unchanged"


@dataclass(frozen=True, slots=True)
class Preview:
    """What importing a file would do. `base` says what the flow was when this was looked at,
    `lines` are those that differ, with the sign of each, and `further` is what else it does."""

    file: FlowFile
    problems: Sequence[str]
    outcome: str = ""
    messages: Sequence[str] = ()
    base: str = ""
    is_new: bool = False
    is_changed: bool = False
    lines: Sequence[tuple[str, str]] = ()
    further: Sequence[str] = ()

    @property
    def does_something(self) -> bool:
        return self.is_changed or bool(self.further)

    @property
    def added(self) -> int:
        return sum(sign == "+" for sign, _ in self.lines)

    @property
    def removed(self) -> int:
        return sum(sign == "-" for sign, _ in self.lines)


@transaction.atomic
def import_file(file: FlowFile, *, publishes: bool = False, base: str | None = None) -> Imported:
    """Save a file as the draft of its flow, and publish it if that is wanted.

    With a `base`, raises ChangedMeanwhile when the flow is no longer what it was then. Raises
    InvalidFlow with the messages that prevent it.
    """
    if base is not None and base != _base(_newest(file.document["flow"], lock=True)):
        raise ChangedMeanwhile
    version, changed = save_draft(file.document)
    was_draft = version.is_draft
    if publishes:
        version = publish(version)
    if not version.is_draft:
        return Imported(version, changed, was_published=was_draft)
    found = validation_messages(file.document) if changed else []
    return Imported(version, changed, [file.explain(message) for message in found])


def _nothing(version: FlowVersion) -> Sequence[str]:
    return ()


def preview(file: FlowFile, further: Callable[[FlowVersion], Sequence[str]] = _nothing) -> Preview:
    """Return what importing a file would do, by doing it in a transaction that is rolled back.
    `further` says what else comes with the version, or raises FlowFileError."""
    with transaction.atomic():
        newest = _newest(file.document["flow"], lock=False)
        base, old = _base(newest), queries.document(newest) if newest else None
        try:
            done = import_file(file)
            told = further(done.version)
        except InvalidFlow as error:
            problems = [file.explain(message) for message in error.messages]
            return Preview(file, problems, "failed", base=base)
        except FlowFileError as error:
            return Preview(file, error.problems, "failed", base=base)
        finally:
            transaction.set_rollback(True)
    return Preview(
        file,
        (),
        done.outcome,
        done.messages,
        base,
        is_new=old is None,
        is_changed=done.changed,
        lines=_difference(old, file.document) if done.changed else (),
        further=told,
    )


def _newest(name: str, *, lock: bool) -> FlowVersion | None:
    if lock:
        Flow.objects.select_for_update().filter(name=name).first()
    versions = FlowVersion.objects.filter(flow__name=name).select_related("flow")
    return versions.order_by("-number").first()


def _base(newest: FlowVersion | None) -> str:
    return f"{newest.number} {digest_of(newest)}" if newest else "none"


def _difference(old: dict[str, Any] | None, new: dict[str, Any]) -> list[tuple[str, str]]:
    before = files.dump_yaml(old).splitlines() if old else []
    lines = unified_diff(before, files.dump_yaml(new).splitlines(), n=2, lineterm="")
    shown = islice(lines, 2, MOST_LINES + 2)  # after the names of the files
    return [("@", "") if line.startswith("@@") else (line[0], line[1:]) for line in shown]
