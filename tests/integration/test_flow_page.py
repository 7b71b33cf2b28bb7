"""The list of flows, the page of one, and the form that starts it."""

import html as markup
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import DjangoAssertNumQueries

from executions.forms import PREFIX, StartForm
from executions.models import AuditEntry, Execution
from executions.states import Status
from flows import files, values
from flows.graph import FlowGraph, build
from flows.models import Flow, FlowVersion
from flows.publish import save_draft
from tests.debugging import may_debug
from tests.executions_in_tests import make_execution
from tests.flows_in_tests import LOOP, LOOP_VARIABLES, WAIT, WAIT_VARIABLES, publish

HOSTILE = '"><img src=x onerror=alert(1)>'
BLOCKS = "{a: {type: Start Flow, bottom: e}, e: {type: End Flow}}"
TYPED = """
T: {type: Text, input: true, default: hello, description: What to say}
I: {type: Integer, input: true}
N: {type: Number, input: true, default: 2.5}
B: {type: Boolean, input: true, default: false}
D: {type: Date Time, input: true, default: {$datetime: "2025-07-15T12:00:00+00:00"}}
L: {type: List, input: true, default: [1, 2]}
S: {type: Structure, input: true, default: {a: 1}}
X: {input: true, default: null}
Inner: {type: Text, output: true}
"""


@pytest.fixture
def starter(db: None) -> User:
    user = User.objects.create_user("ada")
    user.user_permissions.add(Permission.objects.get(codename="start_flow"))
    return user


@pytest.fixture
def reader(db: None) -> User:
    user = User.objects.create_user("grace")
    user.user_permissions.add(Permission.objects.get(codename="view_flow"))
    return user


@pytest.fixture
def typed(db: None, tmp_path: Path) -> FlowVersion:
    return publish(tmp_path, "typed", BLOCKS, TYPED)


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def get(user: User, address: str) -> str:
    response = client_of(user).get(address)
    assert response.status_code == 200
    return response.content.decode()


def begin(user: User, flow: str = "typed", **fields: str) -> Any:
    given = {PREFIX + name if len(name) == 1 else name: text for name, text in fields.items()}
    return client_of(user).post(f"/flows/{flow}/start/", {"version": "1", **given})


def draft(name: str, blocks: dict[str, Any]) -> FlowVersion:
    document = files.canonical({"flow": name, "blocks": blocks})
    return save_draft(document).version


# The list -------------------------------------------------------------------------------------


def test_the_list_names_versions_and_drafts(starter: User, tmp_path: Path) -> None:
    publish(tmp_path, "orders", BLOCKS)
    publish(tmp_path, "orders", LOOP, LOOP_VARIABLES)
    draft("orders", {"a": {"type": "Start Flow"}})
    draft("unborn", {"a": {"type": "Start Flow"}})
    html = get(starter, "/flows/")
    assert 'href="/flows/orders/"' in html
    assert "<b>v2</b>" in html
    assert 'href="/flows/orders/?version=3"' in html
    assert 'href="/flows/unborn/?version=1"' in html


def test_the_list_is_searched(starter: User, tmp_path: Path) -> None:
    publish(tmp_path, "orders", BLOCKS)
    publish(tmp_path, "stock", BLOCKS)
    html = get(starter, "/flows/?q=ORD")
    assert "orders" in html
    assert 'href="/flows/stock/"' not in html
    assert "No flow matches" in get(starter, "/flows/?q=nothing+like+it")
    assert HOSTILE not in get(starter, f"/flows/?q={HOSTILE}")
    assert 'href="/flows/stock/"' in get(starter, "/flows/?q=st%00ock")


# The page -------------------------------------------------------------------------------------


def test_the_page_draws_the_flow_and_tells_its_variables(starter: User, tmp_path: Path) -> None:
    publish(tmp_path, "nap", WAIT, WAIT_VARIABLES)
    html = get(starter, "/flows/nap/")
    assert 'data-block="w"' in html
    assert "b dim" not in html
    assert 'href="/flows/nap/?workspace=w"' in html
    assert "Seconds" in html
    assert "Variables of Nap" in html
    inner = get(starter, "/flows/nap/?workspace=w")
    assert 'data-block="w/wait"' in inner
    assert 'data-block="w"' not in inner


def test_an_older_version_is_drawn_when_asked_for(starter: User, tmp_path: Path) -> None:
    publish(tmp_path, "changing", BLOCKS)
    publish(tmp_path, "changing", LOOP, LOOP_VARIABLES)
    assert 'data-block="l"' in get(starter, "/flows/changing/")
    old = get(starter, "/flows/changing/?version=1")
    assert 'data-block="l"' not in old
    assert "not the newest version" in old
    assert 'name="version" value="1"' in old
    for wrong in ("3", "0", "x", "9" * 12, "-1"):
        response = client_of(starter).get(f"/flows/changing/?version={wrong}")
        assert response.status_code == 404


