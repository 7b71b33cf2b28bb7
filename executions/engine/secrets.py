"""The secrets of an execution: its secret variables, and the texts that these have held.

Pure. An execution without secrets has no `Secrets`, and pays for one look at an attribute.
Whatever is written down for people goes through `redact` first; the engine's own values stay as
they are (docs/secrets.md).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from html import escape
from typing import Any
from urllib.parse import quote, quote_plus

from executions.engine.state import Frame, Progress
from flows.graph import FlowGraph
from flows.values import MASK, MASKED, ExceptionValue, SecretText

#: Shorter texts are not looked for: they would be found everywhere.
SHORTEST = 4
#: How many texts an execution and its relatives know, the newest ones; longer ones are not kept.
MOST, LONGEST = 256, 20_000
#: No message repeats more than that of a text that it cuts.
LONGEST_CUT = 400

#: Workspace → the names, case-folded, of the secret variables of its scope.
Names = Mapping[str, frozenset[str]]
#: What follows a text that was cut.
_CUT = "…"


def names_of(graph: FlowGraph) -> Names:
    """Return the secret variables of a flow."""
    found = {
        key: frozenset(v.name.casefold() for v in node.variables if v.is_secret)
        for key, node in graph.workspaces.items()
    }
    return {key: names for key, names in found.items() if names}


def may_acquire_secrets(graph: FlowGraph) -> bool:
    """Return whether a flow comes to secrets by itself: a secret variable is not an input, or a
    block writes to it. The value of a secret input is given by whoever starts the flow."""
    given = {v.name.casefold() for v in graph.inputs if v.is_secret}
    declared = [v for node in graph.workspaces.values() for v in node.variables if v.is_secret]
    if len(declared) > len(given):
        return True
    targets = (target for node in graph.blocks.values() for target in node.targets)
    return any(target.variable.casefold() in given for target in targets)


def read_by(graph: FlowGraph, workspace: str, names: Iterable[str]) -> list[str]:
    """Return the secret variables among the names that an expression in a workspace reads."""
    found = []
    for name in names:
        seen = (v for scope in graph.scopes(workspace) for v in scope.variables)
        meant = next((v for v in seen if v.name.casefold() == name.casefold()), None)
        if meant is not None and meant.is_secret:
            found.append(meant.name)
    return sorted(found)


@dataclass(slots=True)
class Secrets:
    """The secrets of one execution, and how they are masked."""

    names: Names
    #: The texts that are replaced wherever they stand; the newest come last.
    texts: dict[str, None] = field(default_factory=dict)
    #: Whether some of them are not written down yet.
    changed: bool = False
    #: How they may stand in other texts, the longest first; None until they are looked for.
    _forms: list[str] | None = None

    # What is known -----------------------------------------------------------------------------

    def is_secret(self, workspace: str, name: str) -> bool:
        """Return whether a variable, by its case-folded name, is secret in a workspace's scope."""
        return name in self.names.get(workspace, ())

    def add_texts(self, texts: Iterable[str]) -> None:
        """Keep these texts secret from now on. Those that are too short or long to be looked for
        are kept too, if their value is a secret text: an execution that has one has `Secrets`."""
        for text in texts:
            text = text if len(text) <= LONGEST else ""
            if text not in self.texts:
                self.texts[text] = None
                self.changed, self._forms = True, None
        while len(self.texts) > MOST:
            del self.texts[next(iter(self.texts))]

    def add_value(self, value: Any) -> None:
        """Keep secret the texts in the value of a secret variable."""
        self.add_texts(dict.fromkeys(_texts(value)))

    def add_frames(self, frames: Iterable[Frame]) -> None:
        """Keep secret what the secret variables of these scopes hold."""
        for frame in frames:
            for name in self.names.get(frame.workspace, ()):
                if name in frame.variables:
                    self.add_value(frame.variables[name])

    # What is shown -----------------------------------------------------------------------------

    def redact_variable(self, workspace: str, name: str, value: Any) -> Any:
        """Return a variable's value as people may see it. That it is null is not secret."""
        if value is not None and self.is_secret(workspace, name):
            return MASKED
        return self.redact(value)

    def redact(self, value: Any) -> Any:
        """Return a value with its secret texts masked, also in keys and in nested values."""
        if not self.texts:
            return value
        match value:
            case str():
                return self.redact_text(value)
            case list():
                return [self.redact(item) for item in value]
            case dict():
                return self._structure(value)
            case bytes():
                plain = value.decode("utf-8", "replace")
                return value if self.redact_text(plain) == plain else MASKED
            case ExceptionValue():
                return self.redact_exception(value)
            case SecretText():
                return MASKED
        return value

    def redact_exception(self, value: ExceptionValue) -> ExceptionValue:
        """Return an exception with its secret texts masked."""
        return replace(
            value,
            type=self.redact_text(value.type),
            message=self.redact_text(value.message),
            help_link=value.help_link and self.redact_text(value.help_link),
            category=value.category and self.redact_text(value.category),
            details=self.redact(value.details),
            inner=value.inner and self.redact_exception(value.inner),
            extra=self.redact(dict(value.extra)),
        )

    def redact_text(self, text: str) -> str:
        """Return a text with the secret ones in it masked; where it was cut, also the beginning of
        one."""
        if not self.texts:
            return text
        if self._forms is None:
            forms = {form for known in self.texts if _is_found(known) for form in _forms(known)}
            self._forms = sorted(forms, key=len, reverse=True)
        for form in self._forms:
            # Not one pattern for all: it would be tried at each character, and compiled anew for
            # each secret that a loop adds.
            if form in text:
                text = text.replace(form, MASK)
        if _CUT in text:
            *before, last = text.split(_CUT)
            text = _CUT.join([*map(self._without_beginning, before), last])
        return text

    def _without_beginning(self, text: str) -> str:
        """Return the text without the beginning of a secret at its end."""
        for known in self.texts:
            longest = min(len(known), len(text), LONGEST_CUT) if known[:SHORTEST] in text else 0
            for length in range(longest, SHORTEST - 1, -1):
                if text.endswith(known[:length]):
                    return text[:-length] + MASK
        return text

    def _structure(self, value: dict[Any, Any]) -> dict[Any, Any]:
        shown: dict[Any, Any] = {}
        for key, item in value.items():
            name = self.redact_text(key) if isinstance(key, str) else key
            while name in shown:
                name = f"{name} "  # two keys that look alike now
            shown[name] = self.redact(item)
        return shown

    def redact_progress(self, progress: Progress) -> None:
        """Mask the secret texts in what is about to be written down of the steps."""
        for step in progress.steps:
            step.exception = self.redact_text(step.exception)
        for thrown in progress.thrown:
            thrown.exception = self.redact_exception(thrown.exception)
            thrown.traceback = self.redact_text(thrown.traceback)
        for logged in progress.logged:
            line = logged.line
            logged.line = replace(
                line,
                event_type=self.redact_text(line.event_type),
                details=self.redact(line.details),
            )


