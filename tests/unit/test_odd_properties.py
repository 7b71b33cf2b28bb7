"""Every block with nonsense of every kind in each of its properties, and in each part of those that
have parts: it throws an exception that its reference names, or goes on; it never fails in a way
that nobody foresaw."""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest

from executions.effects import clients_of
from executions.effects.files.store import FolderFiles
from executions.engine.state import Acquire, Acquired, Perform, Performed, Threw
from executions.store import rows
from executions.store.lifecycle import steps
from executions.store.lifecycle.checkpoint_statement import CheckpointStatement
from flows import values
from flows.blocks import ALL
from flows.blocks.base import SEMAPHORE, TIMEOUT, Block, Property, RunChild, WaitUntil
from flows.blocks.clients import Clients
from flows.blocks.errors import BlockException
from flows.value_sources import evaluate_constant, parse
from flows.values import ExceptionValue, SecretText, TaskValue
from tests.flows_in_memory import Run

DEEP: list[Any] = []
for _ in range(99):
    DEEP = [DEEP]

ODD: dict[str, Any] = {
    "null": None,
    "true": True,
    "empty": "",
    "soon": "soon",
    "half an emoji": "caf\ud83d",
    "NUL": "a\0b",
    "long": "x" * 100_000,
    "long half an emoji": "\ud83d" + "x" * 2000,
    "long NUL": "\0" + "x" * 2000,
    "empty list": [],
    "nulls": [None],
    "texts": ["soon", "\ud83d", "a\0b"],
    "mixed": [1, {}, [], None],
    "deep": DEEP,
    "empty structure": {},
    "structure": {"soon": 1, "\ud83d": "a\0b"},
    "numbered": {1: "a", -5: None, False: "b"},
    "-1": -1,
    "0": 0,
    "1.5": 1.5,
    "-0.0": -0.0,
    "int32": 2**31 - 1,
    "above int32": 2**31,
    "int64": 2**63,
    "huge": 10**4000,
    "hugest": 10**4299,
    "-huge": -(10**4000),
    "1e308": 1e308,
    "5e-324": 5e-324,
    "nan": nan,
    "inf": inf,
    "-inf": -inf,
    "first moment": datetime.min.replace(tzinfo=UTC),
    "last moment": datetime.max.replace(tzinfo=UTC),
    "shortest": timedelta.min,
    "longest": timedelta.max,
    "bytes": b"\xff\x00",
    "exception": ExceptionValue("a\0b", "\ud83d", details=DEEP, extra={"\ud83d": nan}),
    "task": TaskValue("soon"),
    "secret": SecretText("soon"),
    "secrets": [SecretText("soon"), {"soon": SecretText("\ud83d")}],
}

