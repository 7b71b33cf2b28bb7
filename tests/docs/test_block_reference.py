"""docs/blocks.md tells of every block what the registry knows."""

import json
from pathlib import Path

import pytest
from django.conf import settings

from flows.blocks import ALL, BY_TYPE
from flows.blocks.base import SEMAPHORE, TIMEOUT, TYPES, Block
from flows.blocks.errors import MEANINGS
from flows.blocks.reference import NOT_BUILT, description, exceptions, markdown
from flows.files import parse
from flows.graph import build
from flows.validation import validate

#: The palettes that make the engine, as in the original's documentation: palette, block, and for
#: each of its own properties the name, type, direction and whether it is advanced.
PALETTES = json.loads((Path(__file__).parent.parent / "data" / "palettes.json").read_text())
#: Every block of the original by its palette.
CATALOG = json.loads((Path(__file__).parent.parent / "data" / "catalog.json").read_text())
NAMES = {name.rpartition(".")[2] for name in MEANINGS}
PAGE = markdown()


def test_the_published_reference_is_the_generated_one() -> None:
    """After a change of the registry: `manage.py flow_schema --write`."""
    assert (settings.BASE_DIR / "docs" / "blocks.md").read_text() == PAGE


@pytest.mark.parametrize("block", ALL, ids=lambda block: block.type)
def test_every_block_is_described(block: Block) -> None:
    assert BY_TYPE[block.type.casefold()] is block
    assert description(block)
    assert "semantics" not in PAGE
    assert set(exceptions(block)) <= NAMES
    assert {prop.type for prop in block.properties} <= set(TYPES)
    section = PAGE.partition(f"### {block.type}\n")[2].partition("\n##")[0]
    for prop in block.properties:
        assert f"| {prop.name} | `{prop.type}` |" in section
    for port in block.ports:
        assert port.value in section


@pytest.mark.parametrize(
    ("palette", "name", "properties"), PALETTES, ids=[name for _, name, _ in PALETTES]
)
def test_a_block_has_the_originals_properties(
    palette: str, name: str, properties: list[list[object]]
) -> None:
    block = BY_TYPE[name.casefold()]
    assert (block.palette, block.type) == (palette, name)
    own = [prop for prop in block.properties if prop not in (SEMAPHORE, TIMEOUT)]
    assert [[p.name, p.type, p.direction.value, p.advanced] for p in own] == properties


def test_the_palettes_of_the_engine_hold_nothing_else() -> None:
    """But for what goes beyond the original."""
    palettes = {palette for palette, *_ in PALETTES}
    names = {name for _, name, _ in PALETTES} | {"Wait Until"}
    assert {b.type for b in ALL if b.palette in palettes} == names


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


def test_each_block_of_the_original_is_there_or_said_to_be_missing() -> None:
    wanted = {(palette, name) for palette, names in CATALOG.items() for name in names}
    assert len(wanted) == 215
    missing = wanted - {(block.palette, block.name) for block in ALL}
    told = {(palette, name) for palette, name, _ in NOT_BUILT}
    assert missing == told
    section = PAGE.partition("## Blocks that are not built\n")[2].partition("\n## ")[0]
    for palette, name, why in NOT_BUILT:
        assert f"| {palette} | {name} | {why} |" in section
