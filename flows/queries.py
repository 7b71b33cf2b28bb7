"""Reads of flows: rows → document → compiled graph."""

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from flows.files import canonical
from flows.graph import FlowGraph, InvalidFlow, build
from flows.models import Block, Connection, Flow, FlowVersion, Folder, Label, Note, Variable
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
    # Packages may be uninstalled; what was published with their blocks can still be looked at.
    graph, messages = build(document(version), keeps_missing=not version.is_draft)
    if messages:
        raise InvalidFlow(messages)
    if version.is_draft:
        return graph
    with _lock:
        # The first thread's graph is kept: programs are cached by the identity of their graph.
        graph = _graphs.setdefault(version_id, graph)
        while len(_graphs) > KEPT_GRAPHS:
            _graphs.popitem(last=False)
    return graph


def secret_names(names: Iterable[str], flows: QuerySet[Flow]) -> list[str]:
    """Return the names that are secret variables in any of the flows, spelled as the flows do."""
    secret = Variable.objects.filter(is_secret=True, workspace__version__flow__in=flows)
    rows = secret.annotate(folded=Lower("name")).filter(folded__in=list(names))
    return sorted(set(rows.order_by().values_list("name", flat=True)))


# Folders and labels -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Arrangement:
    """Where flows are: by the name of a flow, the paths of its folder and of those above it, from
    the top; and the names of its labels. Flows without any are missing."""

    folders: Mapping[str, tuple[str, ...]]
    labels: Mapping[str, tuple[str, ...]]


#: Where all flows are that have neither a folder nor a label.
NOWHERE = Arrangement({}, {})


def arrangement() -> Arrangement:
    """Read the folders and labels of all flows: three queries."""
    ways = folder_paths()
    filed = Flow.objects.filter(folder__isnull=False).order_by().values_list("name", "folder_id")
    labels: dict[str, list[str]] = defaultdict(list)
    labelled = Label.objects.filter(flows__isnull=False).order_by("name")
    for flow, label in labelled.values_list("flows__name", "name"):
        labels[flow].append(label)
    return Arrangement(
        {flow: ways[folder] for flow, folder in filed if folder in ways},
        {flow: tuple(names) for flow, names in labels.items()},
    )


def folder_paths() -> dict[int, tuple[str, ...]]:
    """Return the paths of each folder and of those above it, from the top, by the folder's id:
    ("commerce", "commerce/returns")."""
    rows = {pk: (name, parent) for pk, name, parent in _folder_rows()}
    ways: dict[int, tuple[str, ...]] = {}

    def way(pk: int) -> tuple[str, ...]:
        if pk not in ways:
            name, parent = rows[pk]
            above = way(parent) if parent in rows else ()
            ways[pk] = (*above, f"{above[-1]}/{name}" if above else name)
        return ways[pk]

    for pk in rows:
        way(pk)
    return ways


def _folder_rows() -> QuerySet[Folder, tuple[int, str, int | None]]:
    return Folder.objects.order_by("name", "pk").values_list("pk", "name", "parent_id")


def folder_at(path: str) -> Folder | None:
    """Return the folder at a path, in any case; None when there is none."""
    wanted = path.casefold()
    found = [pk for pk, way in folder_paths().items() if way[-1].casefold() == wanted]
    return Folder.objects.filter(pk__in=found).first()


def folders_in(folder: int) -> set[int]:
    """Return the ids of a folder and of all that lie in it."""
    parents = {pk: parent for pk, _, parent in _folder_rows()}
    found = {folder}
    while more := {pk for pk, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def folders_above(folder: int) -> list[int]:
    """Return the ids of a folder and of those that it lies in, from the folder up."""
    parents = {pk: parent for pk, _, parent in _folder_rows()}
    found: list[int] = []
    here: int | None = folder
    while here is not None:
        found.append(here)
        here = parents.get(here)
    return found


def reaching(flow: Flow) -> Q:
    """Return the condition for the grants that reach a flow: on it, on the folders that it lies in,
    and on the whole site."""
    above = folders_above(flow.folder_id) if flow.folder_id else []
    return Q(flow=flow) | Q(folder__in=above) | Q(flow=None, folder=None)


def flows_in(folder: Folder | int | None = None, labels: Iterable[Label | int] = ()) -> list[int]:
    """Return the ids of the flows that lie in a folder, or in one below it, and that have one of
    some labels. Without a folder, or without labels, flows are not left out by that."""
    found = Flow.objects.order_by("name")
    if folder is not None:
        top = folder.pk if isinstance(folder, Folder) else folder
        found = found.filter(folder__in=folders_in(top))
    if wanted := list(labels):
        found = found.filter(labels__in=wanted).distinct()
    return list(found.values_list("pk", flat=True))


# Documents ----------------------------------------------------------------------------------------


def document(version: FlowVersion) -> dict[str, Any]:
    """Return the canonical document of a version, read in four queries besides its flow."""
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
