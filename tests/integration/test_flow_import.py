"""Importing flow files on the page: looked at, imported as drafts, published, and by whom."""

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client

from executions.models import AuditEntry
from flows.files import dump_yaml, parse
from flows.models import Flow, FlowVersion, Grant
from flows.publish import publish, save_draft
from flows.roles import Role
from tests.accessibility import STRICT, violations

pytestmark = pytest.mark.django_db(transaction=True)
ADDRESS = "/flows/import/files/"
ORDERS = """\
flow: orders
description: "<b>Planted</b>"
blocks:
  start: {type: Start Flow, bottom: end}
  end: {type: End Flow}
"""
CHANGED = ORDERS.replace("<b>Planted</b>", "Changed")
#: It has no start, which keeps it from being published.
UNFINISHED = """\
flow: unfinished
blocks:
  end: {type: End Flow}
"""


def look(client: Client, **files: str) -> str:
    """Upload files; return the preview."""
    uploads = [SimpleUploadedFile(f"{name}.yaml", text.encode()) for name, text in files.items()]
    return client.post(ADDRESS, {"files": uploads}).content.decode()


def fields(html: str, *names: str) -> dict[str, list[str]]:
    """What the form of a page holds."""
    found: dict[str, list[str]] = {"step": re.findall(r'name="step" value="(\w+)"', html)}
    for name in names:
        pattern = rf'name="{name}"\s+value="([^"]*)"'
        found[name] = [unescape(value) for value in re.findall(pattern, html)]
    return found


def confirm(client: Client, html: str) -> str:
    return client.post(ADDRESS, fields(html, "name", "text", "base")).content.decode()


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_files_are_looked_at_imported_and_published(admin_client: Client) -> None:
    assert "Import</a>" in admin_client.get("/flows/").content.decode()
    html = look(admin_client, orders=ORDERS, bad="flow: bad\nblocks: {x: {type: Nothing}}\n")
    assert not Flow.objects.exists()  # nothing is saved
    assert "&lt;b&gt;Planted&lt;/b&gt;" in html
    assert "<b>Planted" not in html
    assert "bad.yaml:2: blocks" in html  # with its line
    assert "Import 1 as draft<" in html
    done = confirm(admin_client, html)
    draft = FlowVersion.objects.get()
    assert draft.is_draft
    assert "imported v1 (draft)" in done
    said = admin_client.post(ADDRESS, fields(done, "draft")).content.decode()
    draft.refresh_from_db()
    assert not draft.is_draft
    assert f"Published {draft}." in said
    told = AuditEntry.objects.order_by("id").values_list("command", "flow_name", "outcome")
    assert list(told) == [("import-flow", "orders", "done"), ("publish-flow", "orders", "done")]
    # A second version, with what differs; and the same once more.
    html = look(admin_client, orders=CHANGED)
    assert "<ins>+ description: Changed" in html
    assert "<del>\N{MINUS SIGN} description: " in html
    confirm(admin_client, html)
    assert "is as it was" in look(admin_client, orders=CHANGED)


def test_what_cannot_be_published_stays_a_draft(admin_client: Client) -> None:
    html = look(admin_client, unfinished=UNFINISHED)
    assert "keep it from being published" in html
    assert "unfinished.yaml:" in html
    done = confirm(admin_client, html)
    assert "imported v1 (draft)" in done
    said = admin_client.post(ADDRESS, fields(done, "draft")).content.decode()
    assert "was not published" in said
    assert FlowVersion.objects.get().is_draft


def test_it_does_what_the_command_does(admin_client: Client, tmp_path: Any) -> None:
    file = tmp_path / "orders.yaml"
    file.write_text(ORDERS)
    call_command("import_flows", str(file), verbosity=0)
    assert "is as it was" in look(admin_client, orders=ORDERS)


