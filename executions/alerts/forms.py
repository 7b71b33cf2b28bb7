"""The forms of rules and channels. A rule's form is derived from the declaration of its kind."""

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from executions import preferences
from executions.alerts.channels import chat
from executions.alerts.kind import Kind
from executions.models import AlertChannel, AlertRule
from flows.models import Flow, Folder, Label
from flows.queries import folder_paths

SCOPES = {"flow": Flow, "folder": Folder, "label": Label}
#: How the fields of parameters begin.
PARAMETER = "p-"


class RuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """What a rule of a kind is about, what its numbers are, and whom it tells."""

    scope = forms.ChoiceField(required=False)
    revision = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = AlertRule
        fields = (
            "name",
            "users",
            "groups",
            "channels",
            "quiet_from",
            "quiet_until",
            "zone",
            "repeat_minutes",
            "is_on",
        )
        widgets = {
            "quiet_from": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "quiet_until": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        }

    def __init__(self, kind: Kind, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        rule = self.instance
        for parameter in kind.parameters:
            self.fields[PARAMETER + parameter.name] = forms.IntegerField(
                label=parameter.label,
                min_value=parameter.least,
                max_value=parameter.most,
                initial=rule.parameters.get(parameter.name, parameter.default),
                help_text=parameter.help,
            )
        self._choose()
        self.fields["scope"].initial = next(
            (f"{name}:{pk}" for name in SCOPES if (pk := getattr(rule, f"{name}_id"))), ""
        )
        self.fields["revision"].initial = rule.revision

    def _choose(self) -> None:
        """Set what there is to choose from."""
        people = get_user_model()._default_manager.filter(is_active=True).order_by("username")
        self.fields["users"].queryset = people  # type: ignore[attr-defined]
        self.fields["groups"].queryset = Group.objects.order_by("name")  # type: ignore[attr-defined]
        channels = AlertChannel.objects.filter(person=None)
        self.fields["channels"].queryset = channels  # type: ignore[attr-defined]
        zones = [(zone, zone) for zone in preferences.time_zones()]
        self.fields["zone"] = forms.ChoiceField(choices=zones, initial=self.instance.zone)
        folders = sorted((ways[-1], pk) for pk, ways in folder_paths().items())
        self.fields["scope"].choices = [  # type: ignore[attr-defined]
            ("", "Everything"),
            ("Folders", [(f"folder:{pk}", way) for way, pk in folders]),
            ("Labels", [(f"label:{one.pk}", one.name) for one in Label.objects.all()]),
            (
                "Flows",
                [(f"flow:{pk}", name) for pk, name in Flow.objects.values_list("pk", "name")],
            ),
        ]

    @property
    def parameter_fields(self) -> list[forms.BoundField]:
        return [self[PARAMETER + one.name] for one in self.kind.parameters]

    def clean(self) -> dict[str, Any]:
        """Check that quiet hours have two ends."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if (given.get("quiet_from") is None) != (given.get("quiet_until") is None):
            self.add_error("quiet_until", "Give both times of the quiet hours, or none.")
        return given

    def _post_clean(self) -> None:
        """Write the fields that the model does not name as the form does."""
        given = self.cleaned_data
        rule = self.instance
        rule.kind = self.kind.name
        rule.parameters = {
            one.name: given.get(PARAMETER + one.name, one.default) for one in self.kind.parameters
        }
        what, _, pk = (given.get("scope") or "").partition(":")
        for name in SCOPES:
            is_it = self.kind.has_scope and name == what and pk.isdigit()
            setattr(rule, f"{name}_id", int(pk) if is_it else None)
        super()._post_clean()  # type: ignore[misc]


class ChannelForm(forms.ModelForm):  # type: ignore[type-arg]
    """Where a channel leads. An address that is left empty stays as it was."""

    class Meta:
        model = AlertChannel
        fields = ("name", "kind", "address", "person", "is_on")
        widgets = {"address": forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known_address = self.instance.address
        people = get_user_model()._default_manager.filter(is_active=True).order_by("username")
        self.fields["person"].queryset = people  # type: ignore[attr-defined]
        if self.instance.pk:
            del self.fields["kind"]
            self.fields["address"].required = False
        self.initial["address"] = ""  # it may hold a password

    def clean(self) -> dict[str, Any]:
        """Check that the kind of channel knows what to do with the address."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        kind = given.get("kind") or self.instance.kind
        given["address"] = given.get("address") or self.known_address
        if given["address"] and (problem := _address_problem(kind, given["address"])):
            self.add_error("address", problem)
        if given.get("person") and kind != AlertChannel.Kind.CHAT:
            self.add_error("person", "Only a chat reaches one person.")
        return given


def _address_problem(kind: str, address: str) -> str:
    if kind == AlertChannel.Kind.WEBHOOK:
        try:
            parts = urlsplit(address)
        except ValueError:
            return "This is not an address."
        return "" if parts.scheme in ("http", "https") and parts.hostname else "Write https://…"
    if not chat.is_installed():
        return "Chat is not installed: install the extra `chat`."
    if chat.is_address(address):
        return ""
    return (
        "Apprise does not know what to do with this address. Write one of its addresses, such as "
        "slack://… or mailto://…."
    )