#: Numbers are addresses too: as hosts, two of these would be machines of others (1.0.0.5 and
#: 128.0.0.0), to which a connection waits. This machine refuses one at once.
OWN_ADDRESSES = {"1.5": 127.5, "above int32": 0x7F000001}
#: A mail server that does not answer.
NOWHERE = {"Host": "127.0.0.1", "Port": 9, "UseSsl": False}
#: The parts of properties that are structures; what is needed to reach them is given beside.
PARTS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "SemaphoreDetails": (
        {"Name": "a", "ConcurrencyLimit": 1},
        (
            "Name", "Scope", "ConcurrencyLimit", "Queue", "soon",
            "Scope.Tenant", "Scope.Flow", "Scope.soon",
            "Queue.Priority", "Queue.QueueTimeout", "Queue.soon",
            "Queue.QueueTimeout.Years", "Queue.QueueTimeout.Months", "Queue.QueueTimeout.Days",
            "Queue.QueueTimeout.Milliseconds", "Queue.QueueTimeout.soon",
        ),
    ),
    "TimePeriod": (
        {},
        ("Years", "Months", "Days", "Hours", "Minutes", "Seconds", "Milliseconds", "soon"),
    ),
    "HttpRequest": (
        {"Uri": "http://127.0.0.1:9/"},
        (
            "Uri", "Verb", "ContentType", "Body", "Headers", "QueryParameters", "soon",
            "Headers.A", "QueryParameters.A",
        ),
    ),
    "HttpCredentials": (
        {
            "AccessTokenUri": "http://127.0.0.1:9/",
            "ClientAuthentication": {"ClientId": "a", "ClientSecret": "b"},
        },
        (
            "AccessTokenUri", "ClientAuthentication", "ClientAuthentication.ClientId",
            "ClientAuthentication.SendAs", "Scope", "AccessToken", "AccessToken.ExpiresAt",
            "ResourceOwnerUsername", "Domain",
        ),
    ),
    "SoapRequest": (
        {"Uri": "http://127.0.0.1:9/", "SoapMessage": {"Envelope": "<a/>"}},
        (
            "Uri", "SoapMessage", "SoapMessage.Action", "SoapMessage.Envelope",
            "SoapMessage.Version", "Headers", "Headers.A", "HttpVersion",
        ),
    ),
    "DataCommand": (
        {"CommandText": "SELECT 1"},
        ("CommandText", "Parameters", "Parameters.A", "Type", "soon"),
    ),
    "ConnectionDetails": (
        {"ConnectionString": "sqlite:///t.db"},
        ("ConnectionString", "ReadOnly", "soon"),
    ),
    "EmailMessage": (
        {"To": [{"Address": "a@example.org"}], "From": {"Address": "b@example.org"}},
        (
            "To", "From", "From.Name", "From.Address", "Cc", "Bcc", "Priority", "Subject",
            "BodyFormat", "Body", "Attachments",
        ),
    ),
    "BasicEmailSessionDetails": (
        {"ServerDetails": NOWHERE, "Credentials": {"Username": "u", "Password": "p"}},
        (
            "ServerDetails", "ServerDetails.Host", "ServerDetails.Port", "ServerDetails.UseSsl",
            "Credentials", "Credentials.Domain", "Credentials.Username", "Credentials.Password",
        ),
    ),
    "SshSessionDetails": (
        {"Host": "127.0.0.1", "Port": 9, "Credentials": {"Username": "u", "Password": "p"}},
        (
            "Host", "Port", "TerminalPrompt", "HostKey", "Credentials", "Credentials.Username",
            "Credentials.Password", "Credentials.CertificatePath", "Credentials.PrivateKey",
        ),
    ),
    "IDictionary<String, dynamic>": (
        {},
        (
            "TerminalWidth", "TerminalType", "Timeout", "EndOfLineCharacters", "CancelCommand",
            "ControlCharactersToClean", "soon",
        ),
    ),
    "EmailFilter": (
        {}, ("From", "To", "Subject", "Text", "Unread", "Flagged", "Since", "Before", "soon"),
    ),
    "JsonSerializerSettings": ({}, ("Formatting", "soon")),
}  # fmt: skip
#: A NUL in a JSON text, which PostgreSQL cannot take out of it.
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
#: What a property holds while another one is tried.
USUAL: dict[str, Any] = {
    "HttpRequest": {"Uri": "http://127.0.0.1:9/"},
    "HttpCredentials": {"Username": "u", "Password": "p"},
    "SshSessionDetails": {
        "Host": "127.0.0.1",
        "Port": 9,
        "Credentials": {"Username": "u", "Password": "p"},
    },
    "BasicEmailSessionDetails": {
        "ServerDetails": NOWHERE,
        "Credentials": {"Username": "u", "Password": "p"},
    },
    "SoapRequest": {"Uri": "http://127.0.0.1:9/", "SoapMessage": {"Envelope": "<a/>"}},
    "DataCommand": {"CommandText": "SELECT @A", "Parameters": {"A": 1}},
    "ConnectionDetails": {"ConnectionString": "sqlite:///t.db"},
    "IEnumerable": [1],
    "IEnumerable<String>": ["a"],
    "IList": [1],
    "ITask<TResult>": TaskValue("00000000-0000-0000-0000-000000000000"),
    "IExecutionTask": TaskValue("00000000-0000-0000-0000-000000000000"),
    "IList<ITask<TResult>>": [TaskValue("00000000-0000-0000-0000-000000000000")],
    "Exception": ExceptionValue("T", "m"),
    "dynamic": "a",
    "Boolean": True,
    "Int32": 1,
}


