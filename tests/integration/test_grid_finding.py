"""The query box, the filter bar, completion and groups: what they say, and to whom."""

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from executions.grid.paging import groups as grouping
from executions.models import Execution, Value
from executions.states import Status
from tests.executions_in_tests import make_execution, version_of

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def forget_groups() -> None:
    grouping._shared.clear()


@pytest.fixture
def other() -> User:
    return User.objects.create_user("grace")


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def html_of(client: Client, address: str, **headers: str) -> str:
    response = client.get(address, headers=headers)
    assert response.status_code == 200, response
    return response.content.decode()


def addresses(html: str) -> list[str]:
    return [one.replace("&amp;", "&") for one in re.findall(r'href="(/\?[^"]*)"', html)]


# The box and the bar --------------------------------------------------------------------------


def test_a_typed_query_becomes_an_address(admin_client: Client) -> None:
    """Without a script by a redirect, with htmx by the address that it shows."""
    typed = "/?q=status:error+flow:orders+late&sort=-duration"
    said = "/?status=Error&flow=orders&q=late&sort=-duration"
    response = admin_client.get(typed)
    assert (response.status_code, response["Location"]) == (302, said)
    response = admin_client.get(typed, headers=HTMX)
    assert (response.status_code, response["HX-Push-Url"]) == (200, said)
    assert "HX-Push-Url" not in admin_client.get(said, headers=HTMX)
    assert 'value="status:Error flow:orders late"' in html_of(admin_client, said)


def test_old_addresses_work(admin_client: Client, admin_user: User) -> None:
    made = make_execution(admin_user, status=Status.ERROR, error_message="Timed out")
    html = html_of(admin_client, "/?status=Error&flow=orders&q=timed")
    assert str(made.pk) in html
    assert 'value="status:Error flow:orders timed"' in html


def test_what_means_nothing_is_told_beside_the_box(admin_client: Client) -> None:
    html = html_of(admin_client, "/?q=status:Eror+late")
    assert 'value="late status:Eror"' in html
    assert "Did you mean Error?" in html
    assert 'aria-invalid="true"' in html


def test_each_filter_is_a_piece_that_can_go(admin_client: Client) -> None:
    html = html_of(admin_client, "/?status=Error&flow=orders&-trigger=demo&var.a=1")
    assert re.search(r'id="piece-flow"[^>]*><span>Flow</span>\s*<b>orders</b>', html)
    assert "<b>not Demo</b>" in html
    assert "<b>= 1</b>" in html
    assert "/?status=Error&-trigger=demo&var.a=1" in addresses(html)
    assert "/?status=Error&flow=orders&var.a=1" in addresses(html)
    assert "/?flow=orders&-trigger=demo&var.a=1" in addresses(html)  # the chip


@pytest.mark.parametrize(
    ("edit", "holds"),
    [
        ("status", 'name="status" value="Error" checked'),
        ("flow", 'name="flow" value="orders" checked'),
        ("workspace", '<option value="Top-level">'),
        ("started", '<option value="&gt;-2h">'),
        ("-trigger", 'name="-trigger" value="demo"'),
        ("has", 'name="has" value="exception"'),
        ("message", 'name="message" value=""'),
        ("variable", 'name="holds"'),
        ("var.a", 'name="var.a" value=""'),
    ],
)
def test_every_kind_of_field_has_an_editor(
    admin_client: Client, admin_user: User, edit: str, holds: str
) -> None:
    make_execution(admin_user)
    html = html_of(admin_client, f"/?status=Error&flow=orders&sort=flow&edit={edit}")
    editor = html[html.index('id="editor"') :].partition("</form>")[0]
    assert holds in editor
    assert '<input type="hidden" name="sort" value="flow">' in editor
    assert ('<input type="hidden" name="flow" value="orders">' in editor) is (edit != "flow")


def test_an_unknown_editor_is_none(admin_client: Client) -> None:
    for edit in ("nonsense", "var.", "%00", "-"):
        assert 'id="editor"' not in html_of(admin_client, f"/?edit={edit}")


def test_a_form_says_a_variable(admin_client: Client) -> None:
    response = admin_client.get("/?variable=order.id&holds=%3E3&flow=x")
    assert response["Location"] == "/?flow=x&var.order.id=%3E3"


