"""The rows of the lists at the bottom of the page of an execution, a page at a time."""

from collections.abc import Mapping, Set
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.urls import reverse

from executions.grid.paging.tree import count_children
from executions.grid.planner.counts import CAP
from executions.models import Execution, LogEntry, Step
from executions.retention.trimming import trimmed_steps
from executions.store.debug_plan import DebugPlan
from executions.store.read import records, relatives, step_lists
from executions.views import visits
from executions.views.address import Address
from flows import pretty_json, values
from flows.blocks.base import Port
from flows.blocks.logs.log_event import SEVERITIES
from flows.diagram.drawing import port_names
from flows.graph import FlowGraph

#: Steps before the moment that is shown, on its page of steps.
BEFORE = 4


def steps(
    execution: Execution, graph: FlowGraph, address: Address, wanted: step_lists.StepFilter
) -> dict[str, Any]:
    """A page of steps, of all or of those that are asked for; around the moment that is shown
    unless a page is asked for."""
    first = address.number
    if first is None and address.step is not None:
        first = max(1, min(address.step, execution.step_count) - BEFORE)
    page = (
        step_lists.filtered_step_page(execution.pk, first, wanted)
        if wanted
        else step_lists.step_page(execution, first)
    )
    return {
        "is_filtered": bool(wanted),
        "blocks": [(node.key, node.title) for node in graph.blocks.values()],
        "fields": address.fields("block", "thrown", "own", "at"),
        "all_url": address.url(block="", thrown=False, own=False),
        "rows": [_step(step, graph, address) for step in page.rows],
        "older": address.url(at=page.older) if page.older else "",
        "newer": address.url(at=page.newer) if page.newer else "",
        "first": address.url(at="1") if page.older else "",
        "last": address.url(at="") if page.newer else "",
        "trimmed_text": trimmed_text(execution.step_count),
    }


def trimmed_text(step_count: int) -> str:
    """Return a sentence about the steps that are not kept; "" for none."""
    trimmed = trimmed_steps(step_count)
    if not trimmed:
        return ""
    return f"Steps {trimmed[0]:,} to {trimmed[-1]:,} of {step_count:,} are not kept."


def _step(step: Step, graph: FlowGraph, address: Address) -> dict[str, Any]:
    node = graph.blocks.get(step.block)
    names = port_names(node) if node else {}
    return {
        "step": step,
        "node": node,
        "title": node.title if node else step.block,
        "shape": visits.shape_icon(node),
        "port": names.get(Port(step.port), "out") if step.port else "",
        "url": address.block_url(graph, step.block),
        "milliseconds": f"{step.at.microsecond // 1000:03}",
        "took": visits.step_duration(step.duration),
        "changes": [_change(step, name, kept) for name, kept in (step.changes or {}).items()],
        "asked": (address.number if address.step is None else address.step) == step.number,
        "later": address.step is not None and step.number > address.step,
        "step_url": address.url(step=step.number, at=address.at),
    }


def _change(step: Step, name: str, kept: Mapping[str, Any]) -> dict[str, Any]:
    """A changed variable: its value in a line, and where it is to be had when that is not all."""
    if "value" in kept:
        return {"name": name, "text": values.summary(pretty_json.decode(kept["value"]))}
    if "stored" not in kept:
        return {"name": name, "text": f"{kept['summary']}, not kept with the step"}
    url = reverse("execution-change", args=[step.execution_id, step.number])
    return {
        "name": name,
        "text": kept["summary"],
        "url": f"{url}?{urlencode({'name': name})}",
        "size": kept["size"],
    }


def children(
    execution: Execution, visible: QuerySet[Execution], address: Address
) -> dict[str, Any]:
    """A page of child executions, newest first."""
    page = relatives.child_page(execution.pk, visible, address.uuid)
    counts, whole = count_children(visible, execution.pk) if page.rows else ([], True)
    return {
        "counts": counts,
        "whole": whole,
        "cap": CAP,
        "rows": page.rows,
        "older": address.url(at=page.older) if page.older else "",
        "first": address.url(at="") if address.at else "",
    }


def logs(execution: Execution, graph: FlowGraph, address: Address) -> dict[str, Any]:
    """A page of what its blocks logged, the newest last."""
    known = address.severity in SEVERITIES
    wanted = SEVERITIES[SEVERITIES.index(address.severity) :] if known else None
    page = records.log_page(execution.pk, address.number, wanted, address.search)
    return {
        "rows": [_log(entry, graph) for entry in page.rows],
        "severities": SEVERITIES[1:],
        "is_filtered": known or bool(address.search),
        "fields": address.fields("severity", "search", "at"),
        "older": address.url(at=page.older) if page.older else "",
        "last": address.url(at="") if address.at else "",
    }


def _log(entry: LogEntry, graph: FlowGraph) -> dict[str, Any]:
    return {
        "entry": entry,
        "node": graph.blocks.get(entry.block),
        "details": pretty_json.decode(entry.details),
    }


def audit(execution: Execution, address: Address) -> dict[str, Any]:
    """A page of the commands that it was given, newest first."""
    page = records.audit_page(execution.pk, address.number)
    return {
        "rows": page.rows,
        "older": address.url(at=page.older) if page.older else "",
        "first": address.url(at="") if address.at else "",
    }


def blocks(  # noqa: PLR0913 (all that a row of the table shows)
    graph: FlowGraph,
    workspace: str,
    visited: visits.Visits,
    here: Set[str],
    links: Mapping[str, str],
    plan: DebugPlan,
) -> list[dict[str, Any]]:
    """The diagram in words: each block with its visits and where its ports lead."""
    rows = []
    for key in graph.workspaces[workspace].blocks:
        node = graph.blocks[key]
        names = port_names(node)
        rows.append(
            {
                "node": node,
                "shape": visits.shape_icon(node),
                "hits": visited.hits(key),
                "here": key in here,
                "opens": links.get(key, ""),
                "breakpoint": plan.breakpoints.get(key),
                "ways": [
                    (names.get(port, "out"), graph.blocks[target].title)
                    for port, target in node.ports.items()
                    if target in graph.blocks
                ],
            }
        )
    return rows
