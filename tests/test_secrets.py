"""Secrets: what a secret variable holds is shown to nobody, and stored only where the engine needs
it (docs/secrets.md)."""

import html
import json
import re
import time
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError
from django.db import connection
from django.test import Client

from executions import runner
from executions.commands.control import control
from executions.engine.secrets import LONGEST, MOST, SHORTEST, Secrets
from executions.forms import PREFIX, StartForm
from executions.models import AuditEntry, ExceptionRecord, Execution, LogEntry, Step, Value
from executions.states import Status
from executions.store import families
from executions.store.statements import fetch
from flows import queries
from flows.models import FlowVersion
from flows.models import Variable as Declared
from flows.values import MASK, MASKED, ExceptionValue
from tests.driving import ACTOR, begin, drive, fresh
from tests.flows_in_tests import publish

#: A text that stands nowhere else.
SECRET, OTHER = "zebra-7719-quagga", "okapi-4417-bongo"

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


@pytest.fixture
def flow(db: None, tmp_path: Path) -> FlowVersion:
    publish(tmp_path, "secret-child", CHILD, CHILD_VARIABLES)
    return publish(tmp_path, "secret-flow", PARENT, PARENT_VARIABLES)


def stored() -> dict[str, str]:
    """Everything in the database, but for what only the engine reads: table → its rows as text."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(
                f"SELECT (to_jsonb(t) - 'secrets' - 'secret' - 'state')::text FROM {table} AS t"
            )
            found[table] = "\n".join(text for (text,) in cursor.fetchall())
    return found


def where(*texts: str) -> list[str]:
    return [name for name, rows in stored().items() if any(text in rows for text in texts)]


# What is told and what is not -----------------------------------------------------------------


def test_texts_are_replaced_wherever_they_stand() -> None:
    known = Secrets({"": frozenset({"token"})})
    known.learn({"user": "ada", "password": f" {SECRET}\n", "pin": 4711})
    assert list(known.texts) == [SECRET], "short texts and numbers are not looked for"
    assert known.text(f"a {SECRET} b {SECRET}") == f"a {MASK} b {MASK}"
    shown = known.shown({"a": [SECRET, 1, None], f"k{SECRET}": b"x" + SECRET.encode()})
    assert shown == {"a": [MASK, 1, None], f"k{MASK}": MASKED}
    thrown = ExceptionValue("X", f"no {SECRET}", details=[SECRET], inner=ExceptionValue(SECRET))
    assert SECRET not in repr(known.shown(thrown))
    assert known.of_variable("", "token", 4711) is MASKED
    assert known.of_variable("", "token", None) is None
    assert known.of_variable("w", "token", 4711) == 4711


@pytest.mark.parametrize("text", ['say "hi"\nand ü', "a/b c&d=ü", "it's\\n"])
def test_a_secret_is_known_again_as_texts_and_addresses_quote_it(text: str) -> None:
    known = Secrets({}, {text: None})
    for form in (text, json.dumps(text), json.dumps([text], ensure_ascii=False), repr(text),
                 quote(text), quote(text, safe=""), html.escape(text)):  # fmt: skip
        assert MASK in known.text(f"<{form}>"), form
        assert text.split()[-1] not in known.text(form)


def test_the_beginning_of_a_secret_that_was_cut_is_replaced() -> None:
    known = Secrets({}, {SECRET: None})
    assert known.text(f"'{SECRET[:9]}…' is no key") == f"'{MASK}…' is no key"
    assert known.text("'zeb…'") == "'zeb…'"


def test_the_newest_texts_are_known() -> None:
    known = Secrets({"": frozenset({"t"})})
    for number in range(MOST + 10):
        known.learn(f"secret {number}")
    assert len(known.texts) == MOST
    assert known.text(f"secret {MOST + 9}") == MASK


def test_a_loop_that_renews_a_secret_stays_quick() -> None:
    known = Secrets({"": frozenset({"t"})})
    began = time.process_time()
    for number in range(2_000):
        known.learn(f"token number {number}")
        assert known.text(f"Bearer token number {number}") == f"Bearer {MASK}"
    assert time.process_time() - began < 2, "each cost a millisecond when it compiled a pattern"


def test_a_secret_of_dots_does_not_grow() -> None:
    known = Secrets({"": frozenset({"t"})})
    known.learn(MASK[:4])
    assert known.text(f"{MASK} and {MASK[:5]}") == f"{MASK} and {MASK[:5]}"


def test_keys_that_look_alike_are_two() -> None:
    known = Secrets({}, {SECRET: None, OTHER: None})
    assert list(known.shown({SECRET: 1, OTHER: 2}).values()) == [1, 2]


# Declared in flows ----------------------------------------------------------------------------


BLANK = "{a: {type: Start Flow, bottom: e}, e: {type: End Flow}}"


def test_a_secret_has_no_default(
    db: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError):
        publish(tmp_path, "f", BLANK, f"{{Key: {{secret: true, default: {SECRET}}}}}")
    told = capsys.readouterr().err
    assert "variables.Key.default: It is secret, and has a default." in told
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
    state = families.states(execution.root_id, [child.pk])[str(child.pk)]
    assert state.outputs == {"Result": SECRET}
    failed = Execution.objects.get(error_type="FlowException")
    user = User.objects.create_superuser("ada")
    control("retry", user, failed, ACTOR)
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

    monkeypatch.setattr("executions.store.checkpoints.fetch", listening)
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


# Editing --------------------------------------------------------------------------------------


def test_a_secret_is_edited_without_being_told(
    flow: FlowVersion, admin_client: Client, admin_user: User
) -> None:
    execution = begin(flow, paused=True, Token=SECRET)
    drive_once(execution)
    form = admin_client.get(f"/executions/{execution.pk}/variable/?var=0:Token").content.decode()
    assert 'type="password"' in form
    assert SECRET not in form
    # Neither is it put back, nor does anybody learn whether it is what was there.
    seen = admin_client.post(
        f"/executions/{execution.pk}/variable/", {"var": "0:Token", "value": SECRET}
    ).content.decode()
    assert SECRET not in seen
    assert "holds already" not in seen
    fields = {"level": "0", "name": "Token", "value": OTHER}
    assert control("set-variable", admin_user, fresh(execution), ACTOR, fields).done
    assert AuditEntry.objects.filter(command="set-variable").get().detail == (
        f"Token: {MASK} → {MASK}"
    )
    assert where(SECRET, OTHER) == []
    held = Value.objects.get(execution=execution, name="token")
    assert held.secret == OTHER
    control("continue", admin_user, fresh(execution), ACTOR)
    drive(execution.pk)
    assert where(SECRET, OTHER) == []


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"name": "Token", "path": "x", "value": "y"}, "given whole"),
        ({"name": "Token", "value": f'"{OTHER}'}, "is not valid JSON"),
        (
            {"name": "Token", "value": f'{{"$datetime": "{OTHER}"}}', "retype": "1"},
            "not valid JSON",
        ),
        ({"name": "Copy", "value": f'"{MASK} and more"'}, "stands for a secret"),
    ],
)
def test_what_is_refused_repeats_nothing(
    flow: FlowVersion, admin_user: User, fields: dict[str, str], told: str
) -> None:
    execution = begin(flow, paused=True, Token=SECRET)
    drive_once(execution)
    result = control("set-variable", admin_user, fresh(execution), ACTOR, {"level": "0", **fields})
    assert not result.done
    assert told in result.detail
    assert where(SECRET, OTHER) == []


def test_dots_are_written_where_there_are_no_secrets(
    db: None, tmp_path: Path, admin_user: User
) -> None:
    execution = begin(publish(tmp_path, "dots", BLANK, "{Text: {type: Text}}"), paused=True)
    drive_once(execution)
    fields = {"level": "0", "name": "Text", "value": MASK}
    assert control("set-variable", admin_user, fresh(execution), ACTOR, fields).done


def test_a_breakpoint_does_not_ask_what_a_secret_holds(flow: FlowVersion, admin_user: User) -> None:
    execution = begin(flow, paused=True, Token=SECRET)
    fields = {"block": "log", "action": "set", "condition": "token.startsWith('z')"}
    result = control("breakpoint", admin_user, execution, ACTOR, fields)
    assert "must not read Token" in result.detail
    fields["condition"] = "Deep != null"
    assert control("breakpoint", admin_user, execution, ACTOR, fields).done


@pytest.mark.parametrize(
    ("condition", "pauses"),
    [(f"Copy == '{SECRET}'", False), (f"Copy.startsWith('{SECRET[0]}')", False),
     (f"Copy == '{MASK}'", True), (f"Deep.Inner[0].endsWith('{SECRET[-1]}')", False)],
)  # fmt: skip
def test_a_condition_sees_what_people_see(
    flow: FlowVersion, admin_user: User, condition: str, pauses: bool
) -> None:
    execution = begin(flow, paused=True, Token=SECRET)
    drive_once(execution)
    fields = {"block": "log", "action": "set", "condition": condition}
    assert control("breakpoint", admin_user, execution, ACTOR, fields).done
    control("continue", admin_user, fresh(execution), ACTOR)
    runner.run(execution.pk)
    stands = fresh(execution).block
    assert (stands == "log") is pauses, stands


def test_the_handbook_knows_the_limits() -> None:
    page = (settings.BASE_DIR / "docs" / "secrets.md").read_text()
    assert f"a text of at least {SHORTEST} characters" in page
    assert f"the newest {MOST}, with real" in page
    assert f"shorter than {SHORTEST} characters, or longer than\n  {LONGEST:,}." in page
    assert MASK in page


def drive_once(execution: Execution) -> None:
    """Let a worker take it up, and pause it."""
    runner.run(execution.pk)
    assert fresh(execution).status == Status.PAUSED


# Pages ----------------------------------------------------------------------------------------


def test_the_start_form_takes_a_secret_and_never_gives_it_back(
    flow: FlowVersion, admin_client: Client
) -> None:
    page = admin_client.get("/flows/secret-flow/").content.decode()
    assert re.search(
        r'<input type="password" name="input-Token"[^>]*autocomplete="new-password"', page
    )
    assert 'id="id_input-Token_secret"' in page
    assert 'aria-describedby="id_input-Token_secret ' in page
    assert "it is shown to nobody" in page
    assert ">secret</span>" in page
    refused = admin_client.post(
        "/flows/secret-child/start/", {PREFIX + "Key": SECRET, PREFIX + "Fails": "{"}
    )
    assert refused.status_code == 422
    told = refused.content.decode()
    assert SECRET not in told
    assert "Type it again: a secret is never put back into a page." in told
    started = admin_client.post("/flows/secret-flow/start/", {PREFIX + "Token": SECRET})
    assert started.status_code == 302
    assert where(SECRET) == []


def test_what_is_wrong_with_a_secret_does_not_repeat_it(db: None, tmp_path: Path) -> None:
    version = publish(tmp_path, "moments", BLANK, "{Key: {input: true, secret: true}}")
    form = StartForm(queries.compiled(version.pk),
                     {PREFIX + "Key": f'{{"$datetime": "{SECRET}"}}'})  # fmt: skip
    assert not form.is_valid()
    assert SECRET not in str(form.errors)
    assert "cannot be read" in str(form.errors)


@pytest.mark.parametrize("asked", [f"={SECRET}", "!=x", f'!="{SECRET}"', ">0", "=null", f"={MASK}"])
def test_nobody_learns_by_filtering(flow: FlowVersion, admin_client: Client, asked: str) -> None:
    execution = drive(begin(flow, Token=SECRET).pk)
    page = admin_client.get("/", {"q": f"var.token{asked}"}, follow=True).content.decode()
    assert str(execution.pk) not in page
    assert "is secret: what a secret variable holds is not compared" in page
    page = admin_client.get("/", {"q": f"var.copy={SECRET}"}, follow=True).content.decode()
    assert str(execution.pk) not in page
    page = admin_client.get("/", {"q": f"-var.token{asked}"}, follow=True).content.decode()
    assert str(execution.pk) in page, "whatever is asked"


MOVED = """
a: {type: Start Flow, bottom: s}
s: {type: Set Variable, properties: {Value: 1, Variable: ($)X}, bottom: e}
e: {type: End Flow}
"""


def test_a_secret_does_not_move_to_where_all_may_read_it(tmp_path: Path, admin_user: User) -> None:
    first = publish(tmp_path, "f", MOVED, "{N: {input: true, secret: true, output: true}, X: {}}")
    execution = begin(first, N=4711, paused=True)
    runner.run(execution.pk)
    publish(tmp_path, "f", MOVED, "{N: {input: true, output: true}, X: {}}")
    result = control("move-version", admin_user, fresh(execution), ACTOR, {"accept": "1"})
    assert not result.done
    assert "The variable N is secret now, and would be there for all to read." in result.detail
    assert fresh(execution).version_number == 1


def test_what_a_newer_version_keeps_to_itself_is_masked_when_an_execution_moves_there(
    tmp_path: Path, admin_user: User
) -> None:
    first = publish(tmp_path, "f", MOVED, "{N: {input: true, output: true}, X: {}}")
    execution = begin(first, N=4711, paused=True)
    runner.run(execution.pk)
    assert control("set-next", admin_user, fresh(execution), ACTOR, {"block": "s"}).done
    publish(tmp_path, "f", MOVED, "{N: {input: true, secret: true, output: true}, X: {}}")
    assert control("move-version", admin_user, fresh(execution), ACTOR, {}).done
    held = Value.objects.get(execution=execution, name="n")
    assert (held.value, held.secret) == ({"$secret": True}, 4711)


def test_names_of_secrets_are_told_to_who_may_see_their_flows(
    tmp_path: Path, client: Client, admin_client: Client
) -> None:
    publish(tmp_path, "f", MOVED, "{PayrollPin: {secret: true}, X: {}}")
    client.force_login(User.objects.create_user("nobody"))
    asked = {"q": "var.payrollpin=1"}
    assert "PayrollPin" in admin_client.get("/", asked, follow=True).content.decode()
    assert "PayrollPin" not in client.get("/", asked, follow=True).content.decode()
