"""Values that something on the way cannot write: halves of characters, NUL, moments at the edge of
the calendar, infinite numbers. Each costs its cell at most, at every exit, and comes back as it
was."""

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.test import AsyncClient, Client
from django.utils import timezone
from hypothesis import given

from executions import runner
from executions.bulk.run import run as run_job
from executions.commands.debugging.set_variable import _parse as read_back
from executions.effects.files.store import FolderFiles
from executions.grid.table.layout import Layout
from executions.grid.table.row_events import read_events
from executions.live.rendering import RenderedRows, row_format
from executions.management.commands.start_flow import Command
from executions.models import BulkJob, Execution, LogEntry, Value
from executions.states import Status
from executions.store.read import variables_by_path
from executions.views.variable_edit import _text as shown_to_be_edited
from flows import parsing, pretty_json, values
from flows.blocks import encodings
from flows.expressions import RESERVED_WORDS, Expression
from flows.files import FlowFileError
from flows.files.canonical import source
from flows.graph import InvalidFlow
from flows.models import FlowVersion, Variable
from flows.publish import new_draft
from flows.publish import publish as publish_version
from flows.queries import document
from tests.debugging import Session, may_debug
from tests.driving import begin, drive, fresh, outputs
from tests.flows_in_tests import publish
from tests.unit.test_values import anything

#: Each as a flow file has it.
ODD: dict[str, Any] = {
    "Cut": {"$text": "caf\\ud83d"},
    "Nul": {"$text": "a\\x00b"},
    "Long": {"$text": "\\ud83d" * 9000},
    "Keys": {
        "$items": [[{"$text": "k\\ud83d"}, 1], [{"$text": "k\\ud83e"}, [{"$text": "\\udc00"}]]]
    },
    "Last": {"$datetime": "9999-12-31T23:59:59.999999+00:00"},
    "First": {"$datetime": "0001-01-01T00:00:00+00:00"},
    "Before": {"$datetime": "0001-01-01T00:00:00+14:00"},
    "After": {"$datetime": "9999-12-31T23:59:59-14:00"},
    "Numbers": [{"$number": one} for one in ("inf", "-inf", "nan", "1e+300", "5e-324", "-0.0")],
    "Wide": {"$duration": [999999999, 86399, 999999]},
    "Thrown": {"$exception": {"type": "Shop.SoldOut", "message": {"$text": "caf\\ud83d\\x00"}}},
}
VARIABLES = json.dumps(
    {name: {"input": True, "output": True, "default": form} for name, form in ODD.items()}
    | {"Copy": {"output": True}, "Problem": {}}
)
#: Every value is copied once, so that a step tells of it; then one is thrown.
COPIES = "\n".join(
    f"c{n}: {{type: Set Variable, properties: {{Value: ($){name}, Variable: ($)Copy}}, "
    f"bottom: c{n + 1}}}"
    for n, name in enumerate(ODD)
)
BLOCKS = f"""
a: {{type: Start Flow, bottom: c0}}
{COPIES}
c{len(ODD)}:
  type: Throw New Flow Exception
  properties: {{Message: ($)Cut}}
  exception: h
h: {{type: Handle Block Exception, properties: {{Exception: ($)Problem}}, bottom: e}}
e: {{type: End Flow}}
"""
#: What no page may hold: half of a character, and NUL.
HALF = re.compile("[\0\ud800-\udfff]")
ZONES = ("Europe/Berlin", "Pacific/Kiritimati", "Pacific/Pago_Pago")
#: What looks different in each zone.
MOMENTS = tuple(name for name, form in ODD.items() if "$datetime" in form)
COLUMNS = "".join(f"&column=var.{name}" for name in [*ODD, "Copy"])

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


@pytest.fixture
def odd(tmp_path: Path, transactional_db: None) -> FlowVersion:
    return publish(tmp_path, "odd", BLOCKS, VARIABLES)


@pytest.fixture
def ended(odd: FlowVersion) -> Execution:
    execution = drive(begin(odd).pk)
    assert execution.status == Status.ENDED, execution.error_message
    return execution


