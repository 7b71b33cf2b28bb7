"""What an execution keeps to itself: its secret variables, and the texts that they have held.

Pure. An execution without any has no `Secrets`, and pays for looking whether it has. What is
written down for people to read goes through `shown` first; the engine's own values stay as they
are (docs/secrets.md).
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
from flows.values import MASK, MASKED, ExceptionValue

#: A shorter text is not looked for in others: it would be found everywhere.
SHORTEST = 4
#: Texts that one execution and those around it know, the newest ones; longer ones are not kept.
MOST, LONGEST = 256, 20_000
#: No message repeats more of a text that it cuts.
LONGEST_CUT = 400

#: Workspace → the names, case-folded, of the secret variables of its scope.
Names = Mapping[str, frozenset[str]]
#: What follows a text that was cut.
_CUT = "…"


def names_of(graph: FlowGraph) -> Names:
    """The secret variables of a flow; empty when it has none."""
    found = {
        key: frozenset(v.name.casefold() for v in node.variables if v.is_secret)
        for key, node in graph.workspaces.items()
    }
    return {key: names for key, names in found.items() if names}


def draws(graph: FlowGraph) -> bool:
    """Whether a flow comes to secrets by itself: a secret variable is no input, or a block writes
    to it. What a secret input holds was given by whoever starts the flow."""
    given = {v.name.casefold() for v in graph.inputs if v.is_secret}
    declared = [v for node in graph.workspaces.values() for v in node.variables if v.is_secret]
    if len(declared) > len(given):
        return True
    targets = (target for node in graph.blocks.values() for target in node.targets)
    return any(target.variable.casefold() in given for target in targets)


def read_by(graph: FlowGraph, workspace: str, names: Iterable[str]) -> list[str]:
    """Those of the names in an expression that are of secret variables, as a workspace sees
    them."""
    found = []
    for name in names:
        seen = (v for scope in graph.scopes(workspace) for v in scope.variables)
        meant = next((v for v in seen if v.name.casefold() == name.casefold()), None)
        if meant is not None and meant.is_secret:
            found.append(meant.name)
    return sorted(found)


@dataclass(slots=True)
class Secrets:
    names: Names
    #: The texts that are replaced wherever they stand; the newest come last.
    texts: dict[str, None] = field(default_factory=dict)
    #: Whether there are some that are not written down yet.
    changed: bool = False
    #: As they stand in others, the longest first; None until they are looked for.
    _forms: list[str] | None = None

    # What is known ----------------------------------------------------------------------------

    def is_secret(self, workspace: str, name: str) -> bool:
        """Whether a variable, by its case-folded name, is secret in a workspace's scope."""
        return name in self.names.get(workspace, ())

    def know(self, texts: Iterable[str]) -> None:
        """Keep these texts to itself from now on."""
        for text in texts:
            if text not in self.texts:
                self.texts[text] = None
                self.changed, self._forms = True, None
        while len(self.texts) > MOST:
            del self.texts[next(iter(self.texts))]

    def learn(self, value: Any) -> None:
        """Keep to itself what a secret variable gets."""
        self.know(dict.fromkeys(_texts(value)))

    def learn_frames(self, frames: Iterable[Frame]) -> None:
        """Keep to itself what the secret variables of these scopes hold."""
        for frame in frames:
            for name in self.names.get(frame.workspace, ()):
                if name in frame.variables:
                    self.learn(frame.variables[name])

    # What is shown ----------------------------------------------------------------------------

    def of_variable(self, workspace: str, name: str, value: Any) -> Any:
        """What is shown of a variable's value. That it is null is no secret."""
        if value is not None and self.is_secret(workspace, name):
            return MASKED
        return self.shown(value)

    def shown(self, value: Any) -> Any:
        """The value with its secret texts replaced, also in keys and in what is nested in it."""
        if not self.texts:
            return value
        match value:
            case str():
                return self.text(value)
            case list():
                return [self.shown(item) for item in value]
            case dict():
                return self._structure(value)
            case bytes():
                plain = value.decode("utf-8", "replace")
                return value if self.text(plain) == plain else MASKED
            case ExceptionValue():
                return self.exception(value)
        return value

    def exception(self, value: ExceptionValue) -> ExceptionValue:
        return replace(
            value,
            type=self.text(value.type),
            message=self.text(value.message),
            help_link=value.help_link and self.text(value.help_link),
            category=value.category and self.text(value.category),
            details=self.shown(value.details),
            inner=value.inner and self.exception(value.inner),
            extra=self.shown(dict(value.extra)),
        )

    def text(self, text: str) -> str:
        """The text without those that it keeps to itself, or the beginnings of them where it was
        cut."""
        if not self.texts:
            return text
        if self._forms is None:
            forms = {form for known in self.texts for form in _forms(known)}
            self._forms = sorted(forms, key=len, reverse=True)
        for form in self._forms:
            # Not one pattern of all: that would be tried at each character, and compiled anew for
            # each secret that a loop comes to know.
            if form in text:
                text = text.replace(form, MASK)
        if _CUT in text:
            *before, last = text.split(_CUT)
            text = _CUT.join([*map(self._without_beginning, before), last])
        return text

    def _without_beginning(self, text: str) -> str:
        """The text without the beginning of a secret at its end."""
        for known in self.texts:
            longest = min(len(known), len(text), LONGEST_CUT) if known[:SHORTEST] in text else 0
            for length in range(longest, SHORTEST - 1, -1):
                if text.endswith(known[:length]):
                    return text[:-length] + MASK
        return text

    def _structure(self, value: dict[Any, Any]) -> dict[Any, Any]:
        shown: dict[Any, Any] = {}
        for key, item in value.items():
            name = self.text(key) if isinstance(key, str) else key
            while name in shown:
                name = f"{name} "  # two keys that look alike now
            shown[name] = self.shown(item)
        return shown

    def cover(self, progress: Progress) -> None:
        """Replace the secret texts in what is about to be written down of the steps."""
        for step in progress.steps:
            step.exception = self.text(step.exception)
        for thrown in progress.thrown:
            thrown.exception = self.exception(thrown.exception)
            thrown.traceback = self.text(thrown.traceback)
        for logged in progress.logged:
            line = logged.line
            logged.line = replace(
                line, event_type=self.text(line.event_type), details=self.shown(line.details)
            )


def of(names: Names, texts: Iterable[str] = (), frames: Iterable[Frame] = ()) -> Secrets | None:
    """The secrets of an execution that is known to keep these texts to itself; None when it has
    none, and its flow no variable for one."""
    known = dict.fromkeys(texts)
    if not names and not known:
        return None
    secrets = Secrets(names, known)
    secrets.learn_frames(frames)
    return secrets


def texts_of(progress: Progress) -> Iterable[str]:
    """The texts that an execution keeps to itself."""
    return progress.secrets.texts if progress.secrets is not None else ()


def share(progress: Progress, texts: Iterable[str]) -> None:
    """Keep to itself what another execution does, whose results it takes."""
    known = dict.fromkeys(texts)
    if progress.secrets is not None:
        progress.secrets.know(known)
    elif known:
        progress.secrets = Secrets({}, known, changed=True)


def _texts(value: Any) -> Iterable[str]:
    """The texts in a value that are looked for in others."""
    match value:
        case str():
            text = value.strip()
            if SHORTEST <= len(text) <= LONGEST and text not in MASK:
                yield text
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


@lru_cache(maxsize=MOST)
def _forms(text: str) -> tuple[str, ...]:
    """A text as it stands in others: as it is, quoted as JSON and Python do, in an address, in a
    page."""
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
