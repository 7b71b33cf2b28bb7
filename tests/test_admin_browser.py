"""Django admin in a browser, under the strict Content-Security-Policy."""

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from flows.models import FlowVersion
from flows.publish import save_draft
from tests.test_publish import ORDERS


@pytest.fixture
def draft(transactional_db: None) -> FlowVersion:
    return save_draft(ORDERS).version


def test_admin_pages_break_no_policy(signed_in_page: Page, draft: FlowVersion) -> None:
    page = signed_in_page
    refused: list[str] = []
    page.on(
        "console",
        lambda said: refused.append(said.text) if "Content Security Policy" in said.text else None,
    )
    block = draft.blocks.get(key="count/begin")
    workspace = draft.workspaces.get(key="count")
    for address in (
        reverse("admin:index"),
        reverse("admin:flows_flow_changelist"),
        reverse("admin:flows_flow_change", args=[draft.flow_id]),
        reverse("admin:flows_flowversion_change", args=[draft.pk]),
        reverse("admin:flows_workspace_change", args=[workspace.pk]),
        reverse("admin:flows_block_change", args=[block.pk]),
        reverse("admin:flows_block_add"),
        reverse("admin:executions_execution_changelist"),
    ):
        page.goto(address)
    assert refused == []


def test_publishing_a_draft_from_its_list(signed_in_page: Page, draft: FlowVersion) -> None:
    page = signed_in_page
    page.goto(reverse("admin:flows_flowversion_changelist"))
    page.get_by_label("Select this object for an action").check()
    page.get_by_label("Action:").select_option("publish_drafts")
    page.get_by_role("button", name="Go", exact=True).click()
    expect(page.get_by_text("Published: orders v1.")).to_be_visible()
