"""Alerts: what rules have found, the rules, the channels, and the deliveries of messages."""

from datetime import datetime, time
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from ninja import Field, ModelSchema, Router, Schema
from ninja.responses import Status as Answer

from executions import audit
from executions.alerts import access, channel_setup, deliveries, rules
from executions.alerts.forms import PARAMETER, SCOPES, ChannelForm, RuleForm
from executions.alerts.registry import KINDS
from executions.api.paging import NumberedPage, PageNumber, page_of
from executions.api.problems import Problem, invalid
from executions.api.schemas import ProblemDetails
from executions.commands.actor import Actor
from executions.limits import MAX_ALERT_RULES
from executions.models import Alert, AlertChannel, AlertRule, Delivery, DeliveryAttempt
from flows import administrators
from flows.graph import Message
from flows.queries import folder_at, folder_paths

PATH = "/v1/alerts"
ROUTER = Router(tags=["Alerts"])

_CONFLICT = {HTTPStatus.CONFLICT: ProblemDetails}


class AlertOutput(ModelSchema):
    """What a rule has found."""

    rule: str
    rule_id: int
    findings: list[dict[str, Any]] = Field(description="Those that you may see.")

    class Meta:
        model = Alert
        fields = ("id", "opened_at", "closed_at", "found_at", "count", "most", "messages")

    @staticmethod
    def resolve_rule(alert: Alert) -> str:
        return alert.rule.name

    @staticmethod
    def resolve_findings(alert: Alert, context: Any) -> list[dict[str, Any]]:
        user = context["request"].user
        return [finding.as_json() for finding in access.findings(user, alert)]


class AlertRuleInput(Schema):
    """A rule: what is worth a message, of which flows, and who gets it."""

    name: str = Field(max_length=120)
    kind: str = Field(description="The name of a kind of rules.")
    parameters: dict[str, int] = Field(default_factory=dict)
    flow: str | None = Field(
        None, description="At most one of flow, folder and label; without one, all flows."
    )
    folder: str | None = Field(None, description="The path of a folder.")
    label: str | None = None
    users: list[str] = Field(default_factory=list, description="Names of accounts.")
    groups: list[str] = Field(default_factory=list)
    channels: list[str] = Field(default_factory=list)
    quiet_from: time | None = None
    quiet_until: time | None = None
    zone: str = "UTC"
    repeat_minutes: int = Field(240, ge=0, le=10_080)
    is_on: bool = True
    revision: int | None = Field(None, description="For a change: the revision that you saw.")


class AlertRuleOutput(AlertRuleInput):
    """A rule that exists."""

    id: int
    since: datetime
    sentence: str = Field(description="Its condition.")
    problem: str = Field(description="What went wrong when it was evaluated last; may be empty.")


class AlertChannelInput(Schema):
    """A webhook or a chat that messages go to."""

    name: str = Field(max_length=80)
    kind: AlertChannel.Kind = AlertChannel.Kind.WEBHOOK
    address: str = Field("", description="For a change: empty keeps it. It is never shown.")
    person: str | None = Field(None, description="The account that a chat reaches.")
    is_on: bool = True


class AlertChannelOutput(Schema):
    """A channel that exists."""

    id: int
    name: str
    kind: str
    leads_to: str = Field(description="As much of its address as may be shown.")
    person: str | None
    is_on: bool
    secret: str | None = Field(
        None, description="The secret of a webhook, shown once: when it is new."
    )


class DeliveryOutput(ModelSchema):
    """One message to one recipient by one channel."""

    class Meta:
        model = Delivery
        fields = (
            *("id", "step", "occasion", "via", "recipient", "status", "created_at", "due_at"),
            *("attempts", "sent_at", "message"),
        )


class Attempt(ModelSchema):
    """One attempt at a delivery."""

    class Meta:
        model = DeliveryAttempt
        fields = ("at", "seconds", "answer", "is_done")


class DeliveryLog(DeliveryOutput):
    """A delivery with each attempt at it."""

    log: list[Attempt]

    @staticmethod
    def resolve_log(delivery: Delivery) -> list[DeliveryAttempt]:
        return list(delivery.log.all()[:200])


