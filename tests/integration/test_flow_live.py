"""Who hears that executions of a flow have changed."""

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Permission, User

from executions.live.consumers import NOT_FOUND
from executions.live.hub import hub
from tests.tabs import Tab, change, make, tell

pytestmark = pytest.mark.usefixtures("transactional_db", "redis")


def user_with(name: str, *codenames: str) -> User:
    user = User.objects.create_user(name)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return User.objects.get(pk=user.pk)


async def test_only_who_may_see_a_flow_hears_of_it_and_only_of_what_they_may_see() -> None:
    ada = await sync_to_async(user_with)("ada", "view_flow")
    watcher = await sync_to_async(user_with)("grace", "view_flow", "view_execution")
    nobody = await sync_to_async(user_with)("eve", "view_execution")
    foreign = await make(watcher, "orders")
    refused = Tab(nobody, "/ws/flows/orders/")
    assert (await refused.connect())["code"] == NOT_FOUND
    nowhere = Tab(ada, "/ws/flows/nowhere/")
    assert (await nowhere.connect())["code"] == NOT_FOUND
    hers, all_of_it = Tab(ada, "/ws/flows/orders/"), Tab(watcher, "/ws/flows/orders/")
    for tab in (hers, all_of_it):
        await tab.connect()
    await hub.listening.wait()
    await tell(await change(foreign, block="x"))
    assert (await all_of_it.frame("changed"))["flow"] == "orders"
    assert await hers.frames("changed", 0.4) == []
    own = await make(ada, "orders")
    await tell(await change(own, block="x"), await change(await make(ada, "other"), block="x"))
    frame = await hers.frame("changed")
    assert frame["flow"] == "orders"
    assert frame["published"] > 0
    for tab in (hers, all_of_it):
        await tab.leave()
