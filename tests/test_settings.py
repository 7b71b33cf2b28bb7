"""docs/settings.md against the environment variables that the code reads."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
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
    assert set(documented) == read
    assert documented == sorted(documented)
