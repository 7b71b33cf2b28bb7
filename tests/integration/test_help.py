"""The help pages: every status, exception, block, filter and permission has its place there, and
each link to help that the product renders leads to one."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag, urljoin

import pytest
from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.test import Client

from executions import runner
from executions.grid.query.fields import FIELDS
from flows.blocks import ALL
from flows.blocks.errors import MEANINGS, exception
from flows.blocks.reference import anchor
from tests.driving import begin, fresh
from tests.flows_in_tests import publish

PAGES = ("/help/", "/help/blocks/", "/help/queries/", "/help/permissions/")
SHORT = sorted(name.rpartition(".")[2] for name in MEANINGS)


class Reader(HTMLParser):
    """The ids and the links of a page, and the addresses of what it loads."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("id"):
            self.ids.append(given["id"] or "")
        if tag == "a" and given.get("href"):
            self.links.append(given["href"] or "")
        for name in ("src", "srcset"):
            if given.get(name):
                self.loads.append(given[name] or "")
        if tag == "link" and given.get("href"):
            self.loads.append(given["href"] or "")


def read(client: Client, address: str) -> Reader:
    response = client.get(address)
    assert response.status_code == 200, address
    reader = Reader()
    reader.feed(response.content.decode())
    return reader


class Places:
    """Where a link leads, each page read once."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.ids: dict[str, set[str]] = {}

    def holds(self, link: str, base: str = "/") -> None:
        page, part = urldefrag(urljoin(base, link))
        if page not in self.ids:
            self.ids[page] = set(read(self.client, page).ids)
        assert not part or part in self.ids[page], link


def help_links(html: str) -> list[str]:
    reader = Reader()
    reader.feed(html)
    return [link for link in reader.links if link.startswith("/help/")]


@pytest.mark.parametrize("page", PAGES)
def test_a_help_page_leads_nowhere_in_vain_and_needs_no_network(
    admin_client: Client, page: str
) -> None:
    reader = read(admin_client, page)
    assert len(reader.ids) == len(set(reader.ids))
    places = Places(admin_client)
    for link in reader.links:
        if link.startswith(("/help/", "#")):
            places.holds(link, page)
        assert not link.endswith(".md")
    # The other help pages are a step away.
    assert {*PAGES} <= {urldefrag(link)[0] for link in reader.links}
    assert all(address.startswith("/static/") for address in reader.loads)


def test_a_help_page_that_is_none_is_not_found(admin_client: Client) -> None:
    for name in ("nothing", "architecture", "settings"):
        assert admin_client.get(f"/help/{name}/").status_code == 404
    assert Client().get("/help/blocks/").status_code == 302


@pytest.mark.parametrize("name", SHORT)
def test_the_help_of_every_exception_is_there(admin_client: Client, name: str) -> None:
    link = exception(name, "").value.help_link
    assert link == f"/help/#{name}"
    Places(admin_client).holds(link)
    html = admin_client.get("/help/").content.decode()
    assert html.count(f'id="{name}"') == 1


def test_every_block_has_its_place(admin_client: Client) -> None:
    reader = read(admin_client, "/help/blocks/")
    assert {anchor(block.type) for block in ALL} <= set(reader.ids)
    assert len({anchor(block.type) for block in ALL}) == len(ALL)


def test_every_filter_and_permission_has_its_place(admin_client: Client) -> None:
    queries = set(read(admin_client, "/help/queries/").ids)
    assert {field.key for field in FIELDS} <= queries
    permissions = set(read(admin_client, "/help/permissions/").ids)
    assert {
        "flows.view_flow",
        "flows.start_flow",
        "flows.publish_flow",
        "executions.view_execution",
        "executions.control_execution",
        "executions.debug_execution",
    } <= permissions
    # What is for those who change the code is not told to those who use the pages.
    queries_page = admin_client.get("/help/queries/").content.decode()
    assert not re.search(r"\bGIN\b", queries_page)


FAILING = """
a: {type: Start Flow, bottom: t}
t: {type: Set Variable, properties: {Value: =1 / Zero, Variable: ($)Out}, bottom: e}
e: {type: End Flow}
"""


def test_pages_link_to_help_that_is_there(
    admin_client: Client, admin_user: User, tmp_path: Path
) -> None:
    """From a block's menu, an exception with what caused it, a flow's page, and the filters."""
    version = publish(tmp_path, "failing", FAILING, "{Zero: {default: 0}, Out: {}}")
    execution = begin(version)
    runner.run(execution.pk)
    places = Places(admin_client)
    page = fresh(execution).get_absolute_url()
    expected = {
        f"{page}?panel=exceptions": {
            "/help/#InvalidPropertyValueException",
            "/help/#EvaluationException",
        },
        f"{page}block/?block=t": {"/help/blocks/#set-variable"},
        "/flows/failing/": {"/help/blocks/#set-variable", "/help/blocks/#start-flow"},
        "/": {"/help/queries/"},
        "/?q=status:nothing": {"/help/queries/"},
    }
    for address, links in expected.items():
        found = help_links(admin_client.get(address).content.decode())
        assert links <= set(found), address
        for link in found:
            places.holds(link)


def test_every_block_on_a_page_links_to_its_help() -> None:
    """Each type has an anchor of its own, also where palettes have a name in common."""
    anchors = [anchor(block.type) for block in ALL]
    assert len(anchors) == len(set(anchors))
    assert "lists-remove-all-items" in anchors


def test_who_may_not_is_told_what_permissions_there_are(django_user_model: Any) -> None:
    ada = Client()
    ada.force_login(django_user_model.objects.create_user("ada"))
    (link,) = help_links(render_to_string("403.html"))
    Places(ada).holds(link)
