"""Django admin in a browser, under the strict Content-Security-Policy."""

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from flows.models import FlowVersion
from flows.publish import save_draft
from tests.accessibility import PHONE, STRICT, violations
from tests.executions_in_tests import make_execution
from tests.integration.test_publish import ORDERS


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


def test_long_names_do_not_break_the_list(signed_in_page: Page, transactional_db: None) -> None:
    for letter in "ab":
        name = letter * 120
        make_execution(None, name)
        make_execution(None, name, error_type="E" * 200)
    signed_in_page.set_viewport_size({"width": 1440, "height": 900})
    for model in ("executions/execution", "flows/flow", "flows/flowversion"):
        signed_in_page.goto(f"/admin/{model}/")
        wide = signed_in_page.evaluate(
            "[document.documentElement.scrollWidth, document.querySelector('#result_list')"
            ".getBoundingClientRect().right, innerWidth]"
        )
        assert max(wide[:2]) <= wide[2], (model, wide)


def test_the_admin_is_accessible_in_both_themes_and_on_a_phone(
    signed_in_page: Page, draft: FlowVersion
) -> None:
    page, found = signed_in_page, []
    # Of Django's own templates and of Select2: heads without text, fields named by their titles.
    django = ("label-title-only", "empty-table-header", "aria-input-field-name", "label")
    rules = {"rules": STRICT["rules"] | {name: {"enabled": False} for name in django}}
    execution = make_execution(None)
    addresses = [
        reverse("admin:index"),
        reverse("admin:executions_execution_changelist"),
        reverse("admin:executions_execution_change", args=[execution.pk]),
        reverse("admin:flows_flow_changelist"),
        reverse("admin:flows_flow_change", args=[draft.flow_id]),
        reverse("admin:flows_flowversion_change", args=[draft.pk]),
        reverse("admin:auth_user_changelist"),
        reverse("admin:auth_user_add"),
    ]
    for address in addresses:
        page.goto(address)
        for width in (1440, PHONE):
            page.set_viewport_size({"width": width, "height": 844})
            said = violations(page, rules, dark=width != PHONE)
            found += [f"{address} at {width}: {one}" for one in said]
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            found += [f"{address} is {wide} px too wide at {width}"] if wide > 0 else []
    assert not found, "\n".join(found)