def test_what_somebody_has_changed_meanwhile_stays(admin_client: Client, admin_user: User) -> None:
    publish(save_draft(parse(ORDERS).document).version)
    html = look(admin_client, orders=CHANGED)
    theirs = save_draft(parse(ORDERS.replace("Planted", "Theirs")).document).version
    assert "was changed after the preview" in confirm(admin_client, html)
    assert "Theirs" in dump_yaml(_document(theirs))
    done = confirm(admin_client, look(admin_client, orders=CHANGED))
    save_draft(parse(ORDERS.replace("Planted", "Once more")).document)
    said = admin_client.post(ADDRESS, fields(done, "draft")).content.decode()
    assert "somebody has changed the draft meanwhile" in said
    assert FlowVersion.objects.filter(published_at=None).count() == 1


def _document(version: FlowVersion) -> Any:
    from flows import queries

    return queries.document(version)


def test_only_authors_import_and_only_their_flows() -> None:
    publish(save_draft(parse(ORDERS).document).version)
    orders = Flow.objects.get()
    reader, author = (User.objects.create_user(name) for name in ("reader", "author"))
    Grant.objects.create(user=reader, role=Role.DEBUG, flow=orders)
    Grant.objects.create(user=author, role=Role.AUTHOR, flow=orders)
    assert "Import</a>" not in client_of(reader).get("/flows/").content.decode()
    for answer in (client_of(reader).get(ADDRESS), client_of(reader).post(ADDRESS, {})):
        assert answer.status_code == 403
    assert Client().get(ADDRESS).status_code == 302
    hidden = save_draft(parse(UNFINISHED).document).version.flow
    boss = User.objects.create_user("boss")
    Grant.objects.create(user=boss, role=Role.ADMINISTER, flow=hidden)
    client = client_of(author)
    html = look(client, orders=CHANGED, unfinished=UNFINISHED, new=ORDERS.replace("orders", "new"))
    assert "<ins>+ description: Changed" in html
    # What there is that they may not see, and what there is not, read the same.
    assert "You may not author unfinished." in html
    assert "You may not author new." in html
    assert "boss" not in html
    assert html.count("<ins>") == html.count("<ins>+ description")
    form = fields(html, "name", "text", "base")
    assert len(form["text"]) == 1
    form = {"step": ["import"], "name": ["u"], "text": [UNFINISHED], "base": ["1 x"]}
    assert "You may not author unfinished." in client.post(ADDRESS, form).content.decode()
    draft = FlowVersion.objects.get(flow__name="unfinished")
    publishing = {"step": "publish", "draft": f"{draft.pk} x"}
    assert "unfinished" not in client.post(ADDRESS, publishing).content.decode()
    Grant.objects.create(user=author, role=Role.SEE, flow=hidden)
    said = client.post(ADDRESS, publishing).content.decode()
    assert "You may not author unfinished." in said
    assert "Ask boss for it." in said
    refused = AuditEntry.objects.filter(outcome="refused").values_list("command", flat=True)
    assert sorted(refused) == ["import-flow", "publish-flow"]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("x.exe", b"MZ", "is not a YAML or JSON file"),
        ("x.yaml", b"\xff\xfe\x00", "is not UTF-8 text"),
        ("x.json", b"{", "x.json:1"),
        ("x.yaml", b"flow: [", "x.yaml:"),
    ],
)
def test_nonsense_is_named(admin_client: Client, name: str, data: bytes, said: str) -> None:
    answer = admin_client.post(ADDRESS, {"files": SimpleUploadedFile(name, data)})
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert "nothing to import" in answer.content.decode()
    for step in ("import", "publish", "", "?"):
        assert admin_client.post(ADDRESS, {"step": step, "draft": "x y"}).status_code == 200


def test_the_page_in_a_browser(signed_in_page: Any, tmp_path: Any) -> None:
    page = signed_in_page
    (tmp_path / "orders.yaml").write_text(ORDERS)
    page.goto("/flows/")
    page.get_by_role("link", name="Import").click()
    page.set_input_files("#files", tmp_path / "orders.yaml")
    page.get_by_role("button", name="Look at them").click()
    page.set_viewport_size({"width": 390, "height": 844})
    assert not violations(page, STRICT)
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    page.get_by_role("button", name="Import 1 as draft").click()
    page.get_by_role("button", name="Publish the chosen ones").press("Enter")
    page.get_by_text("Published orders v1.").wait_for()
    assert not violations(page, STRICT)
