"""Evaluates constant sources, such as defaults, in a separate process with limits of time and
memory.

An expression of a hundred characters can ask for gigabytes, and native code that does not return
to Python would block everyone whom this process serves. The process starts when it is first
needed, and again after it has been killed. Results are cached, so that an expression beyond the
limits costs its time once.
"""

import atexit
import json
import os
import pickle
import select
import struct
import subprocess
import sys
import threading
import time
from collections import OrderedDict, deque
from contextlib import suppress
from typing import Any

from flows import values
from flows.expressions import ExpressionError
from flows.value_sources import Source

#: The longest that one evaluation, and the start of the process, may take, in seconds.
SECONDS = 1.0
START_SECONDS = 30.0
#: After this many evaluations beyond the limits in this many seconds, further ones are refused.
EXCESSES = 5
EXCESSES_SECONDS = 30.0
#: The most answers in the cache, and the most bytes of one and of its source.
KEPT = 500
KEPT_LENGTH = 20_000

_lock = threading.Lock()
_process: subprocess.Popen[bytes] | None = None
_answers: OrderedDict[tuple[bytes, int], dict[str, Any]] = OrderedDict()
_excesses: deque[float] = deque(maxlen=EXCESSES)


class _TooMuch(Exception):
    """The evaluation took too long, or killed its process."""


def evaluate(source: Source, largest: int) -> Any:
    """Return the value of a source, of at most `largest` bytes.

    Raises ExpressionError, and KeyError for a variable that it reads.
    """
    text = pickle.dumps(source)
    with _lock:
        answer = _answers.get((text, largest)) or _asked(text, largest)
    if "missing" in answer:
        raise KeyError(answer["missing"])
    if "error" in answer:
        raise ExpressionError(answer["error"])
    return values.decode(answer["value"])


def _asked(text: bytes, largest: int) -> dict[str, Any]:
    now = time.monotonic()
    if len(_excesses) == EXCESSES and now - _excesses[0] < EXCESSES_SECONDS:
        return {"error": "too many expressions took too long. Try again in a minute."}
    try:
        raw = _exchange(text, largest)
    except _TooMuch:
        _end()
        _excesses.append(time.monotonic())
        raw = json.dumps({"error": "it takes too much time or memory."}).encode()
    answer: dict[str, Any] = json.loads(raw)
    is_small = len(raw) <= KEPT_LENGTH and len(text) <= KEPT_LENGTH
    if is_small and not answer.get("passing"):
        _answers[text, largest] = answer
        while len(_answers) > KEPT:
            _answers.popitem(last=False)
    return answer


def _exchange(text: bytes, largest: int) -> bytes:
    process = _running()
    assert process.stdin is not None
    try:
        process.stdin.write(struct.pack(">II", len(text), largest) + text)
        process.stdin.flush()
    except OSError:
        raise _TooMuch from None
    return _message(process, time.monotonic() + SECONDS)


def _running() -> subprocess.Popen[bytes]:
    """Return the process, ready to evaluate. Raises ExpressionError when it does not start."""
    global _process
    if _process is not None and _process.poll() is None:
        return _process
    _end()
    # The environment may hold secrets: the process gets only the paths of the code.
    environment = {"PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}
    _process = subprocess.Popen(
        [sys.executable, "-m", "flows.sandbox_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    )
    try:
        _message(_process, time.monotonic() + START_SECONDS)
    except _TooMuch:
        _end()
        raise ExpressionError("the process that evaluates expressions does not start.") from None
    return _process


def _message(process: subprocess.Popen[bytes], until: float) -> bytes:
    (size,) = struct.unpack(">I", _read(process, 4, until))
    return _read(process, size, until)


def _read(process: subprocess.Popen[bytes], size: int, until: float) -> bytes:
    assert process.stdout is not None
    descriptor = process.stdout.fileno()
    content = bytearray()
    while len(content) < size:
        left = until - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            raise _TooMuch
        part = os.read(descriptor, min(size - len(content), 1 << 20))
        if not part:
            raise _TooMuch
        content += part
    return bytes(content)


def _end() -> None:
    global _process
    if _process is None:
        return
    _process.kill()
    for stream in (_process.stdin, _process.stdout):
        if stream is not None:
            with suppress(OSError):  # nobody reads what is still in the buffer
                stream.close()
    _process.wait()
    _process = None


def _after_fork() -> None:
    """Forget the parent's sandbox: a forked process starts its own."""
    global _process, _lock
    _process, _lock = None, threading.Lock()


os.register_at_fork(after_in_child=_after_fork)
atexit.register(_end)
