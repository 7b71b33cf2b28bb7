"""Secrets: what a secret variable holds is stored only where the engine needs it
(docs/secrets.md)."""

import html
import json
import time
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from executions.commands.request import CommandRequest
from executions.commands.run import run_command
from executions.engine.secrets import MOST, Secrets
from executions.models import ExceptionRecord, Execution, LogEntry, Step, Value
from executions.states import Status
from executions.store.read import task_states
from executions.store.statements import fetch
from flows import queries
from flows.models import FlowVersion
from flows.models import Variable as Declared
from flows.values import MASK, MASKED, ExceptionValue
from tests.driving import ACTOR, begin, drive, fresh
from tests.flows_in_tests import publish
from tests.secrets_in_tests import (
    BLANK,
    CHILD,
    CHILD_VARIABLES,
    OTHER,
    SECRET,
    secret_flow,
    where,
)


@pytest.fixture
def flow(db: None, tmp_path: Path) -> FlowVersion:
    return secret_flow(tmp_path)


# What is told and what is not -----------------------------------------------------------------


def test_texts_are_replaced_wherever_they_stand() -> None:
    known = Secrets({"": frozenset({"token"})})
    known.add_value({"user": "ada", "password": f" {SECRET}\n", "pin": 4711})
    assert list(known.texts) == [SECRET], "short texts and numbers are not looked for"
    assert known.redact_text(f"a {SECRET} b {SECRET}") == f"a {MASK} b {MASK}"
    shown = known.redact({"a": [SECRET, 1, None], f"k{SECRET}": b"x" + SECRET.encode()})
    assert shown == {"a": [MASK, 1, None], f"k{MASK}": MASKED}
    thrown = ExceptionValue("X", f"no {SECRET}", details=[SECRET], inner=ExceptionValue(SECRET))
    assert SECRET not in repr(known.redact(thrown))
    assert known.redact_variable("", "token", 4711) is MASKED
    assert known.redact_variable("", "token", None) is None
    assert known.redact_variable("w", "token", 4711) == 4711


@pytest.mark.parametrize("text", ['say "hi"\nand ü', "a/b c&d=ü", "it's\\n"])
def test_a_secret_is_known_again_as_texts_and_addresses_quote_it(text: str) -> None:
    known = Secrets({}, {text: None})
    for form in (text, json.dumps(text), json.dumps([text], ensure_ascii=False), repr(text),
                 quote(text), quote(text, safe=""), html.escape(text)):  # fmt: skip
        assert MASK in known.redact_text(f"<{form}>"), form
        assert text.split()[-1] not in known.redact_text(form)


def test_the_beginning_of_a_secret_that_was_cut_is_replaced() -> None:
    known = Secrets({}, {SECRET: None})
    assert known.redact_text(f"'{SECRET[:9]}…' is no key") == f"'{MASK}…' is no key"
    assert known.redact_text("'zeb…'") == "'zeb…'"


def test_the_newest_texts_are_known() -> None:
    known = Secrets({"": frozenset({"t"})})
    for number in range(MOST + 10):
        known.add_value(f"secret {number}")
    assert len(known.texts) == MOST
    assert known.redact_text(f"secret {MOST + 9}") == MASK


def test_a_loop_that_renews_a_secret_stays_quick() -> None:
    known = Secrets({"": frozenset({"t"})})
    began = time.process_time()
    for number in range(2_000):
        known.add_value(f"token number {number}")
        assert known.redact_text(f"Bearer token number {number}") == f"Bearer {MASK}"
    assert time.process_time() - began < 2, "each cost a millisecond when it compiled a pattern"


def test_a_secret_of_dots_does_not_grow() -> None:
    known = Secrets({"": frozenset({"t"})})
    known.add_value(MASK[:4])
    assert known.redact_text(f"{MASK} and {MASK[:5]}") == f"{MASK} and {MASK[:5]}"


def test_keys_that_look_alike_are_two() -> None:
    known = Secrets({}, {SECRET: None, OTHER: None})
    assert list(known.redact({SECRET: 1, OTHER: 2}).values()) == [1, 2]


# Declared in flows ----------------------------------------------------------------------------


