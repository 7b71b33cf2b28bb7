"""What a step records of a changed value: a small one itself, a large one by its SHA-256. Pure."""

import json
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from executions.engine.secrets import Secrets
from executions.engine.state import Frame
from executions.limits import (
    INLINE_CHANGE_CHARACTERS,
    MAX_STORED_BYTES,
    STORED_BYTES_PER_CHECKPOINT,
)
from flows import values


@dataclass(slots=True)
class ChangeRecorder:
    """Records the changed values of one execution, with its secrets masked.

    `room` is how many bytes of large values its steps may still store.
    """

    secrets: Secrets | None = None
    room: int = MAX_STORED_BYTES
    #: Large values since the last `take`: their JSON text by its SHA-256.
    stored: dict[str, str] = field(default_factory=dict)
    #: How many bytes that was, and which blocks changed them.
    spent: int = 0
    stored_by: set[str] = field(default_factory=set)
    #: The changes of a visit that throws while it saves its outputs, for the step that records it.
    unfinished: dict[str, Any] | None = None

    def record(self, frame: Frame, name: str, block: str) -> dict[str, Any]:
        """Return {"value": typed JSON} of a small variable, else {"summary": text}; with "stored",
        the key of its text in `stored`, and "size" in bytes, unless too much is stored already."""
        value = frame.variables[name]
        if self.secrets is not None:
            value = self.secrets.redact_variable(frame.workspace, name, value)
        small = values.encode_small(value, INLINE_CHANGE_CHARACTERS)
        if small is not None or value is None:
            return {"value": small}
        summary = {"summary": values.summary(value)}
        if self.spent >= STORED_BYTES_PER_CHECKPOINT and block in self.stored_by:
            return summary
        form = values.encode_small(value, self.room)
        if form is None:
            return summary
        text = json.dumps(form, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        data = text.encode()
        key = sha256(data).hexdigest()
        if key not in self.stored:
            self.stored[key] = text
            self.room -= len(data)
        self.spent += len(data)
        self.stored_by.add(block)
        return summary | {"stored": key, "size": len(data)}

    def take(self) -> dict[str, str]:
        """Return `stored`, and begin anew."""
        stored, self.stored = self.stored, {}
        self.spent, self.stored_by, self.unfinished = 0, set(), None
        return stored

    def take_unfinished(self) -> dict[str, Any] | None:
        """Return `unfinished` for the step that threw; the next step has none."""
        unfinished, self.unfinished = self.unfinished, None
        return unfinished
