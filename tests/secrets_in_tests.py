"""Flows with secrets, and where in the database a text stands."""

from pathlib import Path

from django.db import connection

from flows.models import FlowVersion
from tests.flows_in_tests import publish

#: A text that stands nowhere else.
SECRET, OTHER = "zebra-7719-quagga", "okapi-4417-bongo"

BLANK = "{a: {type: Start Flow, bottom: e}, e: {type: End Flow}}"
CHILD = """
a: {type: Start Flow, bottom: s}
s: {type: Set Variable, properties: {Value: =Key, Variable: ($)Result}, bottom: i}
i: {type: If True Exit Right, properties: {Value: =Fails}, right: t, bottom: e}
t: {type: Throw New Flow Exception, properties: {Message: '="child knows " + Key'}}
e: {type: End Flow}
h:
  type: Handle Flow Exception
  properties: {Exception: ($)E}
  variables: {E: {}}
  blocks:
    s: {type: Start Workspace, bottom: r}
    r: {type: Rethrow Exception, properties: {Exception: ($)E}}
"""
CHILD_VARIABLES = """
Key: {type: Text, input: true, secret: true}
Plain: {input: true, default: null}
Fails: {input: true, default: false}
Result: {output: true}
"""
PARENT = """
a: {type: Start Flow, description: Begin, bottom: copy}
copy: {type: Set Variable, properties: {Value: =Token, Variable: ($)Copy}, bottom: deep}
deep:
  type: Set Variable
  properties: {Value: {Inner: ["='Bearer ' + Token", 7]}, Variable: ($)Deep}
  bottom: log
log:
  type: Log Event
  properties: {Event Details: {Sent: =Token}, Event Type: "='with ' + Token"}
  bottom: run
run:
  type: Run Flow
  properties: {Flow: secret-child, Inputs: {Key: =Token, Plain: =Deep}, Outputs: ($)Left}
  bottom: bad
bad:
  type: Run Flow
  properties: {Flow: secret-child, Inputs: {Key: =Token, Fails: true}, Outputs: ($)Left}
  bottom: e
  exception: h1
h1:
  type: Handle Block Exception
  properties: {Exception: ($)Problem}
  bottom: throw
throw:
  type: Throw New Flow Exception
  properties: {Message: "='no such user: ' + Token", Details: {Given: =Deep}, Category: =Token}
  exception: h
h: {type: Handle Block Exception, properties: {Exception: ($)Problem}, bottom: e}
e: {type: End Flow}
"""
PARENT_VARIABLES = """
Token: {type: Text, input: true, secret: true, output: true}
Copy: {output: true}
Deep: {}
Left: {}
Problem: {output: true}
"""


def secret_flow(folder: Path) -> FlowVersion:
    """A flow that does what flows do with a secret, with a child."""
    publish(folder, "secret-child", CHILD, CHILD_VARIABLES)
    return publish(folder, "secret-flow", PARENT, PARENT_VARIABLES)


def stored() -> dict[str, str]:
    """Everything in the database, as whoever reads it without the keys: table → rows as text."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT to_jsonb(t)::text FROM {table} AS t")
            found[table] = "\n".join(text for (text,) in cursor.fetchall())
    return found


def where(*texts: str) -> list[str]:
    return [name for name, rows in stored().items() if any(text in rows for text in texts)]
