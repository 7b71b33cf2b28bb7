"""Reads of flows: rows → document → compiled graph."""

from collections import OrderedDict, defaultdict
from collections.abc import Iterable
from threading import Lock
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Lower

from flows.files import canonical
from flows.graph import FlowGraph, InvalidFlow, build
from flows.models import Block, Connection, Flow, FlowVersion, Note, Variable
from flows.values import is_plain_text

#: How many compiled graphs of published versions a process keeps.
KEPT_GRAPHS = 256

_graphs: OrderedDict[int, FlowGraph] = OrderedDict()
_lock = Lock()


def latest_published(name: str) -> FlowVersion | None:
    """Return the newest published version of a flow, with its flow; None when there is none, also
    for a name that no flow could have."""
    if not is_plain_text(name):
        return None
    return (
        FlowVersion.objects.select_related("flow")
        .filter(flow__name=name, published_at__isnull=False)
        .order_by("-number")
        .first()
    )


def compiled(version_id: int) -> FlowGraph:
    """Return the graph of a version; a published one is compiled once in each process.

    Raises FlowVersion.DoesNotExist, and InvalidFlow for a draft that does not compile.
    """
    with _lock:
        if version_id in _graphs:
            _graphs.move_to_end(version_id)
            return _graphs[version_id]
    version = FlowVersion.objects.select_related("flow").get(pk=version_id)
    graph, messages = build(document(version))
    if messages:
        raise InvalidFlow(messages)
    if version.is_draft:
        return graph
    with _lock:
        # Whoever came first counts: programs are cached by the identity of their graph.
        graph = _graphs.setdefault(version_id, graph)
        while len(_graphs) > KEPT_GRAPHS:
            _graphs.popitem(last=False)
    return graph


def secret_names(names: Iterable[str], flows: QuerySet[Flow]) -> list[str]:
    """Those of these names that are secret variables in some of the flows, as they are written
    there."""
    secret = Variable.objects.filter(is_secret=True, workspace__version__flow__in=flows)
    rows = secret.annotate(folded=Lower("name")).filter(folded__in=list(names))
    return sorted(set(rows.order_by().values_list("name", flat=True)))


def document(version: FlowVersion) -> dict[str, Any]:
    """The canonical flow document of a version, from its rows: four queries and its flow."""
    variables: dict[str, list[Variable]] = defaultdict(list)
    for variable in (
        Variable.objects.filter(workspace__version=version)
        .order_by("order", "id")
        .select_related("workspace")
    ):
        variables[variable.workspace.key].append(variable)
    notes: dict[str, list[Note]] = defaultdict(list)
    for note in (
        Note.objects.filter(workspace__version=version)
        .order_by("order", "id")
        .select_related("workspace", "block")
    ):
        notes[note.workspace.key].append(note)
    ports: dict[str, dict[str, str]] = defaultdict(dict)
    for source, port, target in Connection.objects.filter(source__version=version).values_list(
        "source__key", "port", "target__key"
    ):
        ports[source][port] = _local(target)
    blocks: dict[str, list[Block]] = defaultdict(list)
    for block in version.blocks.order_by("order", "id"):
        blocks[block.key.rpartition("/")[0]].append(block)

    def content(workspace: str) -> dict[str, Any]:
        return {
            "variables": _variables(variables[workspace]),
            "notes": [_note(note) for note in notes[workspace]],
            "blocks": {
                _local(block.key): {
                    **_block(block),
                    **ports[block.key],
                    **content(block.key),
                }
                for block in blocks[workspace]
            },
        }

    return canonical(
        {
            "flow": version.flow.name,
            "kind": version.flow.kind,
            "description": version.description,
            **content(""),
        }
    )


def _local(key: str) -> str:
    return key.rpartition("/")[2]


def _variables(variables: Iterable[Variable]) -> dict[str, Any]:
    return {
        variable.name: {
            "type": variable.type,
            "input": variable.is_input,
            "output": variable.is_output,
            "secret": variable.is_secret,
            "description": variable.description,
            **({"default": variable.default} if variable.has_default else {}),
        }
        for variable in variables
    }


def _note(note: Note) -> dict[str, Any]:
    return {
        "text": note.text,
        "block": _local(note.block.key) if note.block else "",
        **({} if note.x is None else {"at": [note.x, note.y]}),
        **({} if note.width is None else {"size": [note.width, note.height]}),
    }


def _block(block: Block) -> dict[str, Any]:
    return {
        "type": block.type,
        "description": block.description,
        "properties": block.properties,
        **({} if block.x is None else {"position": [block.x, block.y]}),
    }
