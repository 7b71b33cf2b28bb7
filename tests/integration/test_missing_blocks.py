"""Published flows with blocks of a package that is no longer installed."""

from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from executions.models import ExceptionRecord
from executions.states import Status
from flows import queries
from flows.blocks import BY_TYPE
from tests.driving import begin, drive
from tests.flows_in_tests import publish

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]

BLOCKS = """
s: {type: Start Flow, bottom: x}
x: {type: Copy Object, properties: {Object: 1, Copy: ($)A}, bottom: e}
e: {type: End Flow}
"""


def test_a_block_that_is_gone_keeps_its_place_and_throws(
    admin_client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = publish(tmp_path, "gone", BLOCKS, "{A: {output: true}}")
    before = drive(begin(version).pk)
    monkeypatch.delitem(BY_TYPE, "copy object")
    monkeypatch.delitem(BY_TYPE, "objects/copy object")
    monkeypatch.setattr(queries, "_graphs", type(queries._graphs)())
    after = drive(begin(version).pk)
    assert before.status == after.status == Status.ENDED
    thrown = ExceptionRecord.objects.get(execution=after)
    assert thrown.type.endswith(".RuntimeTranslationException")
    assert "there is no block type Copy Object" in thrown.message
    for page in (
        reverse("flow", args=["gone"]),
        *(reverse("execution", args=[execution.pk]) for execution in (before, after)),
    ):
        answer = admin_client.get(page)
        assert answer.status_code == 200
        assert "Copy Object" in answer.content.decode()
    assert admin_client.get(reverse("executions")).status_code == 200
