"""Pages, command and admin that give roles; and the last administrator, who stays."""

import threading
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client

from executions.models import AuditEntry
from flows import administrators
from flows.models import Flow, Folder, Grant
from flows.rights import rights_of
from flows.roles import Role

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]

LAST = "This is the last administrator of the site. Make somebody else one first."


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def shop() -> Flow:
    commerce = Folder.objects.create(name="commerce")
    returns = Folder.objects.create(name="returns", parent=commerce)
    return Flow.objects.create(name="shop", folder=returns)


@pytest.fixture
def ada(shop: Flow) -> User:
    """Administers one flow."""
    ada = User.objects.create_user("ada")
    Grant.objects.create(user=ada, flow=shop, role=Role.ADMINISTER)
    return ada


def put(client: Client, address: str, holder: str, role: int, **more: Any) -> Any:
    return client.post(address, {"holder": holder, "role": str(role)}, **more)


def role_of(user: User, flow: Flow) -> int:
    rights = rights_of(User.objects.get(pk=user.pk))
    return max((role for role in Role if rights.may(role, flow.pk)), default=0)


# Pages ------------------------------------------------------------------------------------------


def test_roles_are_given_changed_and_withdrawn(ada: User, shop: Flow) -> None:
    grace, client = User.objects.create_user("grace"), client_of(ada)
    page = client.get("/flows/shop/rights/").content.decode()
    assert "You may administer by ada." in page
    assert 'aria-label="ada: Administer"' in page
    for role, told in ((Role.SEE, "See"), (Role.DEBUG, "Debug"), (0, "no role")):
        answer = put(client, "/flows/shop/rights/", "grace", role, headers={"HX-Request": "true"})
        assert f"grace has {told} on shop now." in answer.content.decode()
        assert role_of(grace, shop) == role
    assert list(
        AuditEntry.objects.order_by("id").values_list("command", "detail", "before", "after")
    ) == [
        ("give-role", "user grace: none → See", {"role": None}, {"role": "See"}),
        ("give-role", "user grace: See → Debug", {"role": "See"}, {"role": "Debug"}),
        ("withdraw-role", "user grace: Debug → none", {"role": "Debug"}, {"role": None}),
    ]
    entry = AuditEntry.objects.order_by("id")[0]
    assert (entry.actor, entry.flow_name, entry.source) == ("ada", "shop", "page")
    # Without htmx.
    assert put(client, "/flows/shop/rights/", "grace", Role.SEE).status_code == 302
    assert role_of(grace, shop) == Role.SEE


def test_a_cell_sends_its_role_or_the_one_before(ada: User, shop: Flow) -> None:
    group = Group.objects.create(name='Returns "quoted" <b>')
    group.user_set.add(User.objects.create_user("grace"))
    Grant.objects.create(group=group, folder=shop.folder, role=Role.START)
    page = (
        client_of(User.objects.create_superuser("root"))
        .get(f"/rights/folders/{shop.folder_id}/")
        .content.decode()
    )
    assert "<b>Returns &quot;quoted&quot; &lt;b&gt;</b>" in page
    assert "group of 1" in page
    sent = [part.split('"')[0] for part in page.split('hx-vals="')[1:]]
    assert [one.rsplit("&quot;", 2)[1] for one in sent] == ["0", "1", "3", "4", "5", "6"]
    # The flow's page says where they have it from, with a link for those who may give it there.
    inherited = client_of(ada).get("/flows/shop/rights/").content.decode()
    assert "by folder commerce/returns" in inherited
    assert f"/rights/folders/{shop.folder_id}/" not in inherited


@pytest.mark.parametrize("held", [role for role in Role if role < Role.ADMINISTER])
def test_others_may_not_give_rights_and_are_told_who_can(shop: Flow, ada: User, held: Role) -> None:
    eve = User.objects.create_user("eve")
    Grant.objects.create(user=eve, flow=shop, role=held)
    client = client_of(eve)
    for answer in (
        client.get("/flows/shop/rights/"),
        put(client, "/flows/shop/rights/", "eve", Role.ADMINISTER),
    ):
        assert answer.status_code == 403
        assert "You may not give rights on shop. Ask ada for it." in answer.content.decode()
    assert role_of(eve, shop) == held
    refused = AuditEntry.objects.get()
    assert (refused.actor, refused.outcome, refused.flow_name) == ("eve", "refused", "shop")
    assert put(client, "/rights/", "eve", Role.ADMINISTER).status_code == 403
    folder = put(client, f"/rights/folders/{shop.folder_id}/", "eve", Role.ADMINISTER)
    assert folder.status_code == 403


def test_what_one_may_not_see_has_no_rights_page(shop: Flow) -> None:
    client = client_of(User.objects.create_user("eve"))
    for address in ("/flows/shop/rights/", f"/rights/folders/{shop.folder_id}/"):
        assert client.get(address).status_code == 404
        assert put(client, address, "eve", Role.SEE).status_code == 404


