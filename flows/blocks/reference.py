"""The reference of the blocks (docs/blocks.md), written from the registry and the golden cases."""

import inspect
import json
import re
from itertools import groupby

from flows.blocks import ALL, examples
from flows.blocks.base import NOT_NULLABLE, SEMAPHORE, TIMEOUT, Block, Effect, Property
from flows.blocks.errors import MEANINGS

_HEAD = """\
# Blocks

Written from the registry of blocks by `manage.py flow_schema --write`.

A property is an input (I), an output (O), which is saved to a variable, or both (IO). An input that
is left out takes its default, an output that is left out is discarded; *advanced* ones are rarely
needed. Whatever a token leaves by, a port that leads nowhere throws
OutputPortNotConnectedException.

Most blocks have Block Timeout and Semaphore; those of a Workspace block are for the whole visit of
its workspace. A block that runs longer than its Block Timeout throws BlockTimeoutException, and
InvalidBlockTimeoutException when that is negative or too long.

A Semaphore lets ConcurrencyLimit blocks with its Name run at once. Without a Queue one more throws
SemaphoreCouldNotBeAcquiredException at once; with one it waits, lowest Priority first, until the
QueueTimeout. The Block Timeout begins when the semaphore is held. Scope says for each of Tenant,
System, Package (Current when left out) and Flow (All when left out) whether the semaphore is that
of the Current one or of All.

The examples are golden cases, from the `examples.yaml` of each palette: the tests run each of
them.
"""

#: Blocks of the original that there are not: palette, name, and why, with what to do instead.
NOT_BUILT = (
    (
        "Google Workspace",
        "Send Email Using Gmail",
        "It signs in by certificates of a Google Workspace. Send Email Using SMTP Server reaches "
        "Gmail with an app password.",
    ),
    (
        "Microsoft365",
        "Send Email Using Microsoft 365",
        "It needs an application that is registered with Microsoft, and its interface alone. Where "
        "the tenant allows SMTP, Send Email Using SMTP Server does it; otherwise Execute Http "
        "Request with OAuth 2.0 asks Microsoft Graph.",
    ),
    (
        "PowerShell",
        "Execute PowerShell Script",
        "Its remote sessions are Windows', and a script in the worker's own process could reach "
        "everything that the worker can. Run scripts on another machine by Execute Ssh Command.",
    ),
    (
        "Telnet",
        "Execute Telnet Command",
        "Telnet sends passwords and everything else as plain text. Use Execute Ssh Command.",
    ),
)
_EFFECTS = {
    Effect.REPEATABLE: "After a crash of its worker it is done again.",
    Effect.ONCE: (
        "After a crash of its worker it is not done again, unless that is harmless: it throws "
        "BlockInterruptedException."
    ),
}


def markdown() -> str:
    """The whole page."""
    parts = [_HEAD]
    for palette, blocks in groupby(sorted(ALL, key=_palette), key=_palette):
        parts.append(f"## {palette}\n")
        parts += [_block(block) for block in blocks]
    parts.append("## Blocks that are not built\n")
    parts.append(
        "Of the blocks of the original these are missing. A [package of your own]"
        "(writing-blocks.md) may bring them.\n\n"
        "| palette | block | why, and what to do instead |\n|---|---|---|"
    )
    parts += [f"| {palette} | {name} | {why} |" for palette, name, why in NOT_BUILT]
    parts.append("")
    parts.append(
        "## What the exceptions mean\n\n"
        "Types, categories, error codes and members are the original's. Messages often say more: "
        "which path or value was refused, and what is allowed. So handle an exception by its type "
        "name where you can, and by its message only where the type does not tell enough.\n\n"
        "| type | meaning |\n|---|---|"
    )
    parts += [f"| `{name}` | {meaning} |" for name, meaning in MEANINGS.items()]
    return "\n".join(parts) + "\n"


def _palette(block: Block) -> str:
    return block.palette


def description(block: Block) -> str:
    """What the block does, from its docstring, without the numbers of the rules."""
    text = inspect.cleandoc(type(block).__doc__ or "")
    return re.sub(r"\s*\(semantics [^)]*\)", "", text)


def exceptions(block: Block) -> list[str]:
    """The types of exceptions that the block throws by itself, by their short names."""
    inputs = [prop for prop in block.properties if prop.reads and prop not in (TIMEOUT, SEMAPHORE)]
    found = ["InvalidPropertyValueException"] if inputs else []
    if any(prop.required for prop in inputs):
        found.append("PropertyNullException")
    if any(prop.nonempty for prop in inputs):
        found.append("PropertyEmptyException")
    found += [name for name in block.throws if name not in found]
    if block.effect is Effect.ONCE:
        found.append("BlockInterruptedException")
    return found


def _block(block: Block) -> str:
    ports = ", ".join(port.value for port in block.ports) or "none"
    lines = [f"### {block.type}\n", description(block)]
    if crash := after_a_crash(block):
        lines += ["", crash]
    lines.append("")
    if block.properties:
        lines += ["| property | type | | default | |", "|---|---|---|---|---|"]
        lines += [_property(prop) for prop in block.properties]
        lines.append("")
    lines.append(f"Ports: {ports}.")
    if block.opens_workspace:
        lines.append("It has `variables` and `blocks` of its own.")
    thrown = exceptions(block)
    if thrown:
        lines.append(f"Throws {', '.join(thrown)}.")
    if shown := examples.table(block.type):
        lines += ["", *shown]
    return "\n".join(lines) + "\n"


def anchor(title: str) -> str:
    """The anchor of a block, or of another heading, on its page."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def after_a_crash(block: Block) -> str:
    """What becomes of the block when its worker dies; "" where nobody can tell a difference."""
    return _EFFECTS.get(block.effect, "")


def default(prop: Property) -> str:
    """What an input holds when it is left out, as JSON; "" for nothing."""
    return json.dumps(prop.default) if prop.reads and prop.default is not None else ""


def notes(prop: Property) -> str:
    """What is said beside a property, but that it is advanced."""
    notes = []
    if prop.required or (prop.reads and prop.type in NOT_NULLABLE):
        notes.append("not null")
    if prop.nonempty:
        notes.append("not empty")
    if prop.choices:
        notes.append("one of " + ", ".join(prop.choices))
    if prop.description:
        notes.append(prop.description)
    return "; ".join(notes)


def _property(prop: Property) -> str:
    given = default(prop)
    told = "; ".join(filter(None, (notes(prop), "*advanced*" if prop.advanced else "")))
    cells = [prop.name, f"`{prop.type}`", prop.direction, f"`{given}`" if given else "", told]
    return f"| {' | '.join(cells)} |"
