"""Evaluates the rules, again and again, and opens, changes and closes their alerts.

A rule is evaluated by one process at a time. What it finds is applied in a transaction of its own
that also inserts the deliveries: what is told and what is written down are the same.
"""

import logging
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from executions.access import sees_all
from executions.alerts import deliveries, observations
from executions.alerts.kind import NAMED, Check, Finding, Found, Round
from executions.alerts.messages import Step, alert_message
from executions.alerts.quiet_hours import quiet_until
from executions.alerts.registry import KINDS
from executions.limits import (
    ALERT_CLOSES_AFTER,
    ALERT_EVALUATED_EVERY,
    ALERT_SPREADS_AFTER,
    ALERT_STATEMENT_SECONDS,
)
from executions.models import Alert, AlertRule, Delivery

logger = logging.getLogger(__name__)
#: The number of the advisory lock of whoever writes observations.
_LOCK = 0x00A1_E270
#: Rules that are checked in one transaction.
_TOGETHER = 50
_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(%(lock)s)"
_TIMEOUT = "SELECT set_config('statement_timeout', %(timeout)s, true)"


def evaluate() -> None:
    """Evaluate all rules that are on and were not evaluated just now."""
    evaluation = Round(timezone.now())
    _observe(evaluation)
    rules = _claim(evaluation.now)
    undone = set(Alert.objects.filter(is_done=False).values_list("rule", flat=True))
    for rule, found in _checked(rules, evaluation):
        # Most rules find nothing and have nothing to close.
        if found.count or rule.pk in undone:
            _apply_to(rule, found, evaluation.now)


def _claim(now: datetime) -> list[AlertRule]:
    """Return the rules that are due, which no other process evaluates for some seconds."""
    lately = now - timedelta(seconds=ALERT_EVALUATED_EVERY / 2)
    due = AlertRule.objects.filter(is_on=True).exclude(evaluated_at__gt=lately)
    with transaction.atomic():
        rules = list(
            due.order_by("evaluated_at", "id").select_for_update(of=("self",), skip_locked=True)
        )
        AlertRule.objects.filter(pk__in=[rule.pk for rule in rules]).update(evaluated_at=now)
    return rules


def _checked(rules: list[AlertRule], evaluation: Round) -> Iterator[tuple[AlertRule, Found]]:
    """Yield what each rule finds. One that cannot be evaluated says why, and keeps no other from
    it: the transaction, which only reads, begins anew after it."""
    waiting = deque(rules)
    while waiting:
        found: list[tuple[AlertRule, Found]] = []
        rule: AlertRule | None = None
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute(_TIMEOUT, {"timeout": f"{ALERT_STATEMENT_SECONDS}s"})
                while waiting and len(found) < _TOGETHER:
                    rule = waiting.popleft()
                    found.append((rule, KINDS[rule.kind].check(Check(rule, evaluation))))
        except Exception as error:
            if rule is None:
                raise
            _note(rule, _problem(rule, error))
        for one, _ in found:
            _note(one, "")
        yield from found


def _problem(rule: AlertRule, error: Exception) -> str:
    logger.exception("The alert rule %s could not be evaluated", rule.pk, exc_info=error)
    return f"{type(error).__name__}: {error}".replace("\0", "")


def _note(rule: AlertRule, problem: str) -> None:
    """Write down why a rule could not be evaluated, or that it can be again."""
    if rule.problem != problem:
        rule.problem = problem
        AlertRule.objects.filter(pk=rule.pk).update(problem=problem)


def _observe(evaluation: Round) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_TRY_LOCK, {"lock": _LOCK})
        if cursor.fetchone()[0]:
            observations.observe(evaluation)


def _apply_to(checked: AlertRule, found: Found, now: datetime) -> None:
    """Apply what a rule has found, unless it was changed or switched off meanwhile."""
    try:
        with transaction.atomic():
            same = AlertRule.objects.filter(pk=checked.pk, is_on=True, since=checked.since)
            rule = same.select_for_update(of=("self",)).first()
            if rule is not None:
                _apply(rule, found, now)
    except Exception as error:
        _note(checked, _problem(checked, error))