def test_pages_that_refuse_say_whom_to_ask(shop: Flow) -> None:
    User.objects.create_superuser("root")
    eve = client_of(User.objects.create_user("eve"))
    for address, status in (("/rights/", 403), ("/flows/shop/", 404), ("/overview/", 403)):
        answer = eve.get(address)
        assert answer.status_code == status
        assert "Ask root for it." in answer.content.decode()
    assert "root" not in Client().get("/nothing/", follow=True).content.decode()


def test_whoever_gives_up_their_own_right_is_led_away(ada: User, shop: Flow) -> None:
    Grant.objects.create(user=ada, folder=shop.folder, role=Role.SEE)
    answer = put(
        client_of(ada), "/flows/shop/rights/", "user:ada", Role.OPERATE,
        headers={"HX-Request": "true"},
    )  # fmt: skip
    assert answer["HX-Redirect"] == "/flows/shop/"
    assert role_of(ada, shop) == Role.OPERATE


@pytest.mark.parametrize(
    ("holder", "role", "told"),
    [
        ("nobody", "1", "There is no group or active person called nobody."),
        ("", "1", "Enter a name."),
        ("no\0body", "1", "There is no group or active person called nobody."),
        ("ada", "7", "Choose a role."),
        ("ada", "²", "Choose a role."),
    ],
)
def test_nonsense_is_refused_and_keeps_what_was_typed(
    ada: User, holder: str, role: str, told: str
) -> None:
    answer = client_of(ada).post("/flows/shop/rights/", {"holder": holder, "role": role})
    assert answer.status_code == 422
    assert told in answer.content.decode()


def test_a_flow_is_not_moved_to_gain_rights(ada: User, shop: Flow) -> None:
    mine = Folder.objects.create(name="mine")
    eve = User.objects.create_user("eve")
    Grant.objects.create(user=eve, folder=mine, role=Role.ADMINISTER)
    eve.user_permissions.add(Permission.objects.get(codename="change_flow"))
    Grant.objects.create(user=eve, flow=shop, role=Role.SEE)
    answer = client_of(eve).post("/flows/shop/arrange/", {"folder": mine.pk})
    assert answer.status_code == 403
    assert "You would have more rights on the flow there." in answer.content.decode()
    # Nor does the administrator of a flow put it into a folder of others.
    answer = client_of(ada).post("/flows/shop/arrange/", {"folder": mine.pk})
    assert answer.status_code == 403
    shop.refresh_from_db()
    assert shop.folder_id != mine.pk


# The last administrator -------------------------------------------------------------------------


@pytest.fixture
def root(transactional_db: None) -> User:
    return User.objects.create_superuser("root", password="x")


def keep(act: Any) -> None:
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        act()
    assert administrators.is_about_last(error.value)


def test_the_last_administrator_stays_whatever_way_is_tried(root: User) -> None:
    everybody = User.objects.filter(pk=root.pk)
    keep(lambda: everybody.update(is_active=False))
    keep(lambda: everybody.update(is_superuser=False))
    keep(lambda: everybody.delete())
    # Another one, by a group: either may go, but not both.
    group = Group.objects.create(name="Admins")
    grace = User.objects.create_user("grace")
    group.user_set.add(grace)
    grant = Grant.objects.create(group=group, role=Role.ADMINISTER)
    User.objects.filter(pk=root.pk).update(is_superuser=False)
    keep(lambda: grant.delete())
    keep(lambda: Grant.objects.update(role=Role.AUTHOR))
    keep(lambda: group.user_set.clear())
    keep(lambda: group.delete())
    keep(lambda: User.objects.filter(pk=grace.pk).update(is_active=False))
    keep(lambda: User.objects.filter(pk=grace.pk).delete())
    # One is replaced by another in one transaction, in any order.
    with transaction.atomic():
        Grant.objects.all().delete()
        Grant.objects.create(user=root, role=Role.ADMINISTER)
    keep(lambda: Grant.objects.all().delete())
    # Who administers nothing is free to go.
    User.objects.filter(pk=grace.pk).delete()


