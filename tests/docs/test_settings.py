"""docs/settings.md against the environment variables that the code reads."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
TABLE_ROW = re.compile(r"^\| `(?P<name>[A-Z_]+)` \| (?P<default>.+?) \| (?P<meaning>.+) \|$", re.M)


def read_names(module: ast.Module) -> Iterator[str]:
    """Constant names in `env.x("NAME")`, `os.environ.get("NAME")` and `os.environ["NAME"]`."""
    for node in ast.walk(module):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name("env")), args=[ast.Constant(str(name)), *_]
            ):
                yield name
            case ast.Call(
                func=ast.Attribute(value=ast.Attribute(attr="environ"), attr="get"),
                args=[ast.Constant(str(name)), *_],
            ):
                yield name
            case ast.Subscript(
                value=ast.Attribute(attr="environ"), slice=ast.Constant(str(name)), ctx=ast.Load()
            ):
                yield name


def test_the_table_of_settings_is_the_settings() -> None:
    sources = [
        path
        for app in ("cortexweb", "flows", "executions")
        for path in PROJECT.glob(f"{app}/**/*.py")
    ]
    read = {name for path in sources for name in read_names(ast.parse(path.read_text()))}
    rows = TABLE_ROW.findall((PROJECT / "docs" / "settings.md").read_text())
    documented = [name for name, _, _ in rows]
    assert documented == sorted(read)  # each once
    assert documented == sorted(documented)


def defaults(module: ast.Module) -> Iterator[tuple[str, str]]:
    """Names with the defaults that are written beside them, as the table would say them."""
    for node in ast.walk(module):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name("env")),
                args=[ast.Constant(str(name))],
                keywords=[ast.keyword("default", ast.Constant(default))],
            ) if default not in (None, ""):
                yield name, str(default).lower() if isinstance(default, bool) else str(default)
            case ast.Call(
                func=ast.Attribute(value=ast.Attribute(attr="environ"), attr="get"),
                args=[ast.Constant(str(name)), ast.Constant(str(default))],
            ):
                yield name, default


def test_the_defaults_in_the_table_are_those_of_the_code() -> None:
    rows = TABLE_ROW.findall((PROJECT / "docs" / "settings.md").read_text())
    told = {name: default for name, default, _ in rows}
    sources = [PROJECT / "cortexweb" / "settings.py", PROJECT / "executions" / "limits.py"]
    found = [each for path in sources for each in defaults(ast.parse(path.read_text()))]
    assert len(found) >= 12
    for name, default in found:
        assert told[name].startswith(f"`{default}`"), name


def test_what_breaks_in_a_request_is_logged_without_debug_too() -> None:
    script = (
        "import django, logging; django.setup();"
        "logging.getLogger('django.request').error('It broke');"
        "logging.getLogger('django.request').warning('Not Found')"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "cortexweb.settings", "SECRET_KEY": "x"}
    environment.pop("DEBUG", None)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("ERROR django.request: It broke") == 1
    assert "Not Found" not in done.stderr
