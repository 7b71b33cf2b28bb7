"""The servers and processes that the other tests stand on."""

import httpx
import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from playwright.sync_api import Page
from pytest_django import Settings
from redis import Redis

from tests.conftest import LiveApp
from tests.servers import Process


@pytest.mark.django_db
def test_the_database_is_the_embedded_postgresql() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW listen_addresses")
        assert cursor.fetchone() == ("",)
    assert connection.pg_version >= 18_00_00


def test_redis_refuses_rather_than_forgets(redis: Redis) -> None:
    assert redis.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_the_worker_connects(worker: Process) -> None:
    assert "Connected to redis+socket://" in worker.output


def test_the_web_server_reports_its_health(live_app: LiveApp) -> None:
    answer = httpx.get(f"{live_app.url}/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")


def test_a_browser_signs_in_to_the_admin(signed_in_page: Page) -> None:
    signed_in_page.goto("/admin/")
    assert signed_in_page.title().startswith("Administration")
    assert get_user_model().objects.get().username == "admin"


@pytest.mark.django_db
def test_health_names_what_does_not_answer(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (503, b"Redis doesn't answer\n")