def test_they_come_out_as_they_went_in(ended: Execution) -> None:
    given = values.decode(ODD["Keys"])
    held = outputs(ended)
    assert held["Keys"] == given
    for name, form in ODD.items():
        assert values.encode(held[name]) == values.encode(values.decode(form)), name


@pytest.mark.parametrize("zone", ZONES)
def test_every_page_shows_them(ended: Execution, admin_client: Client, zone: str) -> None:
    admin_client.cookies["zone"] = zone
    names = tuple(ODD) if zone == ZONES[0] else MOMENTS
    other = drive(begin(ended.version, Cut="caf\udc00", Numbers=[float("inf")]).pk)
    with timezone.override(zone):
        here = f"/executions/{ended.pk}/"
        addresses = [
            f"/?flow=odd&column=started{COLUMNS}",
            f"/?flow=odd&sort=flow&children=none{COLUMNS}",
            "/?var.Last%3E2026-01-01",
            here,
            *(f"{here}?tab={tab}" for tab in ("variables", "steps", "exceptions", "outputs")),
            *(f"{here}?step={number}" for number in range(1, ended.step_count + 1)),
            *(f"{here}?var={scope}:{name}" for name in names for scope in ("0", "in", "out")),
            f"{here}?var=0:Keys.k\ufffd",
            f"/executions/compare/?a={ended.pk}&b={other.pk}",
            "/flows/odd/",
            "/executions/groups/?group=flow",
            f"/admin/executions/execution/{ended.pk}/change/",
            "/admin/executions/execution/",
            "/admin/executions/exceptionrecord/",
        ]
        for address in addresses:
            response = admin_client.get(address, follow=True)
            assert response.status_code == 200, address
            assert not HALF.search(response.content.decode()), address
        live = admin_client.get(f"{here}live/")
        assert live.status_code == 200
        for name in names:
            whole = admin_client.get(f"{here}value/?var=0:{name}")
            assert whole.status_code == 200, name
            json.loads(whole.content, parse_constant=lambda constant: 1 / 0)


def test_the_grid_marks_what_cannot_be_written(ended: Execution, admin_client: Client) -> None:
    html = admin_client.get(f"/?flow=odd{COLUMNS}").content.decode()
    assert ">caf\ufffd</span>" in html
    assert 'datetime="9999-12-31T23:59:59.999999+00:00"' in html
    html = admin_client.get(f"/executions/{ended.pk}/?var=0:Numbers").content.decode()
    assert "&quot;Infinity&quot;" in html
    assert "&quot;NaN&quot;" in html


@pytest.mark.parametrize("zone", ZONES)
def test_a_frame_of_the_live_grid_holds_them(ended: Execution, admin_user: User, zone: str) -> None:
    names = [*ODD, "Copy"]
    layout = Layout(columns=("started", *(f"var.{name}" for name in names)), zone=zone)
    rows = RenderedRows()
    [event] = read_events(Execution.objects.filter(pk=ended.pk))
    rows.set_variables([event], variables_by_path.values_of([event.id], names))
    frame = rows.part(event, row_format(layout))
    assert "caf\ufffd" in json.loads(frame)["html"]
    assert not HALF.search(json.loads(frame)["html"])
    frame.encode()


@pytest.mark.parametrize("format", ["csv", "json"])
async def test_an_export_is_whole(odd: FlowVersion, admin_user: User, format: str) -> None:
    executions = [await sync_to_async(lambda: drive(begin(odd).pk))() for _ in range(2)]
    client = AsyncClient()
    await client.aforce_login(admin_user)
    response = await client.get(f"/executions/export/{format}/?flow=odd{COLUMNS}")
    body = b"".join([part async for part in response.streaming_content]).decode("utf-8-sig")
    if format == "json":
        rows = json.loads(body, parse_constant=lambda constant: 1 / 0)
        cut = [row["var.Cut"] for row in rows]
    else:
        rows = list(csv.DictReader(io.StringIO(body)))
        cut = [row["Cut"] for row in rows]
        # Spreadsheets and databases end a text, or a file, at a NUL.
        assert [row["Nul"] for row in rows] == ["a\ufffdb"] * len(executions)
        assert not HALF.search(body)
    assert cut == ["caf\ufffd"] * len(executions)


