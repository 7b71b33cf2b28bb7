"""docs/blocks.md tells of every block what the registry knows."""

import pytest
from django.conf import settings

from flows.blocks import ALL, BY_TYPE
from flows.blocks.base import TYPES, Block
from flows.blocks.errors import MEANINGS
from flows.blocks.reference import description, exceptions, markdown
from flows.files import parse
from flows.graph import build
from flows.validation import validate

NAMES = {name.rpartition(".")[2] for name in MEANINGS}


def test_the_published_reference_is_the_generated_one() -> None:
    """After a change of the registry: `manage.py flow_schema --write`."""
    assert (settings.BASE_DIR / "docs" / "blocks.md").read_text() == markdown()


@pytest.mark.parametrize("block", ALL, ids=lambda block: block.type)
def test_every_block_is_described(block: Block) -> None:
    assert BY_TYPE[block.type.casefold()] is block
    assert description(block)
    assert "semantics" not in markdown()
    assert set(exceptions(block)) <= NAMES
    assert {prop.type for prop in block.properties} <= set(TYPES)
    section = markdown().partition(f"### {block.type}\n")[2].partition("\n##")[0]
    for prop in block.properties:
        assert f"| {prop.name} | `{prop.type}` |" in section
    for port in block.ports:
        assert port.value in section


def test_the_handbook_names_every_key_of_a_flow_file() -> None:
    handbook = (settings.BASE_DIR / "docs" / "flow-files.md").read_text()
    keys = (
        "flow kind description variables blocks type input output default properties bottom right "
        "exception position"
    )
    for key in keys.split():
        assert f"`{key}`" in handbook


def test_the_handbooks_example_holds() -> None:
    handbook = (settings.BASE_DIR / "docs" / "flow-files.md").read_text()
    file = parse(handbook.partition("```yaml\n")[2].partition("```")[0])
    graph, found = build(file.document)
    assert found + validate(graph) == []