@ROUTER.get("", response=NumberedPage[AlertOutput])
def list_alerts(request: HttpRequest, page: PageNumber = 1) -> dict[str, Any]:
    """List the alerts that you may see, the open ones first."""
    found = access.alerts(request.user).select_related("rule")
    return page_of(request, found.order_by("is_done", "-opened_at", "-id"), page)


# Rules --------------------------------------------------------------------------------------------


@ROUTER.get("/rules", response=list[AlertRuleOutput])
def list_alert_rules(request: HttpRequest) -> list[dict[str, Any]]:
    """List the rules."""
    if not access.sees_rules(request.user):
        raise PermissionDenied("You may not see the alert rules.")
    found = AlertRule.objects.select_related("flow", "folder", "label")
    ways = folder_paths()
    return [_rule(rule, ways) for rule in found.prefetch_related("users", "groups", "channels")]


@ROUTER.post("/rules", response=AlertRuleOutput)
def make_alert_rule(request: HttpRequest, given: AlertRuleInput) -> dict[str, Any]:
    """Make a rule. It counts from now on."""
    _require_permission(request)
    if AlertRule.objects.count() >= MAX_ALERT_RULES:
        raise Problem(HTTPStatus.FORBIDDEN, f"There are {MAX_ALERT_RULES} rules. Delete one first.")
    return _save_rule(request, AlertRule(), given)


@ROUTER.get("/rules/{int:rule_id}", response=AlertRuleOutput)
def get_alert_rule(request: HttpRequest, rule_id: int) -> dict[str, Any]:
    """Return a rule."""
    return _rule(access.get_rule_or_404(request.user, _id(rule_id)), folder_paths())


@ROUTER.put("/rules/{int:rule_id}", response={HTTPStatus.OK: AlertRuleOutput, **_CONFLICT})
def change_alert_rule(request: HttpRequest, rule_id: int, given: AlertRuleInput) -> dict[str, Any]:
    """Change a rule as a whole."""
    rule = access.get_rule_or_404(request.user, _id(rule_id))
    _require_permission(request)
    if given.kind != rule.kind:
        raise invalid(f"The kind of a rule cannot change; this one is {rule.kind}.", "kind", "kind")
    return _save_rule(request, rule, given)


@ROUTER.delete("/rules/{int:rule_id}", response={HTTPStatus.NO_CONTENT: None})
def delete_alert_rule(request: HttpRequest, rule_id: int) -> Answer[None]:
    """Delete a rule with its alerts."""
    rule = access.get_rule_or_404(request.user, _id(rule_id))
    _require_permission(request)
    rules.delete(request.user, Actor.of_request(request, "api"), rule)
    return Answer(HTTPStatus.NO_CONTENT, None)


# Channels -----------------------------------------------------------------------------------------


@ROUTER.get("/channels", response=list[AlertChannelOutput])
def list_alert_channels(request: HttpRequest) -> list[dict[str, Any]]:
    """List the channels."""
    _insist_on_channels(request)
    return [_channel(one) for one in AlertChannel.objects.select_related("person")[:500]]


@ROUTER.post("/channels", response=AlertChannelOutput)
def make_alert_channel(request: HttpRequest, given: AlertChannelInput) -> dict[str, Any]:
    """Set up a channel. The secret of a webhook is shown this once."""
    _insist_on_channels(request)
    channel = _save_channel(request, AlertChannel(), given)
    return _channel(channel, with_secret=True)


@ROUTER.put("/channels/{int:channel_id}", response=AlertChannelOutput)
def change_alert_channel(
    request: HttpRequest, channel_id: int, given: AlertChannelInput
) -> dict[str, Any]:
    """Change a channel as a whole; its kind stays."""
    channel = access.get_channel_or_404(request.user, _id(channel_id))
    return _channel(_save_channel(request, channel, given))


@ROUTER.post("/channels/{int:channel_id}/secret", response=AlertChannelOutput)
def rotate_alert_channel_secret(request: HttpRequest, channel_id: int) -> dict[str, Any]:
    """Replace the secret of a webhook. The new one is shown this once."""
    channel = access.get_channel_or_404(request.user, _id(channel_id))
    channel_setup.rotate_secret(Actor.of_request(request, "api"), channel)
    return _channel(channel, with_secret=True)