def test_start_flow_prints_them(ended: Execution) -> None:
    for as_json in (False, True):
        out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        Command(stdout=out)._report(fresh(ended), as_json=as_json, waited=False)
        told = out.buffer.getvalue().decode()  # type: ignore[attr-defined]
        if as_json:
            forms = json.loads(told, parse_constant=lambda constant: 1 / 0)["outputs"]
            assert values.encode(values.decode(forms["Cut"])) == ODD["Cut"]
        else:
            assert "Cut = caf\ufffd" in told


def test_they_are_edited_without_a_difference(
    odd: FlowVersion, admin_user: User, client: Client
) -> None:
    """What the editor shows, sent back by a browser, is what the variable held."""
    ada = Session(admin_user)
    execution = ada.start(odd, paused=True)
    runner.run(execution.pk)
    client.force_login(admin_user)
    address = f"/executions/{execution.pk}/variable/"
    before = dict(Value.objects.filter(execution=execution).values_list("name", "value"))
    for name in ODD:
        html = client.get(address, {"var": f"0:{name}"}).content.decode()
        text = re.search(r'<textarea[^>]*id="edit-text"[^>]*>\n(.*?)</textarea>', html, re.DOTALL)
        assert text, name
        sent = unescape(text[1]).replace("\n", "\r\n")
        preview = client.post(address, {"var": f"0:{name}", "value": sent}).content.decode()
        assert "It already has this value." in preview, name
        ada.do("set-variable", execution, name=name, value=sent, level="0")
    after = dict(Value.objects.filter(execution=execution).values_list("name", "value"))
    assert after == before


def test_the_start_form_does_not_change_them(odd: FlowVersion, admin_client: Client) -> None:
    html = admin_client.get("/flows/odd/").content.decode()
    assert not HALF.search(html)
    version = re.search(r'name="version" value="(\d+)"', html)
    assert version
    admin_client.post("/flows/odd/start/", {"version": version[1]})
    execution = drive(Execution.objects.get().pk)
    for name, form in ODD.items():
        assert values.encode(outputs(execution)[name]) == values.encode(values.decode(form)), name


def test_files_and_requests_hold_a_mark_for_half_a_character(tmp_path: Path) -> None:
    data = encodings.encode("caf\ud83d", encodings.encoding_of(None))
    FolderFiles(tmp_path).write("a.txt", data, overwrite=True)
    assert (tmp_path / "a.txt").read_text() == "caf\ufffd"


JSON = """
a: {type: Start Flow, bottom: w}
w:
  type: Convert Object To Json
  properties: {Object: ($)Value, Settings: {Formatting: None}, Json: ($)Json}
  bottom: r
r: {type: Convert Json To Object, properties: {Json: ($)Json, Object: ($)Back}, bottom: e}
e: {type: End Flow}
"""


def test_json_is_what_other_programs_read(tmp_path: Path, transactional_db: None) -> None:
    version = publish(
        tmp_path, "json", JSON, "{Value: {input: true}, Json: {output: true}, Back: {output: true}}"
    )
    infinite = float("inf")
    for value, text, back in (
        ({"Rate": infinite}, '{"Rate":"Infinity"}', {"Rate": "Infinity"}),
        (
            [-infinite, {"a": float("nan")}],
            '["-Infinity",{"a":"NaN"}]',
            ["-Infinity", {"a": "NaN"}],
        ),
        ("caf\ud83d", '"caf\\ud83d"', "caf\ud83d"),
        ({"k\ud83d": 1e300}, '{"k\\ud83d":1e+300}', {"k\ud83d": 1e300}),
        ("\U0001f600", '"\U0001f600"', "\U0001f600"),
    ):
        held = outputs(drive(begin(version, Value=value).pk))
        assert held == {"Json": text, "Back": back}


@pytest.mark.parametrize("text", ["1e400", "[-1e400]", "9" * 5000, '{"a":' + "1" * 4301 + "}"])
def test_a_number_that_nothing_holds_is_no_json(
    tmp_path: Path, transactional_db: None, text: str
) -> None:
    blocks = """
    a: {type: Start Flow, bottom: r}
    r:
      type: Convert Json To Object
      properties: {Json: ($)Json, Object: ($)Back}
      bottom: e
      exception: h
    h: {type: Handle Block Exception, properties: {Exception: ($)Problem}, bottom: e}
    e: {type: End Flow}
    """
    variables_ = "{Json: {input: true}, Back: {}, Problem: {output: true}}"
    problem = outputs(drive(begin(publish(tmp_path, "no", blocks, variables_), Json=text).pk))
    assert problem["Problem"].short_type == "JsonReaderException"
    assert "set_int_max_str_digits" not in problem["Problem"].message


