"""The history of a demo: through the real tables and statistics, bounded, and only in a demo."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from executions.management import demo_history, demo_scenes
from executions.models import AuditEntry, Execution, FailureGroup
from executions.statistics import read, samples
from executions.statistics.spans import Span
from flows.models import Flow
from tests.executions_in_tests import make_execution

pytestmark = pytest.mark.usefixtures("examples")


@pytest.fixture
def demo(settings: Any) -> None:
    """An installation in which nobody but the demo has started anything."""
    settings.EMBEDDED = True
    person = demo_scenes.account(demo_scenes.PEOPLE[0])
    make_execution(person, "check-order")
    Execution.objects.update(trigger=Execution.Trigger.DEMO)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four days are as good as two weeks."""
    monkeypatch.setattr(demo_history, "DAYS", 4)
    monkeypatch.setattr(demo_history, "_RESOLVED_ON", 2)
    monkeypatch.setattr(demo_history, "_BACK_ON", 3)


def test_it_fills_the_tables_and_the_statistics(demo: None, few: None) -> None:
    call_command("fill_demo_history", yes=True, verbosity=0)
    written = Execution.objects.filter(trigger=Execution.Trigger.COMMAND_LINE)
    number = written.count()
    assert 1000 < number <= demo_history.MOST
    assert not written.filter(ended_at__gt=timezone.now()).exists()
    counted = read.totals(Span.last(timedelta(days=5)))
    assert counted.ended == number
    assert counted.failed == written.filter(failure__isnull=False).count() > 10
    assert len(counted.waits) == number
    groups = {group.block: group for group in FailureGroup.objects.all()}
    assert groups["no-customer"].state == FailureGroup.State.REGRESSED
    assert groups["no-customer"].count == written.filter(block="no-customer").count()
    assert groups["no-lines"].owner is not None
    told = groups["no-customer"].activity.order_by("at", "id").values_list("kind", flat=True)
    assert list(told) == ["new", "resolve", "regressed"]
    _look_at_samples(written.latest("ended_at"))
    with pytest.raises(CommandError, match="history already"):
        call_command("fill_demo_history", yes=True)


def _look_at_samples(last: Execution) -> None:
    """What was under way is there for all days, of all flows and of each one; also what was paused
    for a person, and what the last execution of the history was part of."""
    now = timezone.now()
    quarter = timedelta(minutes=15)
    cuts = [now - timedelta(days=4) + quarter * number for number in range(4 * 96 + 1)]
    known = [one for one in samples.read(cuts) if one is not None]
    assert len(known) > 0.98 * 4 * 96
    for kind in ("running", "queued", "needs_person"):
        values = [getattr(one, kind) for one in known]
        assert max(values) > min(values) == 0, kind
    assert last.ended_at is not None
    minute = last.ended_at.replace(second=0, microsecond=0)
    (found,) = samples.read([minute, minute + timedelta(minutes=1)], [last.version.flow_id])
    assert found is not None
    assert found.running >= 1


def test_the_flows_of_a_demo_have_folders_and_labels(demo: None) -> None:
    for _ in range(2):
        demo_scenes.arrange_flows()
    flows = {flow.name: flow for flow in Flow.objects.select_related("folder")}
    assert {flow.folder.name for flow in flows.values() if flow.folder} == {
        "commerce",
        "operations",
        "facilities",
    }
    assert set(flows["check-order"].labels.values_list("name", flat=True)) == {
        "production",
        "customer-facing",
    }
    moved = AuditEntry.objects.filter(command="move-flow", outcome="done", actor="ada.demo")
    assert moved.count() == len(flows)


def test_it_asks_first(demo: None) -> None:
    with pytest.raises(CommandError, match="Say --yes"):
        call_command("fill_demo_history")
    assert Execution.objects.count() == 1


def test_it_refuses_where_there_is_no_demo(
    demo: None, settings: Any, django_user_model: Any
) -> None:
    settings.EMBEDDED = False
    with pytest.raises(CommandError, match="DATABASE_URL"):
        call_command("fill_demo_history", yes=True)
    settings.EMBEDDED = True
    make_execution(django_user_model.objects.create_user("eve"))
    with pytest.raises(CommandError, match="somebody else"):
        call_command("fill_demo_history", yes=True)
    Execution.objects.all().delete()
    with pytest.raises(CommandError, match="nothing was started"):
        call_command("fill_demo_history", yes=True)


def test_it_never_writes_more_than_its_limit(
    demo: None, few: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_history, "MOST", 50)
    assert list(demo_history.fill())[-1] == 50
