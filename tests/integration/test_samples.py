"""Samples of what is under way: exact when taken, once a minute, and bounded."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from executions.limits import SAMPLE_MINUTES_DAYS, SAMPLE_QUARTERS_DAYS
from executions.models import LiveSample
from executions.states import Status
from executions.statistics import samples
from executions.statistics.samples import Sample
from tests.executions_in_tests import make_execution, version_of

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def this_minute() -> datetime:
    return timezone.now().astimezone(UTC).replace(second=0, microsecond=0)


def test_a_sample_counts_what_is_under_way_by_flow_and_in_all(person: User) -> None:
    for flow, status in [
        ("a", Status.RUNNING),
        ("a", Status.RUNNING),
        ("a", Status.PAUSED),
        ("b", Status.QUEUED),
        ("b", Status.EXCEPTION),
        ("c", Status.ENDED),
    ]:
        make_execution(person, flow, status=status)
    samples.take()
    samples.take()  # the minute has its sample already
    a, b, c = (version_of(name).flow_id for name in "abc")
    at = LiveSample.objects.get(flow_id=samples.ALL).at
    cuts = [at - MINUTE, at, at + MINUTE]
    assert samples.read(cuts) == [None, Sample(2, 1, 2, at)]
    assert samples.read(cuts, [a]) == [None, Sample(2, 0, 1, at)]
    assert samples.read(cuts, [a, b]) == [None, Sample(2, 1, 2, at)]
    # Nothing of it was under way, which is not the same as that nobody looked.
    assert samples.read(cuts, [c]) == [None, Sample(0, 0, 0, at)]


def test_where_nothing_is_under_way_there_is_a_sample_of_nothing() -> None:
    samples.take()
    (sample,) = LiveSample.objects.all()
    assert (sample.flow_id, sample.running, sample.queued, sample.needs_person) == (0, 0, 0, 0)


def test_the_most_of_a_span_and_when_it_was() -> None:
    start = this_minute() - timedelta(hours=1)
    LiveSample.objects.bulk_create(
        LiveSample(flow_id=0, at=start + n * MINUTE, running=running, queued=n, needs_person=0)
        for n, running in enumerate([3, 9, 9, 1])
    )
    assert samples.read([start, start + timedelta(hours=1)]) == [Sample(9, 3, 0, start + MINUTE)]


def test_old_samples_become_the_most_of_a_quarter_and_very_old_ones_go() -> None:
    quarter = datetime.now(UTC).replace(minute=15, second=0, microsecond=0) - timedelta(
        days=SAMPLE_MINUTES_DAYS, hours=3
    )
    young, very_old = this_minute(), this_minute() - timedelta(days=SAMPLE_QUARTERS_DAYS, hours=1)
    made = [(quarter + n * MINUTE, n) for n in range(15)] + [(young, 5), (very_old, 5)]
    LiveSample.objects.bulk_create(
        LiveSample(flow_id=0, at=at, running=running, queued=0, needs_person=0)
        for at, running in made
    )
    for _ in range(2):
        samples.thin()
        kept = LiveSample.objects.order_by("at").values_list("at", "running", "is_quarter")
        assert list(kept) == [(quarter, 14, True), (young, 5, False)]