def test_a_draft_is_shown_but_not_started(starter: User) -> None:
    draft("unborn", {"a": {"type": "Start Flow", "bottom": "e"}, "e": {"type": "End Flow"}})
    html = get(starter, "/flows/unborn/")
    assert 'data-block="e"' in html
    assert "A draft cannot be started" in html
    response = begin(starter, "unborn")
    assert response.status_code == 422
    assert not Execution.objects.exists()


def test_a_draft_that_does_not_compile_says_why(starter: User) -> None:
    draft(
        "broken",
        {
            "a": {"type": "Start Flow", "bottom": "s"},
            "s": {"type": "Set Variable", "properties": {"Value": "=1 +"}},
        },
    )
    html = get(starter, "/flows/broken/")
    assert "This draft cannot be drawn yet" in html
    assert "The expression is not valid." in html


def test_a_flow_without_versions(starter: User) -> None:
    Flow.objects.create(name="empty")
    assert "This flow has no version yet." in get(starter, "/flows/empty/")
    assert begin(starter, "empty", version="").status_code == 422


def test_recent_executions_are_those_that_one_may_see(starter: User, tmp_path: Path) -> None:
    version = publish(tmp_path, "nap", WAIT, WAIT_VARIABLES)
    stranger = User.objects.create_user("other")
    mine = make_execution(starter, "nap", version=version, status=Status.ENDED)
    failed = make_execution(starter, "nap", version=version, status=Status.ERROR, error_type="Bad")
    theirs = make_execution(stranger, "nap", version=version, status=Status.ENDED)
    html = get(starter, "/flows/nap/")
    assert f'href="/executions/{mine.pk}/"' in html
    assert f'href="/executions/{failed.pk}/"' in html
    assert str(theirs.pk) not in html
    assert "1 ended, 1 error" in html or "1 error, 1 ended" in html


