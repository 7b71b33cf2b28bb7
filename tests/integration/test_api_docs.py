"""The examples of docs/api.md, executed, and the page of the operations."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from jsonschema import Draft202012Validator

from tests.conftest import LiveApp
from tests.driving import begin
from tests.flows_in_tests import SQUARE, SQUARE_VARIABLES, publish

TEXT = (settings.BASE_DIR / "docs" / "api.md").read_text()
EXAMPLES = re.findall(r"^```sh\n(.*?)^```$", TEXT, re.M | re.S)
#: What each example has in its answer, in their order.
ANSWERS = (
    '"Square": 49',
    '"executions": ["',
    '{"Square": 49}',
    '"items": [',
    "event: execution",
    '"done": true',
    '"command": "stop"',
    '"name": "payment-received"',
    '"value": {"EUR": 1.08}',
    '"changed": false',
    '"secret": "whsec_',
)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("worker")
@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on PATH")
def test_each_example_does_what_it_says(live_app: LiveApp, tmp_path: Path) -> None:
    version = publish(tmp_path, "square", SQUARE, SQUARE_VARIABLES)
    User.objects.create_superuser("ada", password="secret")
    execution = begin(version, paused=True, N=1)
    found = []
    for example in EXAMPLES:
        script = example.replace("http://127.0.0.1:8000", live_app.url)
        script = re.sub(r"^curl -N", "timeout 4 curl -sN", script, flags=re.M)
        script = re.sub(r"^curl (?!-N)", "curl -s --fail-with-body ", script, flags=re.M)
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            env={"EXECUTION": str(execution.pk), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert "problem+json" not in done.stdout, done.stdout
        found.append(done.stdout)
    assert len(found) == len(ANSWERS)
    for example, answer, expected in zip(EXAMPLES, found, ANSWERS, strict=True):
        assert expected in answer, (example, answer)


def test_the_page_shows_every_operation(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)
    document = json.loads(client.get("/api/openapi.json").content)
    html = client.get("/api/docs").content.decode()
    operations = [one for path in document["paths"].values() for one in path.values()]
    assert len(operations) > 90
    missing = [one["operationId"] for one in operations if f'id="{one["operationId"]}"' not in html]
    assert missing == []
    assert set(re.findall(r'href="#([^"]+)"', html)) <= set(re.findall(r'id="([^"]+)"', html))
    assert "<script" not in html.split("<main", 1)[1]


def test_the_document_says_that_it_is_openapi_3_1(client: Client, db: None) -> None:
    document = client.get("/api/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert {"Bearer", "Basic", "Session"} <= document["components"]["securitySchemes"].keys()


def test_the_document_describes_typed_values(client: Client, db: None) -> None:
    schemas = client.get("/api/openapi.json").json()["components"]["schemas"]
    typed = Draft202012Validator({"components": {"schemas": schemas}, **schemas["TypedValue"]})
    for form in ({"$duration": [0, 90, 0]}, [{"At": {"$datetime": "2026-01-01T00:00:00Z"}}]):
        typed.validate(form)
    assert not typed.is_valid([{"At": {"$datetme": "2026-01-01T00:00:00Z"}}])
    assert not typed.is_valid({"$items": [[1, {"$bites": "aGk="}]]})
    reference = {"$ref": "#/components/schemas/TypedValue"}
    for model, field in (("Start", "inputs"), ("ExecutionDetail", "inputs")):
        items = schemas[model]["properties"][field]["additionalProperties"]
        assert reference in items["anyOf"], model
    assert reference in schemas["NewSignal"]["properties"]["payload"]["anyOf"]
    assert reference in schemas["ValueAtMoment"]["properties"]["value"]["anyOf"]
    assert "x-value" not in json.dumps(schemas)
