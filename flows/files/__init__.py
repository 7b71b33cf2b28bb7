"""Flow files: YAML (and JSON) documents, made to be written by hand and compared in git.

Pure. docs/flow-files.md describes the document, docs/flow.schema.json its structure.
"""

from flows.files.canonical import canonical, digest
from flows.files.parser import FlowFile, FlowFileError, parse, read
from flows.files.writer import dump_json, dump_yaml

__all__ = [
    "FlowFile",
    "FlowFileError",
    "canonical",
    "digest",
    "dump_json",
    "dump_yaml",
    "parse",
    "read",
]
