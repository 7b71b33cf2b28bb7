"""Rights that change while a page is open: it follows within a second, whatever changed them."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from cortexweb.asgi import application
from executions.commands import flow_arrangement
from executions.commands.actor import Actor
from executions.live.consumers import CHECK_USER_EVERY
from flows.models import Flow, Folder, Grant
from flows.roles import Role
from tests.executions_in_tests import make_execution
from tests.flows_in_tests import WAIT, WAIT_VARIABLES, publish
from tests.tabs import Opener, Tab, change, open_tabs, tell

pytestmark = pytest.mark.usefixtures("transactional_db", "redis")

#: The code with which a connection is closed whose user has other rights: the page connects again.
RIGHTS_CHANGED = 1012


class Opened:
    """Live pages of one user, each until it is closed."""

    def __init__(self, session: str) -> None:
        self._session = session
        self.tab: Tab | None = None

    async def open(self) -> None:
        self.tab = Tab(None, "/ws/executions/", application, self._session)
        await self.tab.connect()

    async def closes(self) -> bool:
        """Return whether it closes by itself, long before the check that comes now and then."""
        assert self.tab
        said: dict[str, Any] = {"type": ""}
        began = time.monotonic()
        while said["type"] != "websocket.close":
            said = await self.tab.app.receive_output(CHECK_USER_EVERY)
        assert said["code"] == RIGHTS_CHANGED
        await self.tab.leave()
        return time.monotonic() - began < CHECK_USER_EVERY / 2


async def test_a_changed_right_reaches_open_pages_at_once(client: Client, tmp_path: Path) -> None:
    def world() -> tuple[User, Actor, Flow, Folder, Group, Permission]:
        root = User.objects.create_superuser("root")
        flow = publish(tmp_path, "shop", WAIT, WAIT_VARIABLES).flow
        folder = Folder.objects.create(name="commerce")
        group = Group.objects.create(name="Commerce")
        Grant.objects.create(group=group, folder=folder, role=Role.SEE)
        permission = Permission.objects.get(codename="start_flow")
        return root, Actor(root.pk, "root", "page"), flow, folder, group, permission

    root, actor, flow, folder, group, permission = await sync_to_async(world)()
    ada = await sync_to_async(User.objects.create_user)("ada")
    await sync_to_async(client.force_login)(ada)
    pages = Opened(client.cookies["sessionid"].value)

    def again() -> User:
        return User.objects.get(pk=ada.pk)

    changes: list[tuple[str, Callable[[], object]]] = [
        ("joins a group", lambda: again().groups.add(group)),
        ("a flow moves in", lambda: flow_arrangement.move(root, actor, flow, folder)),
        ("the role is raised", lambda: _raise(group, Role.DEBUG)),
        ("the folder lies deeper", lambda: Folder.objects.create(name="inner", parent=folder)),
        ("a flow is made there", lambda: Flow.objects.create(name="new", folder=folder)),
        ("the group may more", lambda: group.permissions.add(permission)),
        ("the group may less", lambda: group.permissions.clear()),
        ("the role is withdrawn", lambda: Grant.objects.get(group=group).delete()),
        ("a role of her own", lambda: Grant.objects.create(user=ada, flow=flow, role=Role.SEE)),
        ("a permission", lambda: again().user_permissions.add(permission)),
    ]
    for what, act in changes:
        await pages.open()
        await sync_to_async(act)()
        assert await pages.closes(), what


def _raise(group: Group, role: Role) -> None:
    grant = Grant.objects.get(group=group)
    grant.role = role
    grant.save()


async def test_a_page_stays_open_when_others_get_rights(client: Client) -> None:
    ada, grace = [await sync_to_async(User.objects.create_user)(n) for n in ("ada", "grace")]
    flow = await Flow.objects.acreate(name="shop")
    await sync_to_async(client.force_login)(ada)
    pages = Opened(client.cookies["sessionid"].value)
    await pages.open()
    await Grant.objects.acreate(user=grace, flow=flow, role=Role.SEE)
    await sync_to_async(ada.save)()  # nothing that matters
    await asyncio.sleep(0.5)
    assert pages.tab
    assert not pages.tab.app.future.done()
    await pages.tab.leave()


async def test_live_rows_are_those_of_the_flows_that_one_sees(tmp_path: Path) -> None:
    def world() -> tuple[User, list[Any]]:
        root, ada = User.objects.create_superuser("root"), User.objects.create_user("ada")
        versions = [publish(tmp_path, name, WAIT, WAIT_VARIABLES) for name in ("shop", "other")]
        Grant.objects.create(user=ada, flow=versions[0].flow, role=Role.SEE)
        return ada, [make_execution(root, one.flow.name, version=one) for one in versions]

    ada, (shown, hidden) = await sync_to_async(world)()
    async with open_tabs() as opening:
        tab: Opener = opening
        page = await tab(ada)
        await page.show("", hidden)  # not even by naming it
        await tell(await change(hidden))
        await tell(await change(shown))
        assert await page.rows() == [str(shown.pk)]
