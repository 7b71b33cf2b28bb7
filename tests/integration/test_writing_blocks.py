"""docs/writing-blocks.md, followed: a package is built, installed and run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

PAGE = (settings.BASE_DIR / "docs" / "writing-blocks.md").read_text()
#: What an installation with the package finds: run in an interpreter of its own.
LOOK = """
import os, django, yaml
django.setup()
from django.core.checks import run_checks
from flows import checks
from flows.blocks import BY_TYPE, PACKAGES
from flows.blocks.reference import markdown
from flows.files.schema import schema
from executions.views.help import _palettes
from tests.flows_in_memory import Run, messages

assert PACKAGES.problems == [], PACKAGES.problems
assert run_checks(tags=[checks.BLOCKS]) == []
block = BY_TYPE["add tax"]
assert block is BY_TYPE["acme/add tax"]
assert (block.type, block.name, block.icon) == ("Acme/Add Tax", "Add Tax", "key")

# The reference, the help pages, and the schema of flow files.
assert "### Acme/Add Tax\\n\\nAdds tax to a net price" in markdown()
assert "| Tax of 19 percent |" in markdown()
assert "Acme/Add Tax" in schema()["$defs"]
assert "Acme" in dict(_palettes())

# Validation, and a run.
blocks = '''
s: {type: Start Flow, bottom: x}
x: {type: %s, properties: {Net Price: =Net, Percent: 7, Gross Price: ($)Gross}, bottom: e}
e: {type: End Flow}
'''
for name in ("Add Tax", "acme/ADD TAX"):
    run = Run(blocks % name, "{Net: {input: true}, Gross: {output: true}}", Net=200)
    assert run.outputs() == {"Gross": 214.0}
(message,) = messages((blocks % "Add Tax").replace("7", "many"), "{Net: {input: true}, Gross: {}}")
assert message.summary == "Percent is a Text, not an Int32.", message
"""
#: What is said of packages that cannot be used.
PROBLEMS = """
import django
django.setup()
from django.core.checks import run_checks
from flows import checks
for found in run_checks(tags=[checks.BLOCKS]):
    print(found.id, found.msg)
from flows.blocks import ALL, BY_TYPE
print(len([b for b in ALL if b.palette == "Acme"]), BY_TYPE["set variable"].palette)
print(sorted(b.type for b in ALL if b.palette in ("Acme", "Other")), BY_TYPE.get("add tax"))
"""
ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "cortexweb.settings",
    "SECRET_KEY": "x" * 60,
    "DATABASE_URL": "postgresql://user@localhost/none",
    "REDIS_URL": "redis://localhost/0",
}


def run(*command: str, folder: Path, path: str = "", **more: str) -> str:
    search = os.pathsep.join(filter(None, (path, str(settings.BASE_DIR))))
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **ENVIRONMENT, "PYTHONPATH": search, **more},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the page, as it names them."""
    root = tmp_path_factory.mktemp("page")
    fences = re.finditer(r"\n```\w+\n(.*?)```", PAGE, re.S)
    named = [
        (name, fence[1])
        for fence in fences
        # The last name in the paragraph before it.
        for name in re.findall(
            r"`(acme-blocks/[\w./]+)`", PAGE[: fence.start()].rstrip().rpartition("\n\n")[2]
        )[-1:]
    ]
    for name, text in named:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "acme-blocks/acme_blocks/__init__.py").touch()
    assert {Path(name).name for name, _ in named} == {
        "pyproject.toml", "prices.py", "examples.yaml", "test_acme_blocks.py",
    }  # fmt: skip
    return root / "acme-blocks"


@pytest.fixture(scope="module")
def installed(package: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with the built package and the metadata of its entry point, as pip installs them;
    built by setuptools alone, which needs no package index."""
    target = tmp_path_factory.mktemp("installed")
    assert "pip install ./acme-blocks" in PAGE
    build = ("build_py", "--build-lib", str(target), "egg_info", "--egg-base", str(target))
    run(sys.executable, "-c", "import setuptools; setuptools.setup()", "-q", *build, folder=package)
    return str(target)


def test_the_page_leads_to_a_block(package: Path, installed: str) -> None:
    run(sys.executable, "-c", LOOK, folder=package, path=installed)


def test_the_pages_test_passes(package: Path, installed: str) -> None:
    # Away from the source, so that the installed package is the one that is tested.
    test = package.parent / "test_acme_blocks.py"
    test.write_text((package / "test_acme_blocks.py").read_text())
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(test))
    # Without the plugins of this project's own tests, which take half of the time to load.
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    assert "4 passed" in run(*command, folder=package.parent, path=installed, **alone)


def test_a_setting_names_modules_too(package: Path) -> None:
    run(
        sys.executable,
        "-c",
        LOOK,
        folder=package,
        path=str(package),
        CORTEXWEB_BLOCKS="acme_blocks",
    )


def test_what_cannot_be_used_is_told(package: Path, installed: str, tmp_path: Path) -> None:
    source = (package / "acme_blocks" / "prices.py").read_text()
    modules = {
        "broken": "import nothing_of_that_name",
        "empty": "",
        "again": source,
        "other": source.replace('palette = "Acme"', 'palette = "Other"'),
        "odd": source.replace('palette = "Acme"', 'palette = "Odd"').replace('"Int32"', '"Money"'),
        "built_in": source.replace('"Acme"', '"Variables"').replace('"Add Tax"', '"Set Variable"'),
        "plain": source.replace('"Acme"', '"Plain"').replace('"key"', '"no-icon"'),
    }
    for name, text in modules.items():
        (tmp_path / f"{name}.py").write_text(text)
    path = os.pathsep.join((installed, str(tmp_path)))
    said = run(
        sys.executable,
        "-c",
        PROBLEMS,
        folder=tmp_path,
        path=path,
        CORTEXWEB_BLOCKS=",".join(modules),
    ).splitlines()
    assert said[:5] == [
        "flows.E001 CORTEXWEB_BLOCKS: broken cannot be imported: ModuleNotFoundError: No module "
        "named 'nothing_of_that_name'",
        "flows.E001 CORTEXWEB_BLOCKS: empty defines no blocks.",
        "flows.E001 CORTEXWEB_BLOCKS: AddTax: There is a block Acme/Add Tax already. "
        "Choose another palette.",
        "flows.E001 CORTEXWEB_BLOCKS: AddTax: Its properties have types that do not exist: Money.",
        "flows.E001 CORTEXWEB_BLOCKS: AddTax: There is a block Variables/Set Variable already. "
        "Choose another palette.",
    ]
    assert "flows.W001 Plain/Add Tax: there is no icon no-icon." in said
    assert "flows.W002 Other/Add Tax: no golden case with a title shows what it does." in said
    # The rest works; a name that several have is none.
    assert said[-2:] == ["1 Variables", "['Acme/Add Tax', 'Other/Add Tax'] None"]
