"""What every page shares: statuses, icons, themes, sign-in, errors, and the content policy."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.test import Client, override_settings
from django.utils import timezone

from executions import appearance
from executions.states import Place, Reason, Status
from flows import formatting
from tests.conftest import LiveApp
from tests.executions_in_tests import make_execution

STATIC = Path(settings.BASE_DIR) / "static"
TEMPLATES = Path(settings.BASE_DIR) / "templates"
SPRITE = (STATIC / "icons.svg").read_text()
ICONS = set(re.findall(r'<symbol id="([^"]+)"', SPRITE))


@pytest.mark.parametrize("status", Status)
def test_every_status_has_an_icon_a_word_and_a_meaning(status: Status) -> None:
    assert appearance.icon_name(status) in ICONS
    assert appearance.label(status) == status.value
    assert appearance.DESCRIPTIONS[status].endswith(".")
    assert f".st-{status.lower()}" in (STATIC / "css" / "shell.css").read_text()


def test_a_place_or_a_reason_is_said_beside_the_status() -> None:
    for place in Place:
        assert appearance.icon_name(Status.PAUSED, place) in ICONS
    assert appearance.label(Status.PAUSED, Place.BREAKPOINT) == "Paused · breakpoint"
    assert appearance.label(Status.RUNNING, "", Reason.CHILDREN) == "Running · children"
    assert "child executions" in appearance.description(Status.RUNNING, "", Reason.CHILDREN)


def test_every_icon_that_a_template_names_exists() -> None:
    for template in TEMPLATES.rglob("*.html"):
        for name in re.findall(r'{% icon "([^"]+)"', template.read_text()):
            assert name in ICONS, f"{template} names {name}"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 ms"),
        (0.34, "340 ms"),
        (1, "1.0 s"),
        (59.99, "59.9 s"),
        (74, "1 m 14 s"),
        (3600, "1 h 00 m"),
        (36_240, "10 h 04 m"),
        (284_400, "3 d 07 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert formatting.duration(seconds) == text
    assert formatting.duration(timedelta(seconds=seconds)) == text


@override_settings(TIME_ZONE="Europe/Stockholm")
def test_moments_are_short_today_and_complete_in_the_title() -> None:
    now = datetime(2025, 7, 15, 10, 4, tzinfo=UTC)
    timezone.deactivate()
    with timezone.override("Europe/Stockholm"):
        assert formatting.clock(now - timedelta(seconds=2), now) == "12:03:58"
        assert formatting.clock(now - timedelta(hours=34), now) == "14 Jul 02:04"
        assert formatting.clock(now - timedelta(days=365), now) == "15 Jul 2024"
        html = formatting.moment(now, now)
    assert 'datetime="2025-07-15T10:04:00+00:00"' in html
    assert 'title="2025-07-15 12:04:00.000 CEST"' in html


def test_signing_in_and_out(client: Client, admin_user: Any) -> None:
    wrong = client.post("/login/", {"username": "admin", "password": "wrong"})
    assert 'role="alert"' in wrong.content.decode()
    admin_user.set_password("right")
    admin_user.save()
    given = {"username": "admin", "password": "right", "next": "/help/"}
    assert client.post("/login/", given)["Location"] == "/help/"
    assert client.get("/help/").status_code == 200
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/")["Location"] == "/login/"
    assert client.get("/help/").status_code == 302


def test_only_staff_are_shown_the_admin(admin_client: Client, django_user_model: Any) -> None:
    assert 'href="/admin/"' in admin_client.get("/help/").content.decode()
    ada = Client()
    ada.force_login(django_user_model.objects.create_user("ada"))
    assert 'href="/admin/"' not in ada.get("/help/").content.decode()


def test_help_says_what_each_status_means(admin_client: Client) -> None:
    html = admin_client.get("/help/").content.decode()
    for status, meaning in appearance.DESCRIPTIONS.items():
        assert f'id="status-{status.lower()}"' in html
        assert meaning in html


@pytest.mark.parametrize("code", [400, 403, 404, 500])
def test_an_error_page_needs_nothing_and_leads_on(code: int) -> None:
    html = render_to_string(f"{code}.html")
    assert 'href="/"' in html
    assert "<h1>" in html


def test_a_missing_page_is_in_the_look(admin_client: Client) -> None:
    response = admin_client.get("/nothing/")
    assert response.status_code == 404
    assert "There is nothing here" in response.content.decode()


@pytest.mark.parametrize("address", ["/", "/help/", "/login/", "/nothing/"])
def test_the_content_policy_has_nothing_to_refuse(
    admin_client: Client, admin_user: Any, address: str
) -> None:
    make_execution(admin_user, child_count=1)
    client = Client() if address == "/login/" else admin_client
    response = client.get(address)
    html = response.content.decode()
    assert "script-src 'self'" in response["Content-Security-Policy"]
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", html)
    assert not re.search(r"<script(?![^>]* src=)", html)
    assert not re.search(r'(src|href)="(https?:)?//', html)


def test_a_wrong_host_is_one_line_in_the_log(live_app: LiveApp) -> None:
    said = len(live_app.process.output)
    answer = httpx.get(f"{live_app.url}/login/", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    live_app.process.wait_until(lambda: "evil.example" in live_app.process.output[said:], 5)
    log = live_app.process.output[said:]
    assert log.count("evil.example") <= 2  # the message names it, and says what to add
    assert len([line for line in log.splitlines() if "ERROR" in line]) == 1
    assert "Traceback" not in log
    assert "get_host" not in log
