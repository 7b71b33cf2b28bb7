"""The house (design §4): arrows go one way, pure modules stay pure, files stay small."""

import ast
import subprocess
import sys
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
    "executions.retention.trimming",
    "executions.engine",
)

#: Inside executions, from the top down: a layer may import those below it, and its own.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("views", "api", "admin", "tasks", "management", "urls", "forms"),
    ("commands", "bulk", "control_transfer", "recovery", "retention"),
    ("runner",),
    ("runner_errors",),
    ("claiming",),
    ("completion", "effects", "children", "leases"),
    (
        "store",
        "dispatch",
        "workers",
        "live",
        "grid",
        "access",
        "preferences",
        "appearance",
        "templatetags",
    ),
    ("models", "fields", "idempotency"),
    ("engine",),
    ("events", "states", "limits", "processes", "queues", "retention.trimming"),
)


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> set[str]:
    """Every module that a file imports, `from a.b import c` as both a.b and a.b.c."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: imports are absolute"
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


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
def test_modules_are_small_and_named_for_a_responsibility(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 500
    assert path.stem not in {"utils", "helpers", "services", "common"}
