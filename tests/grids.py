"""The executions page in a browser: its rows, and changes told as workers tell them."""

from typing import Any

from playwright.sync_api import Page

from executions.models import Execution
from executions.publishing import publish
from tests.browsers import becomes
from tests.executions_in_tests import events_of

LIVE = '[data-live][data-state="live"]'


def row(page: Page, execution: Execution) -> Any:
    return page.locator(f'#rows > tr[data-id="{execution.pk}"]')


def shown(page: Page) -> list[str]:
    """The ids of the rows, from above."""
    ids: list[str] = page.locator("#rows > tr").evaluate_all("rows => rows.map(r => r.dataset.id)")
    return ids


def expect_shown(page: Page, ids: list[str]) -> None:
    """Wait until the rows are these, from above."""
    becomes(page, lambda: shown(page) == ids)
    assert shown(page) == ids


def tell(*executions: Execution, **changes: Any) -> None:
    publish(events_of(*executions, **changes))
