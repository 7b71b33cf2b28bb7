"""A mail as its reader sees it: planted markup is text, links lead on, in both themes."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Browser, expect

from executions.alerts import deliveries, personal
from executions.models import Preferences, Watch
from executions.states import Status
from tests.accessibility import COLOURS, violations
from tests.executions_in_tests import make_execution
from tests.receivers import mail_receiver

PLANTED = (
    '<img src="x" onerror="document.title=1"><a href="https://evil.example">Pay</a> & ' + "x" * 300
)


@pytest.mark.usefixtures("transactional_db", "redis")
def test_a_mail_shows_planted_markup_as_text(
    browser: Browser, settings: Any, admin_user: User
) -> None:
    Preferences.objects.create(user=admin_user, notifications={"watched-ends": ["mail"]})
    execution = make_execution(
        admin_user, status=Status.ERROR, ended_at=timezone.now(), error_message=PLANTED
    )
    Watch.objects.create(user=admin_user, execution=execution, read_revision=0)
    with mail_receiver() as receiver:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_URL = f"smtp://127.0.0.1:{receiver.port}"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", receiver.port
        settings.SITE_URL = "https://cortex.example"
        personal.notify_watchers()
        deliveries.deliver("mail")
        (mail,) = receiver.mails
    html = mail.get_body(("html",))
    assert html is not None
    for scheme in ("light", "dark"):
        page = browser.new_page(color_scheme=scheme, viewport={"width": 390, "height": 844})
        page.set_content(html.get_content())
        expect(page.locator("body")).to_contain_text(PLANTED[:200])
        assert page.locator("img, script, [onerror]").count() == 0
        addresses = page.locator("a").evaluate_all("(links) => links.map((link) => link.href)")
        home = "https://cortex.example"
        assert addresses == [f"{home}/executions/{execution.pk}/", f"{home}/account/"]
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(255, 255, 255)") == (scheme == "light")
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert not violations(page, COLOURS)
        page.close()