def test_the_page_costs_the_same_however_much_ran(
    starter: User, tmp_path: Path, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    version = publish(tmp_path, "nap", WAIT, WAIT_VARIABLES)
    for _ in range(130):
        make_execution(starter, "nap", version=version, status=Status.ENDED)
    client = client_of(starter)
    client.get("/flows/nap/")
    with django_assert_max_num_queries(13):
        html = client.get("/flows/nap/").content.decode()
    assert html.count('class="bar-ok"') == 120


def test_nothing_that_is_shown_can_be_markup(starter: User, tmp_path: Path) -> None:
    blocks = json.dumps(
        {
            "a": {"type": "Start Flow", "description": HOSTILE, "bottom": "e"},
            "e": {"type": "End Flow", "description": HOSTILE},
        }
    )
    variables = json.dumps(
        {"T": {"type": "Text", "input": True, "default": HOSTILE, "description": HOSTILE}}
    )
    publish(tmp_path, "hostile", blocks, variables)
    Flow.objects.update(description=HOSTILE)
    assert "<img" not in get(starter, "/flows/hostile/")
    assert "<img" not in get(starter, "/flows/")
    response = begin(starter, "hostile", T=HOSTILE * 60_000)
    assert "<img" not in response.content.decode()


# Who may --------------------------------------------------------------------------------------


def test_who_may_not_see_flows_finds_none(typed: FlowVersion) -> None:
    nobody = User.objects.create_user("nobody")
    assert client_of(nobody).get("/flows/typed/").status_code == 404
    assert begin(nobody).status_code == 404
    assert 'href="/flows/typed/"' not in get(nobody, "/flows/")
    assert client_of(User.objects.create_superuser("root")).get("/flows/a%00b/").status_code == 404
    assert Client().get("/flows/").status_code == 302
    assert Client().get("/flows/typed/").status_code == 302


def test_who_may_only_look_has_no_form(typed: FlowVersion, reader: User) -> None:
    html = get(reader, "/flows/typed/")
    assert "You may see flows, but not start them." in html
    assert "Start and open" not in html
    assert begin(reader, I="1").status_code == 403
    assert not Execution.objects.exists()


# Starting -------------------------------------------------------------------------------------


def test_defaults_count_for_what_is_left_empty(typed: FlowVersion, starter: User) -> None:
    response = begin(starter, I="42", T="", N="", L="", S="")
    execution = Execution.objects.get()
    assert response.status_code == 302
    assert response["Location"] == "/?flow=typed"
    assert values.decode(execution.inputs) == {"I": 42}
    assert (execution.trigger, execution.initiator) == ("page", starter)
    assert AuditEntry.objects.get().command == "start"


def test_start_and_open_leads_to_the_execution(typed: FlowVersion, starter: User) -> None:
    response = begin(starter, I="1", open="1")
    assert response["Location"] == f"/executions/{Execution.objects.get().pk}/"


def test_pause_at_the_first_block(typed: FlowVersion, starter: User) -> None:
    begin(may_debug(starter), I="1", paused="on")
    assert Execution.objects.get().steps_wanted == 0


def test_the_version_that_is_shown_is_started(starter: User, tmp_path: Path) -> None:
    publish(tmp_path, "changing", BLOCKS)
    publish(tmp_path, "changing", LOOP, LOOP_VARIABLES)
    begin(starter, "changing")
    assert Execution.objects.get().version_number == 1


def test_nothing_is_lost_on_bad_input(typed: FlowVersion, starter: User) -> None:
    given = {
        "T": "  kept as it is  ",
        "I": "twelve",
        "N": "a lot",
        "B": "true",
        "D": "yesterday",
        "L": '{"no": "list"}',
        "S": '{"broken": ',
        "X": "[1, 2",
    }
    response = begin(may_debug(starter), **given, paused="on")
    html = response.content.decode()
    assert response.status_code == 422
    assert not Execution.objects.exists()
    for name, text in given.items():
        if name != "B":
            assert markup.escape(text) in html, name
    assert '<option value="true" selected>' in html
    assert re.search(r'name="paused"[^>]* checked', html)
    for name, said in {
        "I": "Enter a whole number",
        "N": "Enter a number",
        "D": "Enter a date and time",
        "L": "Enter a list",
        "S": "This is not valid JSON",
        "X": "This is not valid JSON",
    }.items():
        error = re.search(rf'id="id_{PREFIX}{name}_error">(.*?)</p>', html, re.DOTALL)
        assert error, name
        assert said in markup.unescape(error[1]), name
        assert re.search(rf'name="{PREFIX}{name}"[^>]*aria-invalid="true"', html), name


def test_messages_of_the_flow_stand_beside_their_input(typed: FlowVersion, starter: User) -> None:
    html = begin(starter, T="hello").content.decode()
    error = re.search(rf'id="id_{PREFIX}I_error">(.*?)</p>', html, re.DOTALL)
    assert error
    assert "The input is missing." in error[1]


def test_htmx_gets_the_form_alone_and_is_led_on(typed: FlowVersion, starter: User) -> None:
    client = client_of(starter)
    asked = {"headers": {"HX-Request": "true"}}
    refused = client.post("/flows/typed/start/", {f"{PREFIX}I": "twelve"}, **asked)
    html = refused.content.decode()
    assert refused.status_code == 422
    assert html.startswith("<section")
    assert "Enter a whole number" in html
    assert not Execution.objects.exists()
    begun = client.post("/flows/typed/start/", {f"{PREFIX}I": "12", "open": "1"}, **asked)
    assert begun["HX-Redirect"] == Execution.objects.get().get_absolute_url()


def test_a_reload_of_a_refused_start_is_no_dead_end(typed: FlowVersion, starter: User) -> None:
    assert client_of(starter).get("/flows/typed/start/")["Location"] == "/flows/typed/"


# The form -------------------------------------------------------------------------------------


def graph_of(type_: str) -> FlowGraph:
    document = {
        "flow": "one",
        "variables": {"V": {"type": type_, "input": True}},
        "blocks": {"a": {"type": "Start Flow"}},
    }
    return build(document)[0]


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        ("Text", "007", "007"),
        ("Text", "null", "null"),
        ("Text", '""', ""),
        ("Text", "a\r\nb", "a\nb"),
        ("Text", "   ", "   "),
        ("Integer", " -12 ", -12),
        ("Integer", "9" * 30, int("9" * 30)),
        ("Number", "2.5", 2.5),
        ("Number", "2,5", 2.5),
        ("Number", "3", 3),
        ("Boolean", "true", True),
        ("Boolean", "false", False),
        ("List", '[1, "a", null]', [1, "a", None]),
        ("Structure", '{"a": [1]}', {"a": [1]}),
        ("", "12", 12),
        ("", '"12"', "12"),
        ("", "null", None),
        ("", "plain words", "plain words"),
        ("", "[1]", [1]),
    ],
)
def test_what_is_typed_becomes_a_value(type_: str, text: str, value: Any) -> None:
    form = StartForm(graph_of(type_), {PREFIX + "V": text})
    assert form.is_valid(), form.errors
    assert form.values == {"V": value}
    assert type(form.values["V"]) is type(value)