def test_of_two_who_remove_each_other_at_once_one_stays(root: User) -> None:
    other = User.objects.create_superuser("grace")
    ready, outcomes = threading.Barrier(2), []

    def retire(user: User) -> None:
        try:
            with transaction.atomic():
                User.objects.filter(pk=user.pk).update(is_superuser=False)
                ready.wait()
            outcomes.append("gone")
        except IntegrityError:
            outcomes.append("stays")
        finally:
            connection.close()

    threads = [threading.Thread(target=retire, args=(one,)) for one in (root, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["gone", "stays"]
    assert User.objects.filter(is_superuser=True).count() == 1


def test_page_command_and_admin_say_that_the_last_one_stays(root: User) -> None:
    ada = User.objects.create_user("ada", is_staff=True)
    grant = Grant.objects.create(user=ada, role=Role.ADMINISTER)
    User.objects.filter(pk=root.pk).update(is_superuser=False, is_staff=True)
    client = client_of(ada)
    page = put(client, "/rights/", "ada", 0)
    assert page.status_code == 422
    assert LAST in page.content.decode()
    assert AuditEntry.objects.get(outcome="refused").detail == LAST
    with pytest.raises(CommandError, match=LAST):
        call_command("rights", "withdraw", "ada")
    for address, fields in (
        (f"/admin/flows/grant/{grant.pk}/delete/", {"post": "yes"}),
        (f"/admin/flows/grant/{grant.pk}/change/", {"role": str(Role.SEE.value)}),
        (
            "/admin/flows/grant/",
            {"action": "delete_selected", "_selected_action": str(grant.pk), "post": "yes"},
        ),
    ):
        assert LAST in client.post(address, fields, follow=True).content.decode(), address
    User.objects.filter(pk=root.pk).update(is_superuser=True)
    grant.delete()
    client = client_of(User.objects.get(pk=root.pk))
    for address, fields in (
        (f"/admin/auth/user/{root.pk}/delete/", {"post": "yes"}),
        (
            "/admin/auth/user/",
            {"action": "delete_selected", "_selected_action": str(root.pk), "post": "yes"},
        ),
    ):
        assert LAST in client.post(address, fields, follow=True).content.decode(), address
    assert User.objects.filter(is_superuser=True, is_active=True).exists()


# The command and the admin ----------------------------------------------------------------------


def run(*words: str) -> str:
    out = StringIO()
    call_command("rights", *words, stdout=out)
    return out.getvalue()


def test_the_command_gives_lists_and_withdraws(shop: Flow) -> None:
    Group.objects.create(name="ada")
    ada = User.objects.create_user("ada")
    assert run("give", "user:ada", "operate", "--folder", "Commerce") == (
        "ada has Operate on the folder commerce now.\n"
    )
    assert role_of(ada, shop) == Role.OPERATE
    run("give", "group:ada", "see", "--flow", "shop")
    assert sorted(run("list").splitlines()) == [
        "group:ada\tsee\tflow shop", "user:ada\toperate\tfolder commerce",
    ]  # fmt: skip
    run("withdraw", "user:ada", "--folder", "commerce")
    assert role_of(ada, shop) == 0
    entry = AuditEntry.objects.order_by("-id")[0]
    assert (entry.command, entry.source) == ("withdraw-role", "command line")
    for words in (
        ("give", "nobody", "see"),
        ("give", "user:ada", "see", "--flow", "nothing"),
        ("give", "user:ada", "see", "--folder", "nowhere"),
    ):
        with pytest.raises(CommandError, match="There is no"):
            run(*words)


def test_the_admin_gives_roles_by_the_same_command(admin_client: Client, shop: Flow) -> None:
    ada = User.objects.create_user("ada")
    fields = {"user": ada.pk, "flow": shop.pk, "role": str(Role.START.value)}
    assert admin_client.post("/admin/flows/grant/add/", fields).status_code == 302
    assert role_of(ada, shop) == Role.START
    grant = Grant.objects.get()
    admin_client.post(f"/admin/flows/grant/{grant.pk}/change/", {"role": str(Role.DEBUG.value)})
    assert role_of(ada, shop) == Role.DEBUG
    assert (
        "Choose a user or a group."
        in admin_client.post("/admin/flows/grant/add/", {"role": "1"}).content.decode()
    )
    admin_client.post(f"/admin/flows/grant/{grant.pk}/delete/", {"post": "yes"})
    assert role_of(ada, shop) == 0
    assert set(AuditEntry.objects.values_list("command", "source")) >= {
        ("give-role", "admin"), ("withdraw-role", "admin"),
    }  # fmt: skip
    # For those who administer the whole site only.
    staff = User.objects.create_user("staff", is_staff=True)
    Grant.objects.create(user=staff, flow=shop, role=Role.ADMINISTER)
    assert client_of(staff).get("/admin/flows/grant/").status_code == 403


# The API ----------------------------------------------------------------------------------------


def test_the_api_lists_and_gives_roles(ada: User, shop: Flow) -> None:
    grace, client = User.objects.create_user("grace"), client_of(ada)

    def give(holder: str, role: str | None, where: str = "?flow=shop") -> Any:
        body = {"holder": holder, "role": role}
        return client.put(f"/api/v1/rights{where}", body, content_type="application/json")

    assert give("grace", "operate").json() == [
        {"kind": "user", "name": "ada", "role": "administer"},
        {"kind": "user", "name": "grace", "role": "operate"},
    ]
    assert role_of(grace, shop) == Role.OPERATE
    assert client.get("/api/v1/rights?flow=shop").json()[1]["name"] == "grace"
    assert give("grace", None).status_code == 200
    assert role_of(grace, shop) == 0
    for answer, status in (
        (give("nobody", "see"), 404),
        (give("grace", "see", ""), 403),
        (give("grace", "see", "?folder=commerce/returns"), 403),
        (give("grace", "see", "?folder=nowhere"), 404),
        (give("grace", "see", "?flow=no%00thing"), 404),
        (client.get("/api/v1/rights"), 403),
    ):
        assert answer.status_code == status, answer.content
        assert answer["Content-Type"] == "application/problem+json"
    root = User.objects.create_superuser("root")
    client.force_login(root)
    assert give("group:none", "see", "?folder=Commerce").status_code == 404
    assert give("ada", "administer", "").status_code == 200
    assert rights_of(User.objects.get(pk=ada.pk)).flow_ids(Role.ADMINISTER) is None
