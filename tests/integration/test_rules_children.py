"""Rules that reach from one execution into another, on the real path: a flow file, a start, workers
that run in this process, the outputs."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User

from executions.commands.actor import Actor
from executions.commands.lifecycle.start import start
from executions.models import Execution
from executions.states import Status
from flows import values
from tests.driving import drive
from tests.flows_in_tests import publish

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]
ACTOR = Actor(user_id=None, name="tester", source="command line")

CHILD = """
a: {type: Start Flow, bottom: add}
add:
  type: Add Item At End
  properties: {List: ($)_executionContext.Extensions.Trail, Item: child}
  bottom: keep
keep:
  type: Set Variable
  properties: {Value: =_executionContext.Extensions.Trail, Variable: ($)Trail}
  bottom: wait
wait: {type: Wait For Duration, properties: {Duration: {Milliseconds: 20}}, bottom: read}
read:
  type: Set Variable
  properties: {Value: =_executionContext.Extensions.Trail, Variable: ($)After}
  bottom: e
e: {type: End Flow}
"""
PARENT = """
a: {type: Start Flow, bottom: s}
s:
  type: Set Variable
  properties: {Value: [parent], Variable: ($)_executionContext.Extensions.Trail}
  bottom: run
run: {type: Run Flow, properties: {Flow: child, Outputs: ($)Child}, bottom: keep}
keep:
  type: Set Variable
  properties: {Value: =_executionContext.Extensions.Trail, Variable: ($)Own}
  bottom: e
e: {type: End Flow}
"""
#: Its exception passes two handlers by; the third keeps it, after a wait in the chain's target.
CHAIN = """
a: {type: Start Flow, bottom: go}
go: {type: Wireless Sender, properties: {Wireless Receiver Block: Here}}
here: {type: Wireless Receiver, description: Here, bottom: t}
t: {type: Throw New Flow Exception, properties: {Message: Out of stock}, exception: h}
h:
  type: Handle Block Exception Matching Type Names
  properties: {Type Names: [Lists., Text.]}
  bottom: never
  exception: i
i:
  type: Handle Block Exception Matching Message
  properties: {Message: out of}
  bottom: never
  exception: j
j:
  type: Handle Block Exception Matching Messages
  properties:
    Messages: [empty, out of]
    Comparison Type: InvariantCultureIgnoreCase
    Exception: ($)Caught.Exceptions[0]
  bottom: wait
wait: {type: Wait For Duration, properties: {Duration: {Milliseconds: 20}}, bottom: e}
never: {type: Set Variable, properties: {Value: wrong, Variable: ($)Caught}, bottom: e}
e: {type: End Flow}
"""


def run(folder: Path, name: str, blocks: str, variables: str) -> tuple[Execution, Any]:
    version = publish(folder, name, blocks, variables)
    execution = start(version, {}, ACTOR, Execution.Trigger.COMMAND_LINE)
    ended = drive(execution.pk)
    assert ended.status == Status.ENDED
    return ended, values.decode(ended.outputs)


def test_a_child_begins_with_a_copy_of_its_parents_extensions(tmp_path: Path) -> None:
    """Semantics 30: what it does to them is its own, and outlives a wait."""
    publish(tmp_path, "child", CHILD, "{Trail: {output: true}, After: {output: true}}")
    _, outputs = run(tmp_path, "parent", PARENT, "{Child: {output: true}, Own: {output: true}}")
    trail = ["parent", "child"]
    assert outputs == {"Child": {"Trail": trail, "After": trail}, "Own": ["parent"]}


def test_an_exception_that_is_passed_on_is_recorded_once(tmp_path: Path) -> None:
    """Semantics 9, 24, 32, 35: and a part that was saved to outlives a wait."""
    execution, outputs = run(
        tmp_path, "chain", CHAIN, "{Caught: {default: {Exceptions: [none]}, output: true}}"
    )
    (record,) = execution.exceptions.all()
    assert (record.block, record.handled_by) == ("t", "j")
    (caught,) = outputs["Caught"]["Exceptions"]
    assert caught.message == "Out of stock"
    ports = execution.steps.order_by("number").values_list("block", "port")
    assert list(ports)[3:7] == [
        ("t", "exception"),
        ("h", "exception"),
        ("i", "exception"),
        ("j", "bottom"),
    ]


TELLS = """
a: {type: Start Flow, bottom: s}
s:
  type: Set Variable
  properties: {Value: =_executionContext.Initiator, Variable: ($)Who}
  bottom: e
e: {type: End Flow}
"""
ASKS = """
a: {type: Start Flow, bottom: r}
r: {type: Run Flow, properties: {Flow: tells, Outputs: {Who: ($)Who}}, bottom: e}
e: {type: End Flow}
"""


@pytest.mark.parametrize("flow", ["tells", "asks"])
def test_a_flow_reads_who_started_it(flow: str, tmp_path: Path) -> None:
    """Semantics 30: also in a child, whose parent never reads it."""
    declared = "{Who: {output: true}}"
    versions = {
        name: publish(tmp_path, name, blocks, declared)
        for name, blocks in (("tells", TELLS), ("asks", ASKS))
    }
    ada = User.objects.create_user("ada", email="ada@example.org")
    ada.groups.add(Group.objects.create(name="Operators"))
    ada.user_permissions.add(Permission.objects.get(codename="control_execution"))
    actor = Actor(user_id=ada.pk, name="ada", source="page")
    execution = drive(start(versions[flow], {}, actor, Execution.Trigger.PAGE).pk)
    assert values.decode(execution.outputs)["Who"] == {
        "Name": "ada",
        "AuthenticationType": "Session",
        "IsAuthenticated": True,
        "Claims": [
            {"Type": "name", "Value": "ada"},
            {"Type": "role", "Value": "Operators"},
            {"Type": "permission", "Value": "executions.control_execution"},
        ],
    }


def test_who_has_no_account_has_no_claims(tmp_path: Path) -> None:
    """Semantics 30."""
    version = publish(tmp_path, "tells", TELLS, "{Who: {output: true}}")
    execution = drive(start(version, {}, ACTOR, Execution.Trigger.COMMAND_LINE).pk)
    who = values.decode(execution.outputs)["Who"]
    assert (who["AuthenticationType"], who["Claims"]) == (
        "command line",
        [{"Type": "name", "Value": "tester"}],
    )
