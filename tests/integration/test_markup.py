"""Markup that is planted in every text of the database stays text: on all pages, in the admin, and
in mails (docs/security.md)."""

import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.core import mail
from django.db import DatabaseError, models, transaction
from django.test import Client
from django.urls import reverse

from executions.alerts.channels import mail as mail_channel
from executions.models import Delivery, Execution
from tests.integration.test_every_page import (
    DELIVERY,
    EXECUTION,
    markup,
    markup_in,
    requests,
    world,
)

__all__ = ["world"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]

PLANTED = "plant'\"><img src=x onerror=alert(1)><svg onload=alert(2)>"
#: What Django and its packages write by themselves.
OWN = {"flows", "executions", "auth"}
#: What decides how something is read, and is no text of anybody.
NO_TEXT = {
    "password", "kind", "parameters", "zone", "filters", "key", "digest", "command", "via", "scope",
}  # fmt: skip


def plant() -> int:
    """Put markup into every text column that takes it; return how many there are."""
    count = 0
    for model in apps.get_models():
        if model._meta.app_label in OWN and model._default_manager.exists():
            for field in model._meta.concrete_fields:
                count += _planted(model, field)
    return count


def _planted(model: type[models.Model], field: Any) -> bool:
    is_text = isinstance(field, models.CharField | models.TextField)
    if not is_text or field.choices or field.unique or field.name in NO_TEXT:
        return False
    text = PLANTED[: field.max_length] if field.max_length else PLANTED
    try:
        with transaction.atomic():
            model._default_manager.update(**{field.name: text})
    except DatabaseError:
        return False  # a constraint, or a row that nobody may change
    return True


def admin_pages(client: Client) -> Iterator[tuple[str, Any]]:
    """The list of each model of the admin, and the page of one row."""
    yield "index", client.get("/admin/")
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield name, client.get(reverse(f"{name}_changelist"))
        row = model._default_manager.order_by("pk").first()
        if row is not None:
            yield f"{name} row", client.get(reverse(f"{name}_change", args=[row.pk]))


def test_markup_in_every_field_stays_text(world: User, mailoutbox: list[Any]) -> None:
    assert plant() > 50
    assert Execution.objects.get(pk=EXECUTION).error_message == PLANTED
    client = Client(raise_request_exception=False)
    client.force_login(world)
    found: dict[str, object] = {}
    seen = 0
    for what, answer in chain(admin_pages(client), requests(client)):
        if answer.status_code >= 500 and not what.endswith("readyz"):
            found[what] = answer.exc_info
        seen += not answer.streaming and b"plant&#x27;" in answer.content
        if bad := markup_in(answer):
            found[what] = bad
    assert not found
    assert seen > 20, "what was planted is shown"


def test_markup_in_a_mail_stays_text(world: User, mailoutbox: list[Any], settings: Any) -> None:
    settings.EMAIL_URL = "smtp://localhost"
    User.objects.filter(pk=world.pk).update(email="ada@example.com")
    delivery = Delivery.objects.get(pk=DELIVERY)
    delivery.message = {
        name: PLANTED if isinstance(value, str) and name != "address" else value
        for name, value in delivery.message.items()
    }
    delivery.save()
    mail_channel.send(Delivery.objects.select_related("user").get(pk=DELIVERY))
    [sent] = mail.outbox
    [html] = [content for content, kind in sent.alternatives if kind == "text/html"]
    assert "plant" in html
    assert not markup(html)
    assert not re.findall("<img src=x|<svg onload", html)
