"""Fixtures that several integration tests share."""

import pytest

from flows.models import FlowVersion
from flows.publish import save_draft
from tests.integration.test_publish import ORDERS


@pytest.fixture
def draft() -> FlowVersion:
    """A draft of the Orders flow."""
    return save_draft(ORDERS).version
