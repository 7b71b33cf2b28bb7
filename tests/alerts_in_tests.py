"""Alert rules for tests, and their evaluation as the scheduler does it."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.utils import timezone

from executions.alerts import evaluation
from executions.alerts.registry import KINDS
from executions.models import Alert, AlertChannel, AlertRule, Delivery


def make_rule(
    kind: str,
    *,
    users: Iterable[Any] = (),
    groups: Iterable[Any] = (),
    channels: Iterable[AlertChannel] = (),
    parameters: dict[str, int] | None = None,
    **columns: Any,
) -> AlertRule:
    """A rule that has counted for a month."""
    columns.setdefault("since", timezone.now() - timedelta(days=30))
    columns.setdefault("name", f"Rule {kind}")
    given = {**KINDS[kind].defaults(), **(parameters or {})}
    rule = AlertRule.objects.create(kind=kind, parameters=given, **columns)
    rule.users.set(users)
    rule.groups.set(groups)
    rule.channels.set(channels)
    return rule


def evaluate(*, later: timedelta = timedelta()) -> None:
    """Evaluate all rules, as if everything so far had happened `later` ago."""
    if later:
        for alert in Alert.objects.all():
            for name in ("opened_at", "found_at", "told_at"):
                at = getattr(alert, name)
                setattr(alert, name, at and at - later)
            alert.save()
    AlertRule.objects.update(evaluated_at=None)
    evaluation.evaluate()
    assert not AlertRule.objects.exclude(problem="").values_list("problem", flat=True)


def steps(**of: Any) -> list[str]:
    """The steps of the messages so far."""
    return list(Delivery.objects.filter(**of).order_by("number").values_list("step", flat=True))
