"""The blocks that guides for flow authors show exist, and have these properties and ports."""

import re

import pytest
import yaml
from django.conf import settings

from flows.blocks import BY_TYPE

PAGES = ["data-storage", "people", "signals"]


def blocks(page: str) -> list[dict[str, object]]:
    text = (settings.BASE_DIR / "docs" / f"{page}.md").read_text()
    shown = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    return [block for one in shown for block in yaml.safe_load(one).values()]


@pytest.mark.parametrize("page", PAGES)
def test_the_blocks_of_a_guide_exist_as_they_are_written(page: str) -> None:
    assert blocks(page)
    for block in blocks(page):
        known = BY_TYPE[str(block["type"]).casefold()]
        properties = block["properties"]
        assert isinstance(properties, dict)
        unknown = set(properties) - {prop.name for prop in known.properties}
        assert not unknown, (block["type"], unknown)
        assert set(block) <= {"type", "properties", "bottom", "exception"}
