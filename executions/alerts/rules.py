"""Making, changing and deleting rules, and how often one would have fired."""

from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from executions import audit
from executions.access import User
from executions.alerts import access
from executions.alerts.kind import Check, Interval, Round, merge_intervals
from executions.alerts.registry import KINDS
from executions.audit.states import State, state_of
from executions.commands.actor import Actor
from executions.limits import ALERT_STATEMENT_SECONDS
from executions.models import Alert, AlertRule

_TIMEOUT = "SELECT set_config('statement_timeout', %(timeout)s, true)"
#: Columns that a form of a rule may change.
FIELDS = (
    "name",
    "parameters",
    "flow",
    "folder",
    "label",
    "quiet_from",
    "quiet_until",
    "zone",
    "repeat_minutes",
    "is_on",
)
RECIPIENTS = ("users", "groups", "channels")


class RuleChanged(Exception):
    """Somebody else has changed the rule since its form was shown."""


def save(user: User, actor: Actor, rule: AlertRule, recipients: dict[str, Any]) -> None:
    """Insert or update a rule with what a form says. It counts from now on. Raises RuleChanged."""
    _require_permission(user)
    is_new = rule.pk is None
    with transaction.atomic():
        before = None if is_new else _state(AlertRule.objects.get(pk=rule.pk))
        rule.since = timezone.now()
        if is_new:
            rule.created_by_id = actor.user_id
            rule.save()
        else:
            unchanged = AlertRule.objects.filter(pk=rule.pk, revision=rule.revision)
            if not unchanged.update(revision=F("revision") + 1):
                raise RuleChanged
            rule.revision += 1
            rule.problem = ""
            rule.save(update_fields=[*FIELDS, "since", "problem"])
        for name in RECIPIENTS:
            getattr(rule, name).set(recipients[name])
        if not rule.is_on:
            _close(rule)
        audit.record(
            actor,
            "make-alert-rule" if is_new else "change-alert-rule",
            subject=rule,
            before=before,
            after=_state(rule),
            detail=describe(rule),
        )


def delete(user: User, actor: Actor, rule: AlertRule) -> None:
    """Delete a rule with its alerts."""
    _require_permission(user)
    with transaction.atomic():
        audit.record(
            actor,
            "delete-alert-rule",
            subject=rule,
            before=_state(rule),
            detail=describe(rule),
        )
        rule.delete()


def _require_permission(user: User) -> None:
    if not access.may_edit_rules(user):
        raise PermissionError("may not edit alert rules")


def _state(rule: AlertRule) -> State:
    """Return the fields of a rule that a form sets."""
    return {name: value for name, value in state_of(rule).items() if name in (*FIELDS, *RECIPIENTS)}


def _close(rule: AlertRule) -> None:
    """End the open alert of a rule that is switched off. Nobody is told."""
    now = timezone.now()
    Alert.objects.filter(rule=rule, closed_at=None).update(closed_at=now, count=0)
    Alert.objects.filter(rule=rule, is_done=False).update(is_done=True)


def describe(rule: AlertRule) -> str:
    """Return a rule as a sentence, for the audit trail."""
    told = [str(one) for name in RECIPIENTS for one in getattr(rule, name).all()]
    to = ", ".join(told) or "nobody"
    state = "" if rule.is_on else " It is off."
    return f"{rule.name}: {sentence(rule)}, {scope(rule)}. It tells {to}.{state}"


def sentence(rule: AlertRule) -> str:
    """Return the condition of a rule."""
    kind = KINDS.get(rule.kind)
    return kind.sentence(rule.parameters) if kind else f"an unknown kind, {rule.kind}"


def scope(rule: AlertRule) -> str:
    """Return which flows a rule is about."""
    if rule.flow is not None:
        return f"of the flow {rule.flow}"
    if rule.folder is not None:
        return f"of the folder {rule.folder}"
    if rule.label is not None:
        return f"of the label {rule.label}"
    return "everywhere"


def would_have_fired(rule: AlertRule, now: datetime) -> list[Interval]:
    """Return when, in the last days, there would have been an alert. Raises OperationalError when
    that takes too long."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_TIMEOUT, {"timeout": f"{ALERT_STATEMENT_SECONDS}s"})
        return merge_intervals(KINDS[rule.kind].history(Check(rule, Round(now))), now)
