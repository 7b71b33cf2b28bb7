"""Every operation of the API as each role, with what its document allows and what it does not: no
answer is a server error, and none is missing from the document."""

import re
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.stateful import run_state_machine_as_test

from executions.models import Execution
from executions.states import Status
from flows.models import Grant
from flows.roles import Role
from tests.executions_in_tests import make_execution
from tests.flows_in_tests import SQUARE, SQUARE_VARIABLES, publish

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]

#: How the messages of pydantic begin, which are for programmers.
FOREIGN = re.compile("Input should|Field required|Value error|(String|List|Dictionary) should")


def in_our_words(context: Any, response: Any, case: Any) -> None:
    """A refusal is in the words of the product."""
    assert not FOREIGN.search(response.text), response.text


def checks() -> list[Any]:
    """What holds of every answer. Schemathesis takes a second to load: only where it is used."""
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    return [
        in_our_words,
        not_a_server_error,
        status_code_conformance,
        content_type_conformance,
        response_schema_conformance,
    ]


#: Those that answer until the client leaves: tests/integration/test_api_events.py.
STREAMS = "/events$"
QUICK = settings(
    max_examples=2,
    stateful_step_count=4,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(autouse=True)
def one_transaction() -> Iterator[None]:
    """All requests of a test come in its transaction, as those of Django's client do."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def there(tmp_path: Path) -> list[Execution]:
    """What operations can be about: a flow, and executions of it."""
    publish(tmp_path, "square", SQUARE, SQUARE_VARIABLES)
    grace = User.objects.create_user("grace")
    return [
        make_execution(grace, flow="square", status=status)
        for status in (Status.RUNNING, Status.PAUSED, Status.ENDED, Status.ERROR)
    ]


def document_of(mode: str) -> Any:
    import schemathesis

    config = schemathesis.config.SchemathesisConfig()
    config.projects.default.generation.update(modes=[schemathesis.GenerationMode(mode)])
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", WSGIHandler(), config=config)
    return schema.exclude(path_regex=STREAMS)


def header(role: str) -> dict[str, str]:
    """The name and the password of somebody who has a role on every flow."""
    # The handler would compress answers, which its client does not undo.
    plain = {"Accept-Encoding": "identity"}
    if role == "nobody":
        return plain
    user = User.objects.create_user("ada", password="right horse")
    if role == "superuser":
        User.objects.filter(pk=user.pk).update(is_superuser=True)
    elif role != "stranger":
        Grant.objects.create(user=user, role=Role[role])
    return {**plain, "Authorization": f"Basic {b64encode(b'ada:right horse').decode()}"}


@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_each_operation(there: list[Execution], mode: str) -> None:
    from schemathesis import GenerationMode
    from schemathesis.core.failures import FailureGroup

    headers = header("superuser")
    failed = []
    for found in document_of(mode).get_all_operations():
        operation = found.ok()

        @given(case=operation.as_strategy(generation_mode=GenerationMode(mode)))
        @QUICK
        def ask(case: Any) -> None:
            case.call_and_validate(checks=checks(), headers=headers)

        try:
            ask()
        except FailureGroup as group:
            failed.append(f"{operation.label}: {group.exceptions}")
    assert failed == []


@pytest.mark.parametrize("role", ["nobody", "stranger", *Role.names, "superuser"])
def test_each_role(there: list[Execution], role: str) -> None:
    """Operations one after the other: later ones are about what earlier ones have answered."""
    headers = header(role)

    class Workflow(document_of("positive").as_state_machine()):  # type: ignore[misc]
        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": headers}

        def validate_response(self, response: Any, case: Any, **kwargs: Any) -> None:
            case.validate_response(response, checks=checks())

    run_state_machine_as_test(Workflow, settings=QUICK)