def _apply(rule: AlertRule, found: Found, now: datetime) -> None:
    """Open, change or close the alert of a rule, and tell of it."""
    undone = list(Alert.objects.filter(rule=rule, is_done=False).order_by("id"))
    current = next((alert for alert in undone if alert.closed_at is None), None)
    if current is None and found.count:
        current = Alert(rule=rule, opened_at=now, found_at=now)
        undone.append(current)
    for alert in undone:
        alert.rule = rule
    if current is not None:
        _update(current, found, now)
    quiet = quiet_until(now, rule.quiet_from, rule.quiet_until, rule.zone)
    for alert in undone:
        _write_message(alert, found, now, is_quiet=quiet is not None)


def _update(alert: Alert, found: Found, now: datetime) -> None:
    if found.count:
        alert.found_at = now
        alert.findings = [finding.as_json() for finding in found.findings[:NAMED]]
        alert.most = max(alert.most, found.count)
    elif now - alert.found_at >= timedelta(seconds=ALERT_CLOSES_AFTER):
        alert.closed_at = now
    alert.count = found.count
    alert.save()


def _write_message(alert: Alert, found: Found, now: datetime, *, is_quiet: bool) -> None:
    """Write the message about an alert whose time has come."""
    step = _step(alert, found, now)
    if alert.closed_at is not None and alert.told_at is None:
        alert.is_done = True  # it came and went in quiet hours
    elif step and not is_quiet:
        alert.told_at, alert.messages = now, alert.messages + 1
        groups = {finding.group for finding in found.findings}
        alert.told_groups = sorted({*alert.told_groups, *groups})
        alert.is_done = step == Step.CLOSED
        deliveries.write(_deliveries(alert, step, found, now))
    else:
        return
    alert.save()


def _step(alert: Alert, found: Found, now: datetime) -> str:
    """Return which message it is time for; empty for none."""
    if alert.closed_at is not None:
        return Step.CLOSED
    if alert.told_at is None:
        return Step.OPENED
    if not found.count:
        return ""
    since = now - alert.told_at
    has_spread = any(one.group not in alert.told_groups for one in found.findings)
    if has_spread and since >= timedelta(seconds=ALERT_SPREADS_AFTER):
        return Step.SPREAD
    repeat = timedelta(minutes=alert.rule.repeat_minutes)
    return Step.LASTS if repeat and since >= repeat else ""


def _deliveries(alert: Alert, step: str, found: Found, now: datetime) -> Iterator[Delivery]:
    """Yield the deliveries of a message: each person is told of what they may see."""
    rule, kind = alert.rule, KINDS[alert.rule.kind]
    about = {"alert": alert, "step": step, "number": alert.messages, "occasion": rule.kind}
    told = set(
        Delivery.objects.filter(alert=alert, user__isnull=False).values_list("user", flat=True)
    )
    for user in recipients(rule):
        seen: list[Finding] = kind.visible(user, found.findings)
        if user.pk in told if step == Step.CLOSED else seen:
            count = found.count if sees_all(user) else len(seen)
            yield from deliveries.to_person(
                user, alert_message(alert, step, seen, count), now, **about
            )
    for channel in rule.channels.filter(is_on=True):
        message = alert_message(alert, step, found.findings, found.count)
        yield deliveries.to_channel(channel, message, now, **about)


def recipients(rule: AlertRule) -> list[AbstractUser]:
    """Return the active people to whom a rule's messages go, each once."""
    people = get_user_model()._default_manager.filter(is_active=True)
    return list(
        people.filter(Q(pk__in=rule.users.values("pk")) | Q(groups__in=rule.groups.values("pk")))
        .select_related("preferences")
        .distinct()
        .order_by("pk")
    )
