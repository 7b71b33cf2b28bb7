"""Flows that tests write down in YAML and publish through the real path."""

import textwrap
from pathlib import Path
from typing import Any

from django.db import transaction

from flows.files import FlowFile, read
from flows.models import FlowVersion
from flows.publish import publish as publish_draft
from flows.publish import save_draft
from tests.quick_yaml import load_yaml, write_yaml


def publish(
    folder: Path, name: str, blocks: str, variables: str = "{}", notes: str = "[]"
) -> FlowVersion:
    """Publish a flow as `import_flows` does; `blocks` and `variables` are YAML mappings, `notes` a
    list."""
    file = READ.get((name, blocks, variables, notes))
    if file is None:
        file = READ[name, blocks, variables, notes] = _read(folder, name, blocks, variables, notes)
    with transaction.atomic():
        return publish_draft(save_draft(file.document).version)


#: The flow files of this process by what they hold. To read one takes longer than to publish it.
READ: dict[tuple[str, str, str, str], FlowFile] = {}


def _read(folder: Path, name: str, blocks: str, variables: str, notes: str) -> FlowFile:
    document: dict[str, Any] = {"flow": name}
    for key, text in (("variables", variables), ("notes", notes), ("blocks", blocks)):
        document[key] = load_yaml(textwrap.dedent(text))
    path = folder / f"{name}.yaml"
    path.write_text(write_yaml(document))
    return read(path)


#: Counts to Last, keeping what it saw.
LOOP = """
a: {type: Start Flow, bottom: l}
l:
  type: For Loop
  properties: {Start Index: 1, End Index: =Last, Current Index: ($)I}
  right: add
  bottom: e
add: {type: Add Item At End, properties: {List: ($)Seen, Item: =I}, bottom: l}
e: {type: End Flow}
"""
LOOP_VARIABLES = """
Last: {input: true, default: 3}
I: {default: 0}
Seen: {default: [], output: true}
"""

#: Squares N; throws for what is below 0. The flow's handler passes the exception on.
SQUARE = """
a: {type: Start Flow, bottom: if}
if: {type: If True Exit Right, properties: {Value: =N < 0}, right: t, bottom: s}
t: {type: Throw New Flow Exception, properties: {Message: negative}}
s: {type: Set Variable, properties: {Value: =N * N, Variable: ($)Square}, bottom: e}
e: {type: End Flow}
h:
  type: Handle Flow Exception
  properties: {Exception: ($)E}
  variables: {E: {}}
  blocks:
    s: {type: Start Workspace, bottom: r}
    r: {type: Rethrow Exception, properties: {Exception: =E}}
"""
SQUARE_VARIABLES = "{N: {input: true, type: Integer}, Square: {output: true}}"

#: Runs `square` for N and keeps its outputs, or the exception.
PARENT = """
a: {type: Start Flow, bottom: run}
run:
  type: Run Flow
  properties: {Flow: square, Inputs: {N: =N}, Outputs: ($)Result}
  bottom: e
  exception: h
h: {type: Handle Block Exception, properties: {Exception: ($)Problem}, bottom: e}
e: {type: End Flow}
"""
PARENT_VARIABLES = (
    "{N: {input: true, type: Integer}, Result: {output: true}, Problem: {output: true}}"
)

#: Waits in a nested workspace.
WAIT = """
a: {type: Start Flow, bottom: w}
w:
  type: Workspace
  description: Nap
  variables: {Inside: {default: 7}}
  blocks:
    s: {type: Start Workspace, bottom: wait}
    wait:
      type: Wait For Duration
      description: Sleep
      properties: {Duration: {Seconds: =Seconds}}
      bottom: set
    set: {type: Set Variable, properties: {Value: =Inside, Variable: ($)Woke}, bottom: x}
    x: {type: End Workspace}
  bottom: e
e: {type: End Flow}
"""
WAIT_VARIABLES = "{Seconds: {input: true, default: 0.2}, Woke: {output: true}}"