def test_nothing_that_is_typed_becomes_markup(admin_client: Client) -> None:
    hostile = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E"
    for address in (
        f"/?q={hostile}",
        f"/?q=status:{hostile}",
        f"/?workspace={hostile}&edit=workspace",
        f"/?var.{hostile}=1",
        f"{reverse('execution-completions')}?q=flow:{hostile}",
        f"{reverse('execution-groups')}?group=flow&flow={hostile}",
    ):
        assert "<script>alert" not in html_of(admin_client, address)


def test_jumping_keeps_the_filters(admin_client: Client) -> None:
    response = admin_client.get("/?flow=orders&at=2026-11-01T12:00:00")
    assert re.fullmatch(r"/\?flow=orders&older=\d{18}-f{32}", response["Location"])
    html = html_of(admin_client, response["Location"])
    assert '<input type="hidden" name="flow" value="orders">' in html


# Completion -----------------------------------------------------------------------------------


def completions(client: Client, typed: str, **more: str) -> dict[str, str]:
    """What is offered, and what the box then holds."""
    response = client.get(reverse("execution-completions"), {"q": typed, **more})
    html = response.content.decode()
    found = re.findall(r'data-text="([^"]*)"[^>]*><span class="ellipsis">([^<]*)', html)
    return {label: text.replace("&quot;", '"').replace("&gt;", ">") for text, label in found}


def test_fields_and_values_are_completed(admin_client: Client, admin_user: User) -> None:
    execution = make_execution(
        admin_user, workspace_name="Send invoices", error_type="HttpRequestException"
    )
    Value.objects.create(execution=execution, level=0, name="customer", value=1)
    assert completions(admin_client, "late sta")["status:"] == "late status:"
    assert completions(admin_client, "status:err") == {"Error": "status:Error "}
    assert completions(admin_client, "status:Error,stop")["Stopped"] == "status:Error,Stopped "
    assert completions(admin_client, "-flow:or") == {"orders": "-flow:orders "}
    assert completions(admin_client, "workspace:inv") == {
        "Send invoices": 'workspace:"Send invoices" '
    }
    assert completions(admin_client, "error:http") == {
        "HttpRequestException": "error:HttpRequestException "
    }
    assert completions(admin_client, "initiator:m")["me"] == "initiator:me "
    assert completions(admin_client, "started:")["&gt;-2h"] == "started:>-2h "
    assert completions(admin_client, "var.cus") == {"var.customer=": "var.customer="}
    assert completions(admin_client, "status:e flow:x", caret="8")["Error"] == "status:Error flow:x"
    assert completions(admin_client, "zzz") == {}


@pytest.mark.parametrize(
    ("typed", "caret", "completed"),
    [
        (r'workspace:"a\"b', None, r'workspace:"a\"b c" '),
        (r'workspace:"a\"b c" late', 15, r'workspace:"a\"b c" late'),
        ('workspace:"a\\', None, r'workspace:"a\"b c" '),
        (r'workspace:x,"a\"b', None, r'workspace:x,"a\"b c" '),
        (r'workspace:"x,y","a\"b', None, r'workspace:"x,y","a\"b c" '),
        (r'late workspace:"a', None, r'late workspace:"a\"b c" '),
    ],
)
def test_completion_reads_quotation_marks_as_the_query_does(
    admin_client: Client, admin_user: User, typed: str, caret: int | None, completed: str
) -> None:
    make_execution(admin_user, workspace_name='a"b c')
    more = {"caret": str(caret)} if caret else {}
    assert list(completions(admin_client, typed, **more).values()) == [completed]


def test_an_operator_is_part_of_what_is_completed(admin_client: Client) -> None:
    assert completions(admin_client, "duration>1") == {
        "&gt;10s": "duration:>10s ",
        "&gt;1m": "duration:>1m ",
    }
    assert completions(admin_client, "-started:tod") == {"today": "-started:today "}
    assert completions(admin_client, "is:root,li") == {"live": "is:root,live "}


