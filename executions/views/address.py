"""The address of an execution's page: its query parameters."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from flows.graph import FlowGraph

TABS = ("steps", "gantt", "differences", "children", "logs", "audit", "blocks")
PANELS = ("variables", "exceptions", "io")
#: What is written beside the blocks of the diagram.
OVERLAYS = ("visits", "time", "none")
#: Workspaces that can be kept open as tabs.
OPEN = 20


@dataclass(frozen=True, slots=True)
class Address:
    """The query parameters of the page. Values that cannot be read are ignored."""

    tab: str = "steps"
    panel: str = "variables"
    #: None follows the innermost token.
    workspace: str | None = None
    #: The key of the first row on the bottom panel's page; "" for the newest page.
    at: str = ""
    #: The level of the token that is selected; None is the innermost one, wherever it goes.
    token: int | None = None
    #: Workspaces that stay open as tabs, beside those that a token is in.
    open: tuple[str, ...] = ()
    overlay: str = "visits"
    #: Whether the tokens of child executions are shown at the blocks that started them.
    children: bool = False
    #: The step after which the execution is shown; None is now.
    step: int | None = None
    #: A time instead of a step, in milliseconds since the epoch: the last step that ended by then.
    time: int | None = None
    #: The step from which differences are shown.
    since: int | None = None
    #: Whether the executions below are shown as they were then.
    clock: bool = False
    #: Which steps are listed: those of one block, those that threw, those of the selected token.
    block: str = ""
    thrown: bool = False
    own: bool = False
    #: The open value: "<level, in or out>:<path>" (`flows.value_paths`), its first shown item, and
    #: whether it is shown as it was before the step.
    var: str = ""
    item: int = 0
    before: bool = False
    #: Which variables are listed: those with this in their name or value, or those just changed.
    find: str = ""
    changed: bool = False
    #: The exception that is shown in full, by its key; None is the newest.
    exception: int | None = None
    #: Which log entries are listed: from this severity on, and those with this in them.
    severity: str = ""
    search: str = ""

    @classmethod
    def parse(cls, parameters: Mapping[str, str]) -> "Address":
        tab, panel = parameters.get("tab", ""), parameters.get("panel", "")
        token, overlay = parameters.get("token", ""), parameters.get("overlay", "")
        opened = parameters.get("open", "")[:4000].split(",")[:OPEN]
        return cls(
            tab=tab if tab in TABS else "steps",
            panel=panel if panel in PANELS else "variables",
            workspace=parameters.get("workspace"),
            at=parameters.get("at", "")[:40],
            token=int(token) if _is_digits(token) and len(token) < 5 else None,
            open=tuple(dict.fromkeys(key for key in opened if key)),
            overlay=overlay if overlay in OVERLAYS else "visits",
            children=parameters.get("children") == "1",
            step=_number(parameters.get("step", "")),
            time=_number(parameters.get("time", "")),
            since=_number(parameters.get("from", "")),
            clock=parameters.get("clock") == "1",
            block=parameters.get("block", "")[:200],
            thrown=parameters.get("thrown") == "1",
            own=parameters.get("own") == "1",
            var=parameters.get("var", "")[:2000],
            item=_number(parameters.get("item", "")) or 0,
            before=parameters.get("before") == "1",
            find=parameters.get("find", "")[:200],
            changed=parameters.get("changed") == "1",
            exception=_number(parameters.get("exception", "")),
            severity=parameters.get("severity", "")[:12],
            search=parameters.get("search", "")[:200],
        )

    def url(self, **changes: Any) -> str:
        """The query string with some of it changed; another tab, or moment, begins at its own
        page."""
        if {"tab", "step", "block", "thrown", "own", "severity", "search"} & changes.keys():
            changes.setdefault("at", "")
        if "var" in changes:
            changes.setdefault("item", 0)
        there = replace(self, **changes)
        pairs = {
            "tab": there.tab if there.tab != "steps" else "",
            "panel": there.panel if there.panel != "variables" else "",
            "at": there.at,
            "token": "" if there.token is None else str(there.token),
            "open": ",".join(there.open),
            "overlay": there.overlay if there.overlay != "visits" else "",
            "children": "1" if there.children else "",
            "step": "" if there.step is None else str(there.step),
            "time": "" if there.time is None else str(there.time),
            "from": "" if there.since is None else str(there.since),
            "clock": "1" if there.clock else "",
            "block": there.block,
            "thrown": "1" if there.thrown else "",
            "own": "1" if there.own else "",
            "var": there.var,
            "item": str(there.item) if there.item else "",
            "before": "1" if there.before else "",
            "find": there.find,
            "changed": "1" if there.changed else "",
            "exception": "" if there.exception is None else str(there.exception),
            "severity": there.severity,
            "search": there.search,
        }
        query = {name: value for name, value in pairs.items() if value}
        if there.workspace is not None:
            query["workspace"] = there.workspace
        return "?" + urlencode(query, safe="/,:")

    @property
    def number(self) -> int | None:
        """`at` as a number, for lists that are paged by one."""
        return int(self.at) if _is_digits(self.at) else None

    @property
    def uuid(self) -> UUID | None:
        """`at` as an id."""
        try:
            return UUID(self.at)
        except ValueError:
            return None

    def fields(self, *without: str) -> list[tuple[str, str]]:
        """The parameters as the hidden fields of a form that changes others."""
        pairs = parse_qsl(self.url()[1:])
        return [(name, value) for name, value in pairs if name not in without]

    def block_url(self, graph: FlowGraph, key: str) -> str:
        """The page with the workspace of a block opened."""
        node = graph.blocks.get(key)
        return self.url(workspace=node.workspace if node else "")


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _number(text: str) -> int | None:
    return int(text) if _is_digits(text) and len(text) < 16 else None
