"""A filter means the same to the database, to an event, and in an address."""

from typing import Any
from uuid import UUID

import pytest
from django.http import QueryDict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from executions.grid.filters import Filters
from executions.grid.page import read
from executions.models import Execution
from executions.states import Status
from tests.executions_in_tests import make_execution, version_of

#: Letters whose cases are strange, LIKE's and regular expressions' signs, and digits of ids.
ALPHABET = "aAbBéÉßiIİñ%_\\.*'\"<0f- "
words = st.text(alphabet=ALPHABET, max_size=6)
ids = st.uuids(version=4) | st.just(UUID("0abcf000-0000-7000-8000-00000000000f"))


@st.composite
def executions(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "id": draw(ids),
        "status": draw(st.sampled_from(Status)),
        "flow": draw(st.sampled_from(["orders", "Orders", "stock"])),
        "block_description": draw(words),
        "workspace_name": draw(words),
        "error_type": draw(words),
        "error_message": draw(words),
    }


filters = st.builds(
    Filters,
    statuses=st.frozensets(st.sampled_from(Status), max_size=3),
    flow=st.sampled_from(["", "", "orders", "stock", "gone"]),
    search=words.map(str.strip) | ids.map(str) | ids.map(lambda one: str(one)[:7]),
)


class FilterMeaning(TestCase):
    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(executions(), min_size=1, max_size=6, unique_by=lambda e: e["id"]), filters)
    def test_matcher_and_database_agree(
        self, columns: list[dict[str, Any]], wanted: Filters
    ) -> None:
        version = version_of("orders")
        for one in columns:
            make_execution(None, version=version, **one)
        everything = {event.id for event in read(Execution.objects.all()) if wanted.matches(event)}
        found = {str(one.pk) for one in Execution.objects.filter(wanted.condition())}
        assert everything == found

    @settings(deadline=None)
    @given(filters)
    def test_an_address_brings_the_filters_back(self, wanted: Filters) -> None:
        address = QueryDict(mutable=True)
        for name, value in wanted.parameters():
            address.appendlist(name, value)
        assert Filters.parse(address) == wanted


@pytest.mark.parametrize(
    "address", ["status=Nonsense", "flow=%00", "q=%00%00", "unknown=1", "status=", ""]
)
def test_what_cannot_be_read_counts_for_nothing(address: str) -> None:
    assert not Filters.parse(QueryDict(address)).are_active


def test_every_beginning_of_an_id_finds_it(admin_user: Any) -> None:
    execution = make_execution(admin_user)
    text = str(execution.pk)
    for length in range(4, len(text) + 1):
        wanted = Filters(search=text[:length].upper())
        assert Execution.objects.filter(wanted.condition()).exists(), text[:length]