def usual(prop: Property) -> Any:
    if str(prop.default).startswith("="):
        return evaluate_constant(parse(prop.default))
    if prop.type in ("DataCommand", "ConnectionDetails"):
        return USUAL[prop.type]
    return prop.default if prop.default is not None else USUAL.get(prop.type, "a")


def with_part(whole: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    first, _, rest = path.partition(".")
    inner = whole.get(first)
    inside = inner if isinstance(inner, dict) else {}
    return {**whole, first: with_part(inside, rest, value) if rest else value}


def cases() -> Iterator[Any]:
    for block in ALL:
        for prop in block.properties:
            if not prop.reads:
                continue
            yield pytest.param(block, prop, "", id=f"{block.type}-{prop.name}")
            if prop in (SEMAPHORE, TIMEOUT) and block.type != "Set Variable":
                continue  # the same for all blocks
            for path in PARTS.get(prop.type, ({}, ()))[1]:
                yield pytest.param(block, prop, path, id=f"{block.type}-{prop.name}.{path}")


def flow_of(block: Block, prop: Property) -> str:
    """A flow that visits the block, each of its input properties in a variable of its own."""
    inputs = [p for p in block.properties if p.reads]
    given = ", ".join(f"{p.name}: ($)V{n}" for n, p in enumerate(inputs))
    outputs = "".join(f", {p.name}: ($)Out" for p in block.properties if p.writes and not p.reads)
    ports = "".join(
        f", {port}: {'caught' if port == 'exception' else 'end'}" for port in block.ports
    )
    own = f"{{type: '{block.type}', properties: {{{given}{outputs}}}{ports}"
    ends = "end: {type: End Flow}\ncaught: {type: Handle Block Exception, bottom: end}\n"
    if block.type == "Handle Flow Exception":
        return (
            f"start: {{type: Start Flow, bottom: fail}}\n"
            f"fail: {{type: Throw New Flow Exception, properties: {{Message: a}}}}\n"
            f"block: {own}, blocks: {{s: {{type: Start Workspace, bottom: e}}, "
            f"e: {{type: End Flow}}}}}}\n"
        )
    if block.opens_workspace:
        inside = "blocks: {s: {type: Start Workspace, bottom: e}, e: {type: End Workspace}}"
        return f"start: {{type: Start Flow, bottom: block}}\nblock: {own}, {inside}}}\n{ends}"
    if block.type == "Start Workspace":
        return (
            "start: {type: Start Flow, bottom: w}\nw: {type: Workspace, bottom: end, "
            f"exception: caught, blocks: {{block: {own}}}, end: {{type: End Workspace}}}}}}\n{ends}"
        )
    if block.type == "Handle Workspace Exception":
        fail = "f: {type: Throw New Flow Exception, properties: {Message: a}}"
        return (
            "start: {type: Start Flow, bottom: w}\nw: {type: Workspace, bottom: end, "
            f"exception: caught, blocks: {{s: {{type: Start Workspace, bottom: f}}, {fail}, "
            f"block: {own}}}, end: {{type: End Workspace}}}}}}\n{ends}"
        )
    if block.takes_exceptions:
        return (
            f"start: {{type: Start Flow, bottom: fail}}\n"
            f"fail: {{type: Throw New Flow Exception, properties: {{Message: a}}, "
            f"exception: block}}\nblock: {own}}}\n{ends}"
        )
    if block.type == "Wireless Receiver":
        return (
            f"start: {{type: Start Flow, bottom: send}}\nsend: {{type: Wireless Sender, "
            f"properties: {{Wireless Receiver Block: block}}, exception: caught}}\n"
            f"block: {own}}}\n{ends}"
        )
    return f"start: {{type: Start Flow, bottom: block}}\nblock: {own}}}\n{ends}"


def visit(block: Block, prop: Property, value: Any, clients: Clients) -> Run:
    """Visit the block until it leaves, throws or waits for what only a database has."""
    inputs = [p for p in block.properties if p.reads]
    names = ", ".join(f"V{n}: {{input: true}}" for n in range(len(inputs)))
    given = {f"V{n}": value if p is prop else usual(p) for n, p in enumerate(inputs)}
    for n, p in enumerate(inputs):
        if p is not prop and p.name in ("Semaphore", "Block Timeout"):
            given[f"V{n}"] = None
    run = Run(flow_of(block, prop), f"{{Out: {{output: true}}, {names}}}", **given)
    decision = run.go()
    for _ in range(5):
        if isinstance(decision, Acquire):
            decision = run.go(Acquired(decision.semaphore.path))
        elif isinstance(decision, Perform):
            try:
                decision = run.go(Performed(block.perform(decision.inputs, clients)))
            except BlockException as thrown:
                decision = run.go(Threw(thrown.value))
        else:
            break
    if isinstance(decision, RunChild):
        values.encode(dict(decision.inputs))
    if isinstance(decision, WaitUntil):
        assert decision.at.tzinfo is not None
    return run


def written(run: Run) -> None:
    """What the checkpoint would write can be written as JSON that PostgreSQL takes."""
    frames = run.interpreter.frames
    progress = run.interpreter.take_progress()
    statement = CheckpointStatement()
    steps.add(statement, 0, run.interpreter, progress)
    texts = [
        rows.dumps([rows.token_row(0, frame, has_secrets=False) for frame in frames]),
        *(rows.dumps(rows.value_row(0, f, name, None)) for f in frames for name in f.variables),
        *(rows.dumps(rows.thrown_row(t, {})) for t in progress.thrown),
        *(rows.dumps(rows.log_row(line)) for line in progress.logged),
        *(text for text in statement.params.values() if isinstance(text, str)),
    ]
    for text in texts:
        text.encode()
        # Python looks for a text many times faster than for a pattern.
        assert "\\u0000" not in text or not NUL.search(text)


def permitted(block: Block) -> set[str]:
    return {
        "InvalidPropertyValueException", "PropertyNullException", "PropertyEmptyException",
        "OutputPortNotConnectedException", "FlowException", "BlockTimeoutException",
        "InvalidBlockTimeoutException", "SemaphoreCouldNotBeAcquiredException",
        "PropertyValueOutOfRangeException", "ArgumentException", "ArgumentOutOfRangeException",
        "VariableTooLargeException",
        *block.throws,
    }  # fmt: skip


@pytest.mark.parametrize(("block", "prop", "path"), list(cases()))
def test_nonsense_is_told_as_what_it_is(
    block: Block, prop: Property, path: str, tmp_path: Path
) -> None:
    clients = clients_of(FolderFiles(tmp_path), (ipaddress.ip_network("127.0.0.0/8"),))
    base: Mapping[str, Any] = PARTS.get(prop.type, ({}, ()))[0]
    surprises = {}
    odd_here = ODD | OWN_ADDRESSES if path.endswith("Host") else ODD
    for name, odd in odd_here.items():
        value = with_part(dict(base), path, values.copy(odd)) if path else values.copy(odd)
        try:
            run = visit(block, prop, value, clients)
            written(run)
        except Exception as problem:
            surprises[name] = repr(problem)[:300]
            continue
        thrown = [t for t in run.thrown if t not in permitted(block)]
        if thrown and block.type != "Rethrow Exception":
            surprises[name] = f"{thrown} {run.exceptions[-1].message[:200]}"
    assert surprises == {}
