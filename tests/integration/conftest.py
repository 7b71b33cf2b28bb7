"""Fixtures that several integration tests share."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User

from flows.models import FlowVersion
from flows.publish import save_draft
from tests.debugging import NESTED, NESTED_VARIABLES, Session
from tests.flows_in_tests import (
    LOOP,
    LOOP_VARIABLES,
    PARENT,
    PARENT_VARIABLES,
    SQUARE,
    SQUARE_VARIABLES,
    WAIT,
    WAIT_VARIABLES,
    publish,
)
from tests.integration.test_publish import ORDERS


@pytest.fixture
def draft() -> FlowVersion:
    """A draft of the Orders flow."""
    return save_draft(ORDERS).version


@pytest.fixture
def person() -> User:
    return User.objects.create_user("ada")


@pytest.fixture
def loop(tmp_path: Path) -> FlowVersion:
    return publish(tmp_path, "loop", LOOP, LOOP_VARIABLES)


@pytest.fixture
def nap(tmp_path: Path) -> FlowVersion:
    return publish(tmp_path, "nap", WAIT, WAIT_VARIABLES)


@pytest.fixture
def nested(tmp_path: Path) -> FlowVersion:
    """Two nested workspaces, and an exception in the inner one."""
    return publish(tmp_path, "nested", NESTED, NESTED_VARIABLES)


@pytest.fixture
def parent(tmp_path: Path) -> FlowVersion:
    """A flow that runs another as its child."""
    publish(tmp_path, "square", SQUARE, SQUARE_VARIABLES)
    return publish(tmp_path, "parent", PARENT, PARENT_VARIABLES)


@pytest.fixture
def ada(admin_user: User) -> Session:
    """An administrator who debugs."""
    return Session(admin_user)