@pytest.mark.parametrize("text", ["2025-07-15", "2025-07-15 12:00", "2025-07-15T12:00:00+02:00"])
def test_moments_are_aware(text: str) -> None:
    form = StartForm(graph_of("Date Time"), {PREFIX + "V": text})
    assert form.is_valid(), form.errors
    assert form.values["V"].utcoffset() is not None


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        ("Integer", "1.5"),
        ("Number", "NaN-ish"),
        ("Boolean", "maybe"),
        ("Date Time", "2025-13-01"),
        ("Date Time", "2025-02-30 10:00"),
        ("List", "NaN"),
        ("List", "[" * 100_000),
        ("Structure", "[1]"),
        ("Structure", '{"$datetime": "nonsense"}'),
        ("Structure", '{"$text": 5}'),
        ("Structure", '{"$duration": [1e999, 1, 1]}'),
        ("Structure", '{"a":' * 800 + "1" + "}" * 800),
        ("", "{"),
        ("Text", "x" * 1_000_001),
        *((kind, "9" * 5_000) for kind in ("Integer", "Number", "List", "")),
        *((kind, "1,234") for kind in ("Integer", "Number")),
        *((kind, "1 234") for kind in ("Integer", "Number")),
        *((kind, "1_234") for kind in ("Integer", "Number")),
        *((kind, "\uff11\uff12") for kind in ("Integer", "Number", "Date Time")),
        *((kind, "1e400") for kind in ("Integer", "Number", "")),
        ("Number", "1e-400"),
        ("Integer", "1e3"),
        ("List", "[1e400]"),
        ("Structure", '{"a": 1, "a": 2}'),
        ("", '[{"a": 1, "a": 2}]'),
        ("Structure", '{"a": {"$datetime": "2026-01-01T00:00:00"}}'),
        ("Structure", '{"a": {"$datetime": "2026-01-01T00:00:00+20:00"}}'),
        ("List", '[{"$number": "1e400"}]'),
        ("Date Time", "2026-01-01 00:00+20:00"),
        ("Date Time", "2026-02-29"),
    ],
)
def test_what_is_no_value_is_said_so(type_: str, text: str) -> None:
    form = StartForm(graph_of(type_), {PREFIX + "V": text})
    assert not form.is_valid()
    assert form[PREFIX + "V"].errors


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-03-29 02:30", "02:30 does not exist on 2026-03-29"),
        ("2026-10-25 02:30", "2026-10-25 02:30+02:00 or 2026-10-25 02:30+01:00"),
    ],
)
def test_a_local_time_that_is_skipped_or_doubled_is_told(text: str, said: str) -> None:
    with timezone.override("Europe/Berlin"):
        form = StartForm(graph_of("Date Time"), {PREFIX + "V": text})
        assert said in form.errors[PREFIX + "V"][0]
        for clear in (f"{text}+01:00", f"{text}Z", text.replace("02:30", "03:30")):
            assert StartForm(graph_of("Date Time"), {PREFIX + "V": clear}).is_valid()


#: Defaults of which what people read is not what they type.
DEFAULTS = (
    '=[timestamp("2026-01-01T00:00:00Z"), duration("90s"), b"key", 1.0, 1e20, -0.0, 1.0 / 0.0]',
    [{"$text": "caf\\ud83d\\x00"}, {"$items": [[1, "a"], ["$b", 2]]}, {"$number": "nan"}],
    [{"$datetime": "0001-01-01T00:00:00+14:00"}, {"$exception": {"type": "Shop.SoldOut"}}],
)


@pytest.mark.parametrize("default", DEFAULTS)
def test_a_start_that_types_nothing_gives_the_default(default: Any) -> None:
    document = {
        "flow": "one",
        "variables": {"V": {"type": "List", "input": True, "default": default}},
        "blocks": {"a": {"type": "Start Flow"}},
    }
    graph = build(document)[0]
    shown = StartForm(graph)[PREFIX + "V"]
    sent = shown.value().replace("\n", "\r\n")  # as a browser sends a text area
    form = StartForm(graph, {PREFIX + "V": sent})
    assert form.is_valid(), form.errors
    expected = graph.inputs[0].default.read(lambda name: None)
    assert values.encode(form.values["V"]) == values.encode(expected)


@given(
    st.sampled_from(["", "Text", "Integer", "Number", "Boolean", "Date Time", "List"]), st.text()
)
def test_any_text_is_a_value_or_an_error(type_: str, text: str) -> None:
    form = StartForm(graph_of(type_), {PREFIX + "V": text})
    if form.is_valid():
        for value in form.values.values():
            assert values.decode(values.encode(value)) == value or value != value