#: What an expression is given, the expression, and what it cannot do with it.
BEYOND: list[tuple[Any, str, str]] = [
    (values.decode(ODD["Before"]), '=V > timestamp("2026-01-01T00:00:00Z")', "before the year 1"),
    (values.decode(ODD["After"]), "=[V][0] == V", "after the year 9999"),
    (values.decode(ODD["After"]), '={"a": V}', "after the year 9999"),
    ([values.decode(ODD["After"])], "=V[0].getFullYear()", "after the year 9999"),
    (values.decode(ODD["Last"]), '=V + duration("1h")', "overflow"),
    (values.decode(ODD["First"]), '=V - duration("1s")', "overflow"),
    (values.decode(ODD["Wide"]), "=V + V", "above maximum"),
    (values.decode(ODD["Cut"]), '=V + "x"', "half of a character"),
    ({"a": "\ud83d"}, '=V.a + "x"', "half of a character"),
    ("a\0b", '=V + "x"', "a NUL"),
    (2**70, "=V + 1", "out of range"),
]


@pytest.mark.parametrize(("value", "expression", "said"), BEYOND)
def test_an_expression_beyond_its_bounds_is_an_invalid_property(
    tmp_path: Path, transactional_db: None, value: Any, expression: str, said: str
) -> None:
    blocks = f"""
    a: {{type: Start Flow, bottom: s}}
    s:
      type: Set Variable
      properties: {{Value: {json.dumps(expression)}, Variable: ($)To}}
      bottom: e
      exception: h
    h: {{type: Handle Block Exception, properties: {{Exception: ($)Problem}}, bottom: e}}
    e: {{type: End Flow}}
    """
    names = "{V: {input: true}, To: {}, Problem: {output: true}}"
    execution = drive(begin(publish(tmp_path, "beyond", blocks, names), V=value).pk)
    problem = outputs(execution)["Problem"]
    assert problem.short_type == "InvalidPropertyValueException"
    assert said in problem.message


def test_the_words_of_the_language_are_no_names(tmp_path: Path, transactional_db: None) -> None:
    """F12's flow is refused with what to do; the variable under another name works."""
    blocks = """
    a: {type: Start Flow, bottom: s}
    s: {type: Set Variable, properties: {Value: '=KIND == "order"', Variable: ($)Is}, bottom: e}
    e: {type: End Flow}
    """
    for name in sorted(RESERVED_WORDS):
        with pytest.raises(FlowFileError):
            publish(tmp_path, "words", blocks, f"{{'{name}': {{input: true}}, Is: {{}}}}")
    names = "{Type: {input: true}, Is: {output: true}}"
    for written in ("Type", "($)Type", "($)type"):
        version = publish(tmp_path, "words", blocks.replace("KIND", written), names)
        assert outputs(drive(begin(version, Type="order").pk)) == {"Is": True}
    with pytest.raises(InvalidFlow):
        publish(tmp_path, "words", blocks.replace("KIND", "type"), names)


def test_a_published_flow_with_such_a_name_is_told_when_it_is_published_again(
    odd: FlowVersion, admin_user: User, admin_client: Client
) -> None:
    draft = new_draft(odd)
    Variable.objects.filter(workspace__version=draft, name="Copy").update(name="type")
    with pytest.raises(InvalidFlow) as refused:
        publish_version(draft, admin_user)
    said = [f"{message.location}: {message.summary}" for message in refused.value.messages]
    assert "Variable type: type is a reserved word of the expression language." in said
    workspace = draft.workspaces.get(key="")
    page = admin_client.get(f"/admin/flows/workspace/{workspace.pk}/change/")
    assert page.status_code == 200


