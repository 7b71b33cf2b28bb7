"""Wait states: each block's request leads to one, and each is told of in words."""

from collections.abc import Iterator
from importlib import import_module

import pytest

from executions.appearance import REASON_TEXTS
from executions.states import Reason
from executions.wait_states import registry
from flows.blocks.requests import BlockRequest


def leaves(base: type[BlockRequest]) -> Iterator[type[BlockRequest]]:
    """The requests that blocks make, below a class of them."""
    below = base.__subclasses__()
    yield from (leaf for sub in below for leaf in leaves(sub))
    if not below:
        yield base


#: Without the classes that `dataclass` has replaced by those with slots.
REQUESTS = [
    one
    for one in leaves(BlockRequest)
    if getattr(import_module(one.__module__), one.__name__) is one
]


@pytest.mark.parametrize("request_type", REQUESTS)
def test_every_request_leads_to_a_wait_state(request_type: type[BlockRequest]) -> None:
    request = object.__new__(request_type)
    assert isinstance(request, registry.of_request(request).request)


def test_each_is_found_again_by_what_is_stored_of_it() -> None:
    for one in registry.WAIT_STATES:
        assert registry.of_waits({"for": one.name}) is one
        assert one.reason in REASON_TEXTS


def test_every_reason_to_hold_no_worker_is_that_of_one() -> None:
    """The limit of workers keeps Queued executions waiting, before any of their blocks."""
    reasons = {one.reason for one in registry.WAIT_STATES}
    assert reasons == set(Reason) - {Reason.NONE, Reason.LIMIT}
