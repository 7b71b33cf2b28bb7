"""Who may see and edit alert rules, alerts, channels and deliveries.

People who see all executions see all alerts and rules; others see the alerts that they were told
of. Editing rules takes `executions.edit_alert_rules`, and seeing all executions. Channels are set
up by those with `executions.change_alertchannel`.
"""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404

from executions import access
from executions.access import User
from executions.alerts.kind import Finding
from executions.alerts.registry import KINDS
from executions.models import Alert, AlertChannel, AlertRule, Delivery
from flows.rights import rights_of


def sees_rules(user: User) -> bool:
    """Return whether the user may see the rules and all alerts."""
    return access.sees_all(user)


def may_edit_rules(user: User) -> bool:
    """Return whether the user may make, change and delete rules, and see the deliveries."""
    return access.sees_all(user) and rights_of(user).has("executions.edit_alert_rules")


def may_edit_channels(user: User) -> bool:
    """Return whether the user may set up channels."""
    return rights_of(user).has("executions.change_alertchannel")


def rules(user: User) -> QuerySet[AlertRule]:
    """Return the rules that the user may see."""
    return AlertRule.objects.all() if sees_rules(user) else AlertRule.objects.none()


def alerts(user: User) -> QuerySet[Alert]:
    """Return the alerts that the user may see."""
    if sees_rules(user):
        return Alert.objects.all()
    if not user.is_authenticated or not user.is_active:
        return Alert.objects.none()
    told = Delivery.objects.filter(user_id=user.pk, alert__isnull=False)
    return Alert.objects.filter(pk__in=told.values("alert"))


def get_alert_or_404(user: User, alert_id: Any) -> Alert:
    """Return an alert that the user may see. Raises Http404 when there is none."""
    alert = alerts(user).select_related("rule").filter(pk=alert_id).first()
    if alert is None:
        raise Http404("This alert does not exist, or you may not see it.")
    return alert


def findings(user: User, alert: Alert) -> list[Finding]:
    """Return what an alert has found that the user may see."""
    kept = [Finding(**finding) for finding in alert.findings]
    kind = KINDS.get(alert.rule.kind)
    return kind.visible(user, kept) if kind else []


def get_rule_or_404(user: User, rule_id: Any) -> AlertRule:
    """Return a rule that the user may see. Raises Http404 when there is none."""
    rule = rules(user).filter(pk=rule_id).first()
    if rule is None:
        raise Http404("This rule does not exist, or you may not see it.")
    return rule


def get_channel_or_404(user: User, channel_id: Any) -> AlertChannel:
    """Return a channel that the user may set up. Raises Http404 when there is none."""
    found = AlertChannel.objects.filter(pk=channel_id).first() if may_edit_channels(user) else None
    if found is None:
        raise Http404("This channel does not exist, or you may not set it up.")
    return found