#: Every name that the language might have for itself: none but RESERVED_WORDS is one.
NAMES = [
    *("abs", "all", "any", "base64", "charAt", "contains", "duration", "endsWith", "enum"),
    *("error", "exists", "exists_one", "filter", "format", "get", "getDate", "getHours"),
    *("google", "has", "indexOf", "join", "lowerAscii", "lastIndexOf", "matches", "math"),
    *("message", "optional", "quote", "replace", "reverse", "self", "size", "split"),
    *("startsWith", "strings", "struct", "substring", "this", "timestamp", "trim"),
    *("upperAscii", "wrapper", "none", "undefined", "object", "text", "number", "Type"),
    *("String", "Int", "True", "Null", "If", "For"),
]


@pytest.mark.parametrize("name", NAMES)
def test_other_words_are_names_of_variables(name: str) -> None:
    compiled = Expression(f'{name} == "order"')
    assert compiled.names == {name}
    assert compiled.evaluate({name: "order"}) is True


@pytest.mark.parametrize("name", sorted(RESERVED_WORDS))
def test_the_dollar_notation_is_always_the_variable(name: str) -> None:
    compiled = Expression(f'($){name} == "order" && size([($){name}]) == 1')
    assert compiled.names == {name}
    assert compiled.evaluate({name: "order"}) is True


def test_a_draft_that_is_saved_as_it_is_shown_stays_as_it_is(
    odd: FlowVersion, admin_client: Client
) -> None:
    """The forms of the admin show what they read back."""
    draft = new_draft(odd)
    more = [
        1.0,
        1e16,
        0.1,
        -5,
        10**30,
        "",
        " a ",
        "=1.0",
        "($)Cut",
        [],
        {},
        None,
        True,
        {"a": [1.5]},
    ]
    top = draft.workspaces.get(key="")
    for number, default in enumerate(more):
        Variable.objects.create(
            workspace=top, name=f"V{number}", has_default=True, default=source(default)
        )
    block = draft.blocks.get(key="c0")
    block.properties = {"Value": source({"a": more}), "Variable": "($)Copy"}
    block.save()
    before = document(draft)
    for part in (top, block):
        address = f"/admin/flows/{part._meta.model_name}/{part.pk}/change/"
        page = admin_client.get(address)
        forms_ = [page.context["adminform"].form]
        for formset in page.context["inline_admin_formsets"]:
            forms_ += [formset.formset.management_form, *formset.formset.forms]
        data = {
            field.html_name: field.value()
            for form in forms_
            for field in form
            if field.value() is not None and field.value() is not False
        }
        assert data
        saved = admin_client.post(address, data | {"was": page.context["was"]})
        assert saved.status_code == 302, saved.context["errors"]
    assert document(draft) == before


@pytest.mark.parametrize("typed", ["9" * 5000, "1_000", "\uff11\uff12", "1,000", "1e3", "2.5"])
def test_a_whole_number_of_a_draft_is_told(
    odd: FlowVersion, admin_client: Client, typed: str
) -> None:
    block = new_draft(odd).blocks.get(key="c0")
    page = admin_client.get(f"/admin/flows/block/{block.pk}/change/")
    forms_ = [page.context["adminform"].form]
    for formset in page.context["inline_admin_formsets"]:
        forms_ += [formset.formset.management_form, *formset.formset.forms]
    data = {f.html_name: f.value() for form in forms_ for f in form if f.value() is not None}
    page = admin_client.post(
        f"/admin/flows/block/{block.pk}/change/", {**data, "x": typed, "y": "1"}
    )
    assert page.status_code == 200
    assert "Enter a" in str(page.context["adminform"].form.errors["x"])


