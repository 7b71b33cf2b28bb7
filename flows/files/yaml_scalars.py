"""Which plain YAML scalars are not texts: those of YAML 1.2's core schema.

Pure. PyYAML follows YAML 1.1, where `no` is a boolean and `12:30` a number; reading and writing
both use these rules instead.
"""

import re

import yaml

from flows import parsing

NULL, BOOL, INT, FLOAT, STR, SEQ, MAP = (
    f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str", "seq", "map")
)
_RULES = (
    (NULL, r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    (BOOL, r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    (INT, r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        FLOAT,
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        list("-+0123456789."),
    ),
)


class Loader(yaml.SafeLoader):
    """Text to nodes."""

    yaml_implicit_resolvers = {}


class Dumper(yaml.SafeDumper):
    """Data to text."""

    yaml_implicit_resolvers = {}

    def ignore_aliases(self, data: object) -> bool:
        return True


for _tag, _pattern, _first in _RULES:
    for _side in (Loader, Dumper):
        _side.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})$"), _first)


def value(node: yaml.ScalarNode) -> object:
    """The value of a scalar. Raises ValueError for a tag that is none of the core schema's, and for
    a number that is too large."""
    text = node.value
    if node.tag == STR:
        return text
    if node.tag == NULL:
        return None
    if node.tag == BOOL:
        return text.lower() == "true"
    if node.tag == INT:
        return _integer(text)
    if node.tag == FLOAT:
        if text.lower().endswith((".inf", ".nan")):
            return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        return parsing.real(text)
    raise ValueError(f"the tag {node.tag} is not supported")


def _integer(text: str) -> int:
    if text[:2] not in ("0o", "0x"):
        return parsing.integer(text)
    if len(text) > parsing.MOST_DIGITS // 2:
        raise ValueError("the number has too many digits")
    return int(text[2:], 8 if text[1] == "o" else 16)
