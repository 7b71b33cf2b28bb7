"""What a step keeps of a changed value: a small one itself, a large one by its SHA-256. Pure."""

import json
from hashlib import sha256
from typing import Any

from executions.engine.state import Frame, Progress
from executions.limits import INLINE_CHANGE_CHARACTERS, STORED_BYTES_PER_CHECKPOINT
from flows import values


def change(frame: Frame, name: str, block: str, progress: Progress) -> dict[str, Any]:
    """{"value": typed JSON} of a variable when it is small; else {"summary": text}, with "stored",
    the key of its text in `progress.stored`, and "size" in bytes, unless too much is stored
    already. Secrets are masked."""
    value = frame.variables[name]
    if progress.secrets is not None:
        value = progress.secrets.of_variable(frame.workspace, name, value)
    small = values.encode_small(value, INLINE_CHANGE_CHARACTERS)
    if small is not None or value is None:
        return {"value": small}
    told = {"summary": values.summary(value)}
    if progress.spent >= STORED_BYTES_PER_CHECKPOINT and block in progress.stored_by:
        return told
    form = values.encode_small(value, progress.room)
    if form is None:
        return told
    text = json.dumps(form, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    data = text.encode()
    key = sha256(data).hexdigest()
    if key not in progress.stored:
        progress.stored[key] = text
        progress.room -= len(data)
    progress.spent += len(data)
    progress.stored_by.add(block)
    return told | {"stored": key, "size": len(data)}
