"""The pages of schedules: what they show, what their forms do, and who may."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from executions.models import Execution, Schedule, SchedulePause
from flows.models import FlowVersion
from tests.flows_in_tests import publish
from tests.integration.test_schedules import CALENDAR, ECHO
from tests.schedules_in_tests import fire, make_schedule, scheduler

pytestmark = pytest.mark.django_db
VARIABLES = """
N: {input: true, type: Integer}
Since: {input: true, type: Date Time, default: null}
Label: {input: true, type: Text, default: none}
Key: {input: true, type: Text, secret: true}
"""


@pytest.fixture
def version(tmp_path: Path) -> FlowVersion:
    return publish(tmp_path, "order-sync", ECHO, VARIABLES)


@pytest.fixture
def sam(client: Client) -> Client:
    client.force_login(scheduler())
    return client


def fields(**changes: Any) -> dict[str, Any]:
    return {
        "flow": "order-sync",
        "name": "Sync paid orders",
        "cron": "*/5 6-21 * * 1-6",
        "zone": "Europe/Stockholm",
        "overlap": "queue",
        "misfire": "once",
        "grace_seconds": "900",
        "input-N": "200",
        "input-Since": "now - duration('10m')",
        "source-Since": "expression",
        "input-Label": "=not an expression",
        "input-Key": "hunter2",
        **changes,
    }


def made() -> Schedule:
    return Schedule.objects.get()


def test_a_schedule_is_made_changed_and_deleted(version: FlowVersion, sam: Client) -> None:
    assert b"New schedule" in sam.get(reverse("new-schedule")).content
    answer = sam.post(reverse("new-schedule"), fields())
    assert answer.status_code == 302, answer.content.decode()
    schedule = made()
    assert schedule.inputs == {
        "N": 200,
        "Since": "=now - duration('10m')",
        "Label": "\\=not an expression",
    }
    assert schedule.secret_inputs == {"Key": "hunter2"}
    assert schedule.owner == User.objects.get(username="sam")
    page = sam.get(schedule.get_absolute_url()).content.decode()
    for told in ("Every 5 minutes, between 06:00 and 21:59", "192 starts a day", "Next five"):
        assert told in page
    assert "hunter2" not in page
    assert 'value="=not an expression"' in page
    changed = fields(**{"input-Key": "", "cron": "@daily", "revision": schedule.revision})
    assert sam.post(schedule.get_absolute_url(), changed).status_code == 302
    assert (made().cron, made().secret_inputs) == ("@daily", {"Key": "hunter2"})
    stale = sam.post(schedule.get_absolute_url(), changed)
    assert stale.status_code == 422
    assert b"Somebody else has changed this schedule" in stale.content
    fire(made())
    assert Execution.objects.get().inputs["Label"] == "=not an expression"
    assert sam.post(reverse("delete-schedule", args=[schedule.pk])).status_code == 302
    assert not Schedule.objects.exists()
    assert Execution.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"cron": "61 * * * *"}, "“61” is no minute. The minute takes 0 to 59."),
        ({"zone": "Mars/Base"}, "There is no such time zone."),
        ({"input-N": "seven"}, "seven"),
        ({"input-N": "'x'", "source-N": "expression"}, "The value is a Text, not an Integer."),
        ({"input-Since": "now -"}, "Syntax error"),
        ({"input-N": ""}, "The input is missing."),
        ({"starts_on": "2030-02-01", "ends_on": "2030-01-01"}, "The last day comes before"),
        ({"days": "2026-13-01"}, "“2026-13-01” is no date."),
        ({"jitter_seconds": "99999"}, "less than or equal to 3600"),
        ({"calendar_file": SimpleUploadedFile("x.ics", b"nonsense")}, "This is not an iCalendar"),
        ({"name": ""}, "This field is required."),
    ],
)
def test_what_is_wrong_stands_beside_it(
    version: FlowVersion, sam: Client, wrong: dict[str, Any], told: str
) -> None:
    answer = sam.post(reverse("new-schedule"), fields(**wrong))
    assert answer.status_code == 422
    assert told in answer.content.decode().replace("&#x27;", "'")
    assert not Schedule.objects.exists()


def test_a_calendar_and_days(version: FlowVersion, sam: Client) -> None:
    file = SimpleUploadedFile("holidays.ics", CALENDAR.encode())
    sam.post(reverse("new-schedule"), fields(calendar_file=file, days="2026-12-01, 2026-12-02"))
    schedule = made()
    assert schedule.calendar_name == "holidays.ics"
    assert len(schedule.excluded_days) == 2
    kept = fields(**{"input-Key": "", "no_calendar": "1", "revision": schedule.revision})
    sam.post(schedule.get_absolute_url(), kept)
    assert (made().calendar, made().excluded_days) == ("", [])


def test_a_preview_follows_each_key(version: FlowVersion, sam: Client) -> None:
    def said(**given: str) -> str:
        return sam.post(reverse("preview-schedule"), given).content.decode()

    zone = {"zone": "Europe/Stockholm"}
    assert "Every 5 minutes" in said(cron="*/5 * * * *", **zone)
    assert "comes twice" in said(cron="*/5 * * * *", **zone) or "forward" in said(
        cron="*/5 * * * *", **zone
    )
    bad = said(cron="*/5 25 * * *", **zone)
    assert 'data-bad-part="1"' in bad
    assert "The hour takes 0 to 23." in bad
    assert "Clocks do not change there" in said(cron="0 1 * * *", zone="Asia/Tokyo")
    assert "It never starts" in said(cron="0 1 * * *", ends_on="2020-01-01", **zone)
    assert "<script>" not in said(cron="<script> * * * *", **zone)


def test_the_list(version: FlowVersion, sam: Client) -> None:
    empty = sam.get(reverse("schedules")).content.decode()
    assert "There are no schedules yet." in empty
    user = User.objects.get(username="sam")
    schedule = make_schedule(version.flow, user, name="<b>Nightly</b>", inputs={"N": 1, "Key": "k"})
    fire(schedule)
    make_schedule(version.flow, user, "0 1 * * *", name="Other", is_on=False)
    page = sam.get(reverse("schedules")).content.decode()
    assert "&lt;b&gt;Nightly&lt;/b&gt;" in page
    assert "<b>Nightly</b>" not in page
    assert "Last 1: 1 queued" in page
    assert "At 12:00 every day" in page
    assert "<b>2</b> schedules, 1 on" in page
    found = sam.get(reverse("schedules"), {"q": "other"}).content.decode()
    assert ">Other</a>" in found
    assert "Nightly" not in found
    assert "No schedule matches." in sam.get(reverse("schedules"), {"q": "zzz"}).content.decode()
    grid = sam.get(reverse("executions"), {"schedule": schedule.pk}).content.decode()
    assert str(Execution.objects.get().pk) in grid


def test_switch_run_and_pause(version: FlowVersion, sam: Client) -> None:
    user = User.objects.get(username="sam")
    schedule = make_schedule(version.flow, user, inputs={"N": 1}, secret_inputs={"Key": "k"})
    sam.post(reverse("switch-schedule", args=[schedule.pk]), {"on": "0"})
    assert not made().is_on
    sam.post(reverse("run-schedule", args=[schedule.pk]))
    assert Execution.objects.get().trigger == "schedule"
    sam.post(reverse("pause-schedules"), {"paused": "1"})
    assert SchedulePause.objects.get().is_paused
    assert b"All schedules are paused" in sam.get(reverse("schedules")).content
    sam.post(reverse("pause-schedules"), {"paused": "0"})
    assert not SchedulePause.objects.get().is_paused


def test_who_may_not(version: FlowVersion, client: Client) -> None:
    schedule = make_schedule(version.flow, scheduler("owner"), name="Hidden name")
    own = schedule.get_absolute_url()
    posts = [
        (reverse("new-schedule"), fields()),
        (own, fields()),
        *((reverse(f"{name}-schedule", args=[schedule.pk]), {}) for name in ("switch", "delete")),
        (reverse("pause-schedules"), {"paused": "1"}),
    ]
    seer = User.objects.create(username="seer")
    client.force_login(seer)
    assert client.get(own).status_code == 404
    assert b"Hidden name" not in client.get(reverse("schedules")).content
    assert b"Hidden name" not in client.get(reverse("schedules-live", args=[0])).content
    assert client.post(reverse("run-schedule", args=[schedule.pk])).status_code == 404
    for address, data in posts:
        assert client.post(address, data).status_code in (403, 404), address
    starter = User.objects.create(username="starter")
    starter.user_permissions.add(*scheduler("x").user_permissions.filter(codename="start_flow"))
    client.force_login(starter)
    page = client.get(own).content.decode()
    assert "Run now" in page
    assert ">Save</button>" not in page
    for address, data in posts:
        assert client.post(address, data).status_code == 403, address
    assert Schedule.objects.get().is_on
    assert not SchedulePause.objects.exists()


def test_the_week_counts_past_and_coming_starts(version: FlowVersion, sam: Client) -> None:
    user = User.objects.get(username="sam")
    make_schedule(version.flow, user, "0 12 * * *")
    page = sam.get(reverse("schedules"), {"week": "1"}).content.decode()
    assert page.count('<span class="muted">1<span') == 7
    live = sam.get(reverse("schedules-live", args=[0]), {"week": "-1"}).content.decode()
    assert 'id="part-week"' in live