def test_only_what_one_may_see_is_suggested(person: User, other: User) -> None:
    theirs = make_execution(
        other, workspace_name="Secret", error_type="SecretException", flow="secret"
    )
    Value.objects.create(execution=theirs, level=0, name="secret", value=1)
    client = client_of(person)
    for typed in ("workspace:", "error:", "var.", "initiator:gr"):
        assert not any("ecret" in one or "grace" in one for one in completions(client, typed))
    watcher = User.objects.create_user("watcher")
    watcher.user_permissions.add(Permission.objects.get(codename="view_execution"))
    assert "Secret" in completions(client_of(watcher), "workspace:")
    assert "grace" in completions(client_of(watcher), "initiator:gr")


@pytest.mark.parametrize("name", ["execution-completions", "execution-groups"])
def test_everyone_has_to_sign_in(client: Client, name: str) -> None:
    assert client.get(reverse(name)).status_code == 302


# Groups ---------------------------------------------------------------------------------------


def grouped(client: Client, address: str) -> dict[str, list[str]]:
    html = html_of(client, reverse("execution-groups") + address)
    rows = re.findall(r"<tr>\s*<td[^>]*>(.*?)</td>(.*?)</tr>", html, re.DOTALL)
    return {
        re.sub(r"<[^>]*>", "", name).strip(): re.findall(r'class="num">([^<]*)<', rest)
        for name, rest in rows
    }


def test_groups_count_and_measure(admin_client: Client, admin_user: User) -> None:
    version_of("stock")
    for flow, status in (("orders", "Ended"), ("orders", "Error"), ("stock", "Ended")):
        make_execution(
            admin_user, flow=flow, status=status, error_type="BadException" * (status == "Error")
        )
    assert grouped(admin_client, "?group=flow") == {
        "orders": ["2", "1.0 s", "1.0 s"],
        "stock": ["1", "1.0 s", "1.0 s"],
    }
    assert list(grouped(admin_client, "?group=status")) == ["Ended", "Error"]
    assert list(grouped(admin_client, "?group=error")) == ["BadException"]
    assert list(grouped(admin_client, "?group=block")) == ["Set Variable"]
    assert len(grouped(admin_client, "?group=root")) == 3
    assert grouped(admin_client, "?group=flow&status=Error") == {"orders": ["1", "1.0 s", "1.0 s"]}
    assert grouped(admin_client, "?group=nonsense") == {}


def test_each_group_leads_to_its_executions(admin_client: Client, admin_user: User) -> None:
    root = make_execution(admin_user, status=Status.ERROR, error_type="BadException")
    make_execution(admin_user, parent=root)
    for group in ("flow", "status", "block", "root", "error"):
        html = html_of(admin_client, f"/?group={group}&is=root")
        section = html[html.index('id="groups"') :].partition("</section>")[0]
        (address,) = addresses(section)
        assert "group=" not in address
        assert "is=root" in address
        found = html_of(admin_client, address)
        assert str(root.pk) in found, address


def test_groups_hold_what_one_may_see(person: User, other: User) -> None:
    make_execution(other, flow="secret")
    make_execution(person, flow="orders")
    assert list(grouped(client_of(person), "?group=flow")) == ["orders"]
    assert list(grouped(client_of(other), "?group=flow")) == ["secret"]
    root = grouped(client_of(person), "?group=root")
    assert all(name.startswith("orders …") for name in root)


def test_groups_of_much_are_of_the_newest(
    admin_client: Client, admin_user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grouping, "GROUPED_LIMIT", 3)
    monkeypatch.setattr(grouping, "LISTED_LIMIT", 1)
    for age in range(5):
        make_execution(admin_user, age=age, flow="orders" if age % 2 else "stock")
    html = html_of(admin_client, reverse("execution-groups") + "?group=flow")
    assert "Only the newest 3 matches are grouped" in html
    assert "1 more group." in html
    assert ">stock</a>" in html


def test_groups_are_asked_for_once_for_all_who_look(admin_client: Client, admin_user: User) -> None:
    make_execution(admin_user)
    first = grouped(admin_client, "?group=flow")
    Execution.objects.all().delete()
    assert grouped(admin_client, "?group=flow") == first
    grouping._shared.clear()
    assert grouped(admin_client, "?group=flow") != first