@ROUTER.post("/channels/{int:channel_id}/test", response={HTTPStatus.ACCEPTED: AlertChannelOutput})
def test_alert_channel(request: HttpRequest, channel_id: int) -> Answer[dict[str, Any]]:
    """Send a message to a channel."""
    channel = access.get_channel_or_404(request.user, _id(channel_id))
    channel_setup.send_test(Actor.of_request(request, "api"), channel)
    return Answer(HTTPStatus.ACCEPTED, _channel(channel))


@ROUTER.delete("/channels/{int:channel_id}", response={HTTPStatus.NO_CONTENT: None})
def delete_alert_channel(request: HttpRequest, channel_id: int) -> Answer[None]:
    """Delete a channel with its deliveries."""
    channel = access.get_channel_or_404(request.user, _id(channel_id))
    channel_setup.delete(Actor.of_request(request, "api"), channel)
    return Answer(HTTPStatus.NO_CONTENT, None)


# Deliveries ---------------------------------------------------------------------------------------


@ROUTER.get("/deliveries", response=NumberedPage[DeliveryOutput])
def list_deliveries(
    request: HttpRequest, status: Delivery.Status | None = None, page: PageNumber = 1
) -> dict[str, Any]:
    """List deliveries, the newest first."""
    found = _deliveries(request).order_by("-created_at", "-id")
    return page_of(request, found.filter(status=status) if status else found, page)


@ROUTER.get("/deliveries/{uuid:delivery_id}", response=DeliveryLog)
def get_delivery(request: HttpRequest, delivery_id: UUID) -> Delivery:
    """Return a delivery with each attempt at it."""
    return _delivery(request, delivery_id)


@ROUTER.post(
    "/deliveries/{uuid:delivery_id}/retry", response={HTTPStatus.OK: DeliveryLog, **_CONFLICT}
)
def retry_delivery(request: HttpRequest, delivery_id: UUID) -> Delivery:
    """Send a delivery once more, now."""
    delivery = _delivery(request, delivery_id)
    if not deliveries.try_again(delivery):
        word = delivery.get_status_display().lower()
        raise Problem(HTTPStatus.CONFLICT, f"It is {word}: there is nothing to try again.")
    actor, told = Actor.of_request(request, "api"), f"{delivery.via}: {delivery.pk}"
    audit.record(actor, "retry-delivery", subject=delivery, detail=told)
    delivery.refresh_from_db()
    return delivery


@ROUTER.get("/{int:alert_id}", response=AlertOutput)
def get_alert(request: HttpRequest, alert_id: int) -> Alert:
    """Return an alert."""
    return access.get_alert_or_404(request.user, _id(alert_id))


def _require_permission(request: HttpRequest) -> None:
    if not access.may_edit_rules(request.user):
        raise PermissionDenied(f"You may not edit alert rules. {administrators.ask()}")


def _insist_on_channels(request: HttpRequest) -> None:
    if not access.may_edit_channels(request.user):
        raise PermissionDenied(f"You may not set up channels. {administrators.ask()}")


def _id(number: int) -> int:
    """Return a number of an address as an id. Raises Http404 for one that no row can have."""
    if number >= 2**63:
        raise Http404
    return number


def _rule(rule: AlertRule, ways: dict[int, tuple[str, ...]]) -> dict[str, Any]:
    named = ("id", "name", "kind", "parameters", "quiet_from", "quiet_until", "zone", "since")
    further = ("repeat_minutes", "is_on", "revision", "problem")
    return {
        **{name: getattr(rule, name) for name in (*named, *further)},
        "flow": rule.flow.name if rule.flow else None,
        "folder": ways[rule.folder_id][-1] if rule.folder_id else None,
        "label": rule.label.name if rule.label else None,
        "users": [one.get_username() for one in rule.users.all()],
        "groups": [one.name for one in rule.groups.all()],
        "channels": [one.name for one in rule.channels.all()],
        "sentence": rules.sentence(rule),
    }


