"""CONTRIBUTING.md's walk to a new block, followed in a copy of the project."""

import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

from django.conf import settings

#: What a contributor finds afterwards: run in the copy, in an interpreter of its own.
LOOK = """
from flows.blocks import BY_TYPE
from flows.blocks.reference import markdown
from flows.files import parse
from flows.files.schema import schema
from tests.block_cases import GOLDEN_CASES, Builder, fits
from tests.flows_in_memory import Run, messages
import yaml

block = BY_TYPE["join texts"]
assert block.palette == "Text"

# The reference, and the schema of flow files.
page = markdown()
assert "### Join Texts" in page
assert "| A space stands between the texts by default |" in page
assert "Join Texts" in schema()["$defs"]

# Validation knows its properties.
start = {"s": {"type": "Start Flow", "bottom": "x"}, "e": {"type": "End Flow"}}
x = {"type": "Join Texts", "properties": {"First": 5, "Second": "b"}, "bottom": "e"}
(message,) = messages(yaml.safe_dump(start | {"x": x}))
assert message.summary == "First is an Integer, not a String.", message

# Its golden cases hold.
cases = [case for case in GOLDEN_CASES if case["block"] == "Join Texts"]
assert len(cases) == 2
for case in cases:
    built = Builder(case, written=False).build()
    document = parse(yaml.safe_dump(built.document)).document
    blocks, variables = map(yaml.safe_dump, (document["blocks"], document["variables"]))
    done = Run(blocks, variables, **built.inputs)
    outputs = done.outputs()
    assert done.thrown == ([case["throws"]] if "throws" in case else [])
    assert fits(case.get("outputs", {}), outputs), outputs
"""


def test_the_walk_leads_to_a_block(tmp_path: Path) -> None:
    for folder in ("flows", "executions", "tests"):
        ignored = shutil.ignore_patterns("__pycache__", "browser", "integration", "migrations")
        shutil.copytree(settings.BASE_DIR / folder, tmp_path / folder, ignore=ignored)
    walk = (settings.BASE_DIR / "CONTRIBUTING.md").read_text()
    walk = walk.partition("## Add a block\n")[2].partition("\n## ")[0]
    found = re.search(r"`(flows/blocks/\w+/\w+\.py)`", walk)
    assert found
    module = tmp_path / found[1]
    module.parent.mkdir(exist_ok=True)
    module.with_name("__init__.py").touch()
    module.write_text(code(walk, "python"))
    with module.with_name("examples.yaml").open("a") as examples:
        examples.write(code(walk, "yaml"))
    done = subprocess.run(
        [sys.executable, "-c", LOOK], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def code(text: str, language: str) -> str:
    """The first block of code in that language."""
    return textwrap.dedent(text.partition(f"   ```{language}\n")[2].partition("   ```")[0])
