"""Layers: imports go down only, never in a circle, and pure modules stay pure."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
APPS = ("cortexweb", "executions", "flows")
MODULES = sorted(
    path
    for app in APPS
    for path in (ROOT / app).rglob("*.py")
    if "migrations" not in path.parts and "__pycache__" not in path.parts
)

#: Modules that run without Django, Celery or Channels, and without doing anything.
PURE = (
    "flows.graph",
    "flows.value_sources",
    "flows.output_targets",
    "flows.expressions",
    "flows.failure_fingerprints",
    "flows.parsing",
    "flows.value_paths",
    "flows.keys",
    "flows.site_zone",
    "flows.values",
    "flows.validation",
    "flows.blocks",
    "flows.diagram",
    "executions.charts",
    "executions.states",
    "executions.limits",
    "executions.log_context",
    "executions.tracing",
    "executions.retention.trimming",
    "executions.engine",
    "executions.schedules.cron",
    "executions.schedules.timetable",
    "executions.statistics.counts",
    "executions.statistics.histograms",
    "executions.statistics.spans",
)

#: Imports in a function, or for the type checker only, with the reason for each.
REASONS = {
    ("cortexweb.apps", "cortexweb.accounts.requirement"): "models load after the apps",
    ("cortexweb.apps", "cortexweb.accounts.user_changes"): "models load after the apps",
    ("cortexweb.up.discovery", "cortexweb.up.orphans"): "production has no psutil",
    ("executions.apps", "executions.alerts.personal"): "models load after the apps",
    ("executions.apps", "executions.failures.events"): "models load after the apps",
    ("executions.apps", "executions.rights_changes"): "models load after the apps",
    ("executions.apps", "executions.failures.occurrences"): "models load after the apps",
    ("executions.apps", "executions.statistics.aggregation"): "models load after the apps",
}

#: Inside executions, from the top down: a layer imports those below it, and modules of its own.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("urls",),
    ("views", "api", "admin", "tasks", "management", "forms", "templatetags"),
    ("live",),
    ("overview",),
    ("bulk",),
    ("alerts", "webhooks"),
    ("flow_files",),
    ("schedules",),
    (
        "commands",
        "control_transfer",
        "failures.commands",
        "questions.changes",
        "data_storage.changes",
        "flow_signals",
        "recovery",
        "retention",
        "why",
    ),
    ("runner",),
    ("runner_errors", "wait_states"),
    ("claiming",),
    ("completion", "effects", "children", "leases"),
    ("shared_data",),
    ("grid.paging",),
    ("failures.comparison", "logs", "audit.search"),
    ("grid.planner",),
    ("grid.table",),
    ("grid", "grid.query"),
    ("preferences", "share_links"),
    ("rail_numbers",),
    ("failures",),
    ("store.history",),
    ("store.debug",),
    ("store.read",),
    ("store.lifecycle",),
    ("store",),
    ("statistics",),
    ("questions", "data_storage", "shared_values"),
    ("access", "rights_changes", "watches"),
    ("idempotency",),
    ("api_tokens", "machine_accounts"),
    ("audit", "commands.actor"),
    ("models",),
    (
        "appearance",
        "dispatch",
        "engine",
        "fields",
        "list_pages",
        "part_elements",
        "presence",
        "publishing",
        "workers",
    ),
    (
        "charts",
        "encryption",
        "events",
        "limits",
        "log_context",
        "processes",
        "queues",
        "retention.trimming",
        "states",
    ),
    ("tracing",),
)


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PATHS = {name_of(path): path for path in MODULES}


@cache
def parsed(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_text())
    except SystemError:
        # Python 3.11 counts the levels of its parser wrongly while another thread parses too.
        return ast.parse(path.read_text())


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """Everything in a module but its expressions, which import nothing."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.expr):
            yield child
            yield from statements(child)


@cache
def imports_of(path: Path) -> set[str]:
    """Every module that a file imports, `from a.b import c` as both a.b and a.b.c."""
    found: set[str] = set()
    for node in statements(parsed(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: imports are absolute"
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


@cache
def import_places(path: Path) -> frozenset[tuple[str, str]]:
    """The modules of this repository that a file imports, and where: in a "function", for "types"
    only, or in the "module" itself."""
    found: set[tuple[str, str]] = set()
    nodes: list[tuple[ast.AST, str]] = [(parsed(path), "module")]
    while nodes:
        node, place = nodes.pop()
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            full = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in PATHS else str(node.module) for name in full]
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            place = "function"
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            place = "types"
        found.update((name, place) for name in names if name in PATHS and PATHS[name] != path)
        if not isinstance(node, ast.expr):  # which imports nothing
            nodes.extend((child, place) for child in ast.iter_child_nodes(node))
    return frozenset(found)


@cache
def layer_of(module: str) -> int | None:
    """The layer of a module: of the longest name that it begins with."""
    name = module.partition(".")[2]
    while name:
        for number, names in enumerate(LAYERS):
            if name in names:
                return number
        name = name.rpartition(".")[0]
    return None


def test_arrows_go_one_way() -> None:
    upward = [
        f"{name_of(path)} imports {imported}"
        for path in MODULES
        for imported in sorted(imports_of(path))
        if goes_up(name_of(path), imported)
    ]
    assert upward == []


def goes_up(module: str, imported: str) -> bool:
    """Whether an import leads to an app, or within executions to a layer, that stands above."""
    app, target = module.split(".")[0], imported.split(".")[0]
    if target not in APPS:
        return False
    if APPS.index(target) < APPS.index(app):
        return True
    if not app == target == "executions":
        return False
    here, there = layer_of(module), layer_of(imported)
    return here is not None and there is not None and there < here


def test_there_is_no_import_circle() -> None:
    """Also none that Python would put up with."""
    graph = {
        module: {name for name, place in import_places(path) if place == "module"}
        for module, path in PATHS.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail("A circle: " + " is imported by ".join(error.args[1]))


def test_imports_in_functions_or_for_types_have_a_reason() -> None:
    """They must not hide a circle."""
    found = {
        (module, name)
        for module, path in PATHS.items()
        for name, place in import_places(path)
        if place != "module"
    }
    assert found == REASONS.keys()


def test_every_module_of_executions_has_a_layer() -> None:
    unplaced = {
        name_of(path)
        for path in MODULES
        if name_of(path).startswith("executions.") and layer_of(name_of(path)) is None
    }
    assert unplaced <= {"executions.apps"}


def test_pure_modules_load_in_a_bare_interpreter() -> None:
    """Without settings, and without Django, Celery or Channels coming along."""
    names = [
        name_of(path)
        for path in MODULES
        if any(name_of(path) == pure or name_of(path).startswith(pure + ".") for pure in PURE)
    ]
    assert len(names) > 20
    script = (
        f"import sys\nfor name in {names!r}:\n    __import__(name)\n"
        "bad = {m.split('.')[0] for m in sys.modules} & {'django', 'celery', 'channels', 'redis'}\n"
        "sys.exit(f'came along: {bad}' if bad else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{script}"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_the_engine_has_no_clock_randomness_or_io() -> None:
    outside = {"time", "random", "os", "socket", "uuid", "pathlib", "logging"}
    engine = [path for path in MODULES if name_of(path).startswith("executions.engine")]
    assert len(engine) > 5
    found = {name_of(path): sorted(imports_of(path) & outside) for path in engine}
    assert not {module: names for module, names in found.items() if names}