def _save_rule(request: HttpRequest, rule: AlertRule, given: AlertRuleInput) -> dict[str, Any]:
    kind = KINDS.get(given.kind)
    if kind is None:
        raise invalid(f"The kinds of rules are {', '.join(KINDS)}.", "kind", "kind")
    form = RuleForm(kind, _rule_form(given), instance=rule)
    _check(form)
    if given.revision is not None:
        rule.revision = given.revision
    recipients = {name: form.cleaned_data[name] for name in rules.RECIPIENTS}
    try:
        rules.save(request.user, Actor.of_request(request, "api"), rule, recipients)
    except rules.RuleChanged:
        raise Problem(
            HTTPStatus.CONFLICT, "Somebody else has changed this rule meanwhile. Read it again."
        ) from None
    return _rule(AlertRule.objects.get(pk=rule.pk), folder_paths())


def _rule_form(given: AlertRuleInput) -> dict[str, Any]:
    """Return what the form of a page would send."""
    fields = given.dict(exclude={"parameters", "users", "groups", "channels", *SCOPES, "revision"})
    scopes = [f"{name}:{_pk(name, text)}" for name in SCOPES if (text := getattr(given, name))]
    if len(scopes) > 1:
        raise invalid("Give a flow, a folder or a label, not several.", "flow", "flow")
    return {
        **{name: value for name, value in fields.items() if value is not None},
        **{PARAMETER + name: value for name, value in given.parameters.items()},
        "scope": scopes[0] if scopes else "",
        "users": _named(get_user_model()._default_manager.all(), "username", given.users, "users"),
        "groups": _named(Group.objects.all(), "name", given.groups, "groups"),
        "channels": _named(AlertChannel.objects.all(), "name", given.channels, "channels"),
    }


def _pk(name: str, text: str) -> int:
    if name == "folder":
        found: Any = folder_at(text)
    else:
        found = SCOPES[name]._default_manager.filter(name=text.replace("\0", "")).first()
    if found is None:
        raise invalid(f"There is no {name} {text}.", name, name)
    return int(found.pk)


def _named(rows: Any, field: str, names: list[str], location: str) -> list[int]:
    found = dict(rows.filter(**{f"{field}__in": names}).values_list(field, "pk"))
    if missing := [name for name in names if name not in found]:
        raise invalid(f"There are no {location} {', '.join(missing)}.", location, location)
    return list(found.values())


def _save_channel(
    request: HttpRequest, channel: AlertChannel, given: AlertChannelInput
) -> AlertChannel:
    fields = given.dict(exclude_none=True)
    if given.person is not None:
        people = get_user_model()._default_manager.all()
        [fields["person"]] = _named(people, "username", [given.person], "person")
    form = ChannelForm(fields, instance=channel)
    _check(form)
    return channel_setup.save(Actor.of_request(request, "api"), form)


def _channel(channel: AlertChannel, *, with_secret: bool = False) -> dict[str, Any]:
    is_webhook = channel.kind == AlertChannel.Kind.WEBHOOK
    return {
        **{name: getattr(channel, name) for name in ("id", "name", "kind", "is_on")},
        "leads_to": channel_setup.leads_to(channel.address),
        "person": channel.person.get_username() if channel.person else None,
        "secret": channel.secret if with_secret and is_webhook else None,
    }


def _check(form: RuleForm | ChannelForm) -> None:
    """Raise Problem with the messages of a form."""
    if form.is_valid():
        return
    messages = [
        Message(name.removeprefix(PARAMETER), str(text), "", (name,))
        for name, texts in form.errors.items()
        for text in texts
    ]
    told = "; ".join(f"{one.location}: {one.summary}" for one in messages[:3])
    raise Problem(HTTPStatus.BAD_REQUEST, told, messages=messages)


def _deliveries(request: HttpRequest) -> QuerySet[Delivery]:
    if not access.may_edit_rules(request.user):
        raise PermissionDenied(f"You may not see the deliveries. {administrators.ask()}")
    return Delivery.objects.select_related("user", "channel")


def _delivery(request: HttpRequest, delivery_id: UUID) -> Delivery:
    delivery = _deliveries(request).filter(pk=delivery_id).first()
    if delivery is None:
        raise Http404("This delivery does not exist.")
    return delivery
