"""Writes a flow document as text, always in the same form, so that git shows what changed. Pure."""

import json
from collections.abc import Mapping
from typing import Any

import yaml

from flows.files import yaml_scalars

#: Line ends in YAML 1.1 that are none in YAML 1.2.
_LINE_BREAKS = frozenset("\x85\u2028\u2029")


class _Dumper(yaml_scalars.Dumper):
    """Texts of several lines as they look, positions in one line."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless=False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    if _LINE_BREAKS.intersection(text):
        return dumper.represent_scalar(yaml_scalars.STR, text, style='"')
    style = "|" if "\n" in text.strip("\n") else None
    return dumper.represent_scalar(yaml_scalars.STR, text, style=style)


def _list(dumper: yaml.SafeDumper, items: list[Any]) -> yaml.Node:
    flow = all(type(item) in (int, bool) for item in items)
    return dumper.represent_sequence(yaml_scalars.SEQ, items, flow_style=flow)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(list, _list)


def dump_yaml(document: Mapping[str, Any]) -> str:
    """Return a canonical document as YAML."""
    return yaml.dump(
        dict(document),
        Dumper=_Dumper,
        sort_keys=False,
        default_flow_style=False,
        allow_unicode=True,
        width=1_000_000,
    )


def dump_json(document: Mapping[str, Any]) -> str:
    """Return a canonical document as indented JSON."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