def test_a_secret_has_no_default(
    db: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "f.yaml"
    variables = f"{{Key: {{secret: true, default: {SECRET}}}}}"
    file.write_text(f"flow: f\nvariables: {variables}\nblocks: {BLANK}\n")
    with pytest.raises(CommandError):
        call_command("import_flows", str(file), publish=True)
    told = capsys.readouterr().err
    assert "variables.Key.default: A secret variable cannot have a default." in told
    assert SECRET not in told
    publish(tmp_path, "g", BLANK, "{Key: {secret: true, default: ''}}")


def test_a_flow_is_exported_with_its_secrets_declared(flow: FlowVersion) -> None:
    document = queries.document(flow)
    assert document["variables"]["Token"]["secret"] is True
    assert "secret" not in document["variables"]["Copy"]
    assert Declared.objects.get(workspace__version=flow, name="Token").is_secret


# An execution ---------------------------------------------------------------------------------


def test_what_is_stored_of_an_execution_holds_no_secret(flow: FlowVersion) -> None:
    execution = drive(begin(flow, Token=SECRET).pk)
    assert execution.status == Status.ENDED
    assert where(SECRET) == []
    assert execution.inputs == {"Token": {"$secret": True}}
    assert execution.outputs["Token"] == {"$secret": True}
    assert execution.outputs["Copy"] == MASK
    child = Execution.objects.filter(parent=execution).earliest("started_at")
    assert child.inputs["Key"] == {"$secret": True}
    assert child.inputs["Plain"] == {"Inner": [f"Bearer {MASK}", 7]}
    assert LogEntry.objects.get().event_type == f"with {MASK}"
    messages = ExceptionRecord.objects.filter(execution=execution).order_by("step")
    assert [one.message for one in messages] == [f"child knows {MASK}", f"no such user: {MASK}"]
    failed = Execution.objects.get(error_type="FlowException")
    assert failed.error_message == f"child knows {MASK}"
    changes = {name: change for step in Step.objects.filter(execution=execution)
               for name, change in (step.changes or {}).items()}  # fmt: skip
    assert changes["Token"] == {"value": {"$secret": True}}
    assert changes["Deep"] == {"value": {"Inner": [f"Bearer {MASK}", 7]}}
    assert changes["Left"] == {"value": {"Result": MASK}}


def test_the_engine_goes_on_with_what_is_there(flow: FlowVersion) -> None:
    """From checkpoint to checkpoint, to children and back, and in a retry."""
    execution = drive(begin(flow, Token=SECRET).pk)
    held = Value.objects.get(execution=execution, name="copy")
    assert (held.value, held.secret) == (MASK, SECRET)
    child = Execution.objects.filter(parent=execution).earliest("started_at")
    state = task_states.task_states(execution.root_id, [child.pk])[str(child.pk)]
    assert state.outputs == {"Result": SECRET}
    failed = Execution.objects.get(error_type="FlowException")
    user = User.objects.create_superuser("ada")
    run_command("retry", CommandRequest(failed, user, ACTOR))
    again = drive(Execution.objects.get(origin=failed).pk)
    assert again.error_message == f"child knows {MASK}"
    assert where(SECRET) == []


def test_large_values_and_loops_keep_it_too(db: None, tmp_path: Path) -> None:
    blocks = """
    a: {type: Start Flow, bottom: l}
    l:
      type: For Each Loop
      properties: {Collection: =Keys, Current Iteration: ($)Item}
      right: s
      bottom: e
    s:
      type: Set Variable
      properties: {Value: '=Filler + Item.Value', Variable: ($)Long}
      bottom: l
    e: {type: End Flow}
    """
    version = publish(tmp_path, "large", blocks, """
    Keys: {type: List, input: true, secret: true}
    Filler: {input: true}
    Item: {}
    Long: {output: true}
    """)  # fmt: skip
    execution = drive(begin(version, Keys=[SECRET, OTHER], Filler="x" * 30_000).pk)
    assert execution.status == Status.ENDED
    assert where(SECRET, OTHER) == []
    assert execution.outputs["Long"].endswith(MASK)
    # Nothing that could be found by trying: the key of a stored value is a hash of what is shown.
    real = json.dumps("x" * 30_000 + OTHER).encode()
    keys = set(execution.changed_values.values_list("key", flat=True))
    assert len(keys) == 2
    assert sha256(real).hexdigest() not in keys


def test_a_value_that_comes_to_be_secret_is_masked_everywhere_from_then_on(
    db: None, tmp_path: Path
) -> None:
    blocks = """
    a: {type: Start Flow, bottom: s}
    s: {type: Set Variable, properties: {Value: =Plain, Variable: ($)Key}, bottom: t}
    t: {type: Set Variable, properties: {Value: 0, Variable: ($)Key}, bottom: u}
    u: {type: Set Variable, properties: {Value: "=Plain + '!'", Variable: ($)Later}, bottom: e}
    e: {type: End Flow}
    """
    version = publish(tmp_path, "late", blocks, """
    Plain: {input: true}
    Key: {secret: true}
    Later: {output: true}
    """)  # fmt: skip
    execution = drive(begin(version, Plain=SECRET).pk)
    held = dict(Value.objects.filter(execution=execution).values_list("name", "value"))
    assert held == {"plain": MASK, "key": {"$secret": True}, "later": f"{MASK}!"}
    assert execution.outputs["Later"] == f"{MASK}!"


def test_a_flow_without_secrets_pays_nothing(
    db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no Secrets, as many statements as before, and these say nothing of any."""
    asked: list[str] = []

    def listening(sql: str, params: Any) -> Any:
        asked.append(sql)
        return fetch(sql, params)

    monkeypatch.setattr("executions.store.lifecycle.checkpoint_statement.fetch", listening)
    blocks = CHILD.replace("=Fails", "=false")
    for name, variables in (
        ("plain", CHILD_VARIABLES.replace(", secret: true", "")),
        ("secret", CHILD_VARIABLES),
    ):
        version = publish(tmp_path, name, blocks, variables)
        asked.clear()
        execution = drive(begin(version, Key=SECRET).pk)
        assert len(asked) == 1, "both write all there is at once"
        assert ("secret" in asked[0]) is (name == "secret")
        assert (fresh(execution).secrets is None) is (name == "plain")
    plain = Execution.objects.get(flow_name="plain")
    assert plain.outputs == {"Result": SECRET}
    assert set(plain.values.values_list("secret", flat=True)) == {None}


def test_secrets_are_not_compared(flow: FlowVersion, admin_client: Client) -> None:
    """Two that look alike are not said to be the same, nor to differ."""
    one, two = (drive(begin(flow, Token=text).pk) for text in (SECRET, SECRET))
    three = drive(begin(flow, Token=OTHER).pk)
    pages = [
        admin_client.get("/executions/compare/", {"a": one.pk, "b": other.pk}).content.decode()
        for other in (two, three)
    ]
    for page in pages:
        # Token in; Token, Copy and Problem out; these, Deep and Left at the last step.
        assert page.count("secret, not compared") == 9
        assert page.count("0 of ") == 2


def test_a_task_that_failed_is_shown_without_it(
    flow: FlowVersion, tmp_path: Path, admin_client: Client
) -> None:
    """Where a page looks up what has become of a task, whose exception the engine keeps whole."""
    blocks = """
    a: {type: Start Flow, bottom: r}
    r:
      type: Run Flow Async
      properties:
        Flow: secret-child
        Inputs: {Key: =Key, Fails: true}
        Execution Task: ($)Task
      bottom: w
    w: {type: Wait For Task, properties: {Task: =Task}, bottom: e}
    e: {type: End Flow}
    """
    version = publish(tmp_path, "tasks", blocks, "{Key: {input: true}, Task: {output: true}}")
    execution = drive(begin(version, Key=SECRET).pk)
    assert Execution.objects.get(parent=execution).status == Status.ERROR
    page = f"/executions/{execution.pk}/"
    for query in (
        "?var=0:Task",
        "?panel=io&var=out:Task",
        "value/?var=0:Task",
        "value/?var=out:Task",
    ):
        text = admin_client.get(page + query).content.decode()
        assert f"child knows {MASK}" in text, query
        assert f"child knows {SECRET}" not in text, query