def test_waiting_until_the_end_of_the_calendar(
    tmp_path: Path, transactional_db: None, admin_client: Client
) -> None:
    now = datetime.now(UTC)
    left = datetime.max.replace(tzinfo=UTC) - now - timedelta(milliseconds=400)
    blocks = """
    a: {type: Start Flow, bottom: l}
    l:
      type: Log Event
      properties: {Event Details: x, Started At: ($)Before, Ended At: ($)After}
      bottom: w
    w: {type: Wait For Duration, properties: {Duration: ($)Long}, bottom: e}
    e: {type: End Flow}
    """
    names = "{Before: {input: true}, After: {input: true}, Long: {input: true}}"
    version = publish(tmp_path, "patient", blocks, names)
    moments = {name: values.decode(ODD[name]) for name in ("Before", "After")}
    execution = begin(version, Long=left, **moments)
    runner.run(execution.pk)
    assert (fresh(execution).status, fresh(execution).reason) == (Status.RUNNING, "time")
    admin_client.cookies["zone"] = "Pacific/Kiritimati"
    for address in (
        "/?flow=patient&column=started&column=waiting",
        f"/executions/{execution.pk}/",
        f"/executions/{execution.pk}/?tab=logs",
        f"/admin/executions/execution/{execution.pk}/change/",
        "/admin/executions/logentry/",
        f"/admin/executions/logentry/{LogEntry.objects.get().pk}/change/",
    ):
        assert admin_client.get(address).status_code == 200, address


@pytest.mark.parametrize("form", [{"$items": [["a", 1], ["a", 2]]}, [{"$items": [[1, 1], [1, 2]]}]])
def test_a_key_twice_is_told_however_it_is_written(form: Any) -> None:
    with pytest.raises(parsing.ParseError, match="twice"):
        parsing.value(json.dumps(form))


@pytest.mark.parametrize("text", ['{"a": 1}', "42", '"\ufeff"', "[]"])
def test_the_mark_before_utf_8_is_no_part_of_json(text: str) -> None:
    assert parsing.value(f"\ufeff{text}") == json.loads(text)


@given(anything)
def test_what_is_shown_to_be_edited_is_read_back(value: Any) -> None:
    value = values.decode(values.encode(value))
    kind = values.type_name(value)
    sent = shown_to_be_edited(value).replace("\n", "\r\n")
    assert values.encode(read_back(sent, kind, False)) == values.encode(value)


@given(anything)
def test_what_people_read_can_be_written_anywhere(value: Any) -> None:
    form = values.encode(value)
    pretty_json.text(pretty_json.decode(form)).encode()
    json.loads(pretty_json.text(pretty_json.decode(form)), parse_constant=lambda constant: 1 / 0)
    storable = values.summary(value)
    assert not HALF.search(storable)
    assert "\0" not in storable


#: Typed texts of which a refusal would repeat what no page can hold.
REPEATED = (
    '{"$a\\ud83d": 1}',
    '{"$datetime": "2026-01-01\\ud83d00:00:00"}',
    '{"a\\ud83d": 1, "a\\ud83d": 2}',
    '{"$a\\u0000": 1}',
)


@pytest.mark.parametrize("typed", REPEATED)
def test_a_refusal_can_be_shown(
    odd: FlowVersion, admin_user: User, admin_client: Client, typed: str
) -> None:
    data = {"version": str(odd.number), "input-Keys": typed}
    assert admin_client.post("/flows/odd/start/", data).status_code == 422
    ada = Session(admin_user)
    execution = ada.start(odd, paused=True)
    runner.run(execution.pk)
    assert ada.refused("set-variable", execution, name="Keys", value=typed, level="0")
    data = {"var": "0:Keys", "value": typed}
    assert admin_client.post(f"/executions/{execution.pk}/variable/", data).status_code == 200
    block = new_draft(odd).blocks.get(key="c0")
    address = f"/admin/flows/block/{block.pk}/change/"
    for properties in (typed, '{"Value": %s}' % typed):  # noqa: UP031
        page = admin_client.post(address, {"properties": properties, "order": "0"})
        assert page.status_code == 200
        assert page.context["adminform"].form.errors["properties"]


def test_a_bulk_job_takes_any_text(odd: FlowVersion, admin_user: User, client: Client) -> None:
    may_debug(admin_user)
    client.force_login(admin_user)
    executions = [begin(odd, paused=True) for _ in range(21)]
    data = {"id": [str(one.pk) for one in executions], "name": "Cut", "value": "a\0b"}
    assert client.post("/executions/commands/set-variable/", data).status_code == 302
    job = BulkJob.objects.get()
    for one in executions:
        runner.run(one.pk)
    for _ in executions:  # a slice at a time
        run_job(job.pk, "tester")
    held = Value.objects.filter(name="cut", level=0).values_list("value", flat=True)
    assert [values.decode(form) for form in held] == ["a\0b"] * len(executions)
