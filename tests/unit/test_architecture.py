"""Layers: imports go down only, never in a circle, and pure modules stay pure."""

import ast
import re
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
    "flows.values",
    "flows.validation",
    "flows.blocks",
    "flows.diagram",
    "executions.states",
    "executions.limits",
    "executions.log_context",
    "executions.retention.trimming",
    "executions.engine",
    "executions.statistics.counts",
    "executions.statistics.histograms",
    "executions.statistics.spans",
)

#: Imports in a function, or for the type checker only, with the reason for each.
REASONS = {
    ("cortexweb.up.discovery", "cortexweb.up.orphans"): "production has no psutil",
    ("executions.apps", "executions.failures.occurrences"): "models load after the apps",
    ("executions.apps", "executions.statistics.fold"): "models load after the apps",
}

#: Inside executions, from the top down: a layer imports those below it, and modules of its own.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("urls",),
    ("views", "admin", "tasks", "management", "forms", "templatetags"),
    ("live",),
    ("bulk",),
    ("commands", "failures.commands", "control_transfer", "recovery", "retention", "why"),
    ("runner",),
    ("runner_errors",),
    ("claiming",),
    ("completion", "effects", "children", "leases"),
    ("grid.paging",),
    ("grid.planner",),
    ("grid.table",),
    ("grid", "grid.query"),
    ("preferences",),
    ("failures",),
    ("store.history",),
    ("store.debug",),
    ("store.read",),
    ("store.lifecycle",),
    ("store",),
    ("statistics",),
    ("access", "watches"),
    ("idempotency",),
    ("models",),
    ("appearance", "dispatch", "engine", "fields", "presence", "publishing", "workers"),
    ("events", "limits", "log_context", "processes", "queues", "retention.trimming", "states"),
)


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PATHS = {name_of(path): path for path in MODULES}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def imports_of(path: Path) -> set[str]:
    """Every module that a file imports, `from a.b import c` as both a.b and a.b.c."""
    found: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: imports are absolute"
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def import_places(path: Path) -> Iterator[tuple[str, str]]:
    """The modules of this repository that a file imports, and where: in a "function", for "types"
    only, or in the "module" itself."""
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
        yield from ((name, place) for name in names if name in PATHS and PATHS[name] != path)
        nodes.extend((child, place) for child in ast.iter_child_nodes(node))


def layer_of(module: str) -> int | None:
    """The layer of a module: of the longest name that it begins with."""
    name = module.partition(".")[2]
    while name:
        for number, names in enumerate(LAYERS):
            if name in names:
                return number
        name = name.rpartition(".")[0]
    return None


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_arrows_go_one_way(path: Path) -> None:
    module = name_of(path)
    app = module.split(".")[0]
    for imported in imports_of(path):
        target = imported.split(".")[0]
        if target in APPS:
            assert APPS.index(target) >= APPS.index(app), f"{module} imports {imported}"
        if app == target == "executions":
            here, there = layer_of(module), layer_of(imported)
            if here is not None and there is not None:
                assert there >= here, f"{module} imports {imported}, which stands above it"


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


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_the_engine_has_no_clock_randomness_or_io(path: Path) -> None:
    if not name_of(path).startswith("executions.engine"):
        return
    assert not imports_of(path) & {"time", "random", "os", "socket", "uuid", "pathlib", "logging"}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_are_named_for_a_responsibility(path: Path) -> None:
    assert path.stem not in {"utils", "helpers", "services", "common"}


#: Classes that only name a part of a page, and those of Django's own admin.
UNSTYLED_CLASSES = {"aligned", "form-row", "module", "passing", "sums"}


def test_every_class_of_a_template_has_a_style() -> None:
    styles = "".join(path.read_text() for path in (ROOT / "static/css").glob("*.css"))
    styled = set(re.findall(r"\.([a-z][\w-]*)", re.sub(r"/\*.*?\*/", "", styles, flags=re.DOTALL)))
    for path in (ROOT / "templates").rglob("*.html"):
        for written in re.findall(r'\bclass="((?:{%.*?%}|{{.*?}}|[^"])*)"', path.read_text()):
            # Where a part of a name varies, as in st-{{ tone }}, the name is not known here.
            names = re.sub(r"[\w-]*{{.*?}}[\w-]*|-{%.*|{%.*?%}", " ", written).split()
            unknown = set(names) - styled - UNSTYLED_CLASSES
            assert not unknown, f"{path.relative_to(ROOT)}: no style for {unknown}"