def secrets_of(
    names: Names, texts: Iterable[str] = (), frames: Iterable[Frame] = ()
) -> Secrets | None:
    """Return the secrets of an execution that is known to keep these texts secret; None when it
    has none, and its flow has no secret variable."""
    known = dict.fromkeys(texts)
    if not names and not known:
        return None
    secrets = Secrets(names, known)
    secrets.add_frames(frames)
    return secrets


def _texts(value: Any) -> Iterable[str]:
    """Return the texts in a value that are looked for in others."""
    match value:
        case str():
            text = value.strip()
            if _is_found(text):
                yield text
        case SecretText():
            yield from _texts(value.text)
        case bytes():
            yield from _texts(value.decode("utf-8", "replace"))
        case list():
            for item in value:
                yield from _texts(item)
        case dict():
            for item in value.values():
                yield from _texts(item)
        case ExceptionValue():
            yield from _texts(value.as_structure())


def _is_found(text: str) -> bool:
    """Whether a text is looked for in others."""
    return SHORTEST <= len(text) <= LONGEST and text not in MASK


@lru_cache(maxsize=MOST)
def _forms(text: str) -> tuple[str, ...]:
    """Return how a text may stand in others: as it is, quoted by JSON or Python, in an address, in
    a page."""
    return (
        text,
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        repr(text)[1:-1],
        quote(text, safe="", errors="replace"),
        quote(text),
        quote_plus(text),
        escape(text),
    )
