"""The form of a schedule: its fields, and the inputs of its flow as values or expressions."""

import json
import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from executions.forms import read_value
from executions.models import Schedule
from executions.preferences import is_time_zone
from executions.schedules import cron, excluded, inputs
from flows import parsing, value_sources, values
from flows.expressions import ExpressionError
from flows.graph import FlowGraph, VariableNode
from flows.models import Flow, FlowVersion
from flows.validation import check_inputs

PREFIX, SOURCE = "input-", "source-"
#: Seconds of grace that the form offers.
GRACE = {
    60: "1 min",
    300: "5 min",
    900: "15 min",
    3600: "1 h",
    14_400: "4 h",
    43_200: "12 h",
    86_400: "1 day",
}
#: Expressions that the simple choice offers.
SIMPLE = {
    "*/5 * * * *": "Every 5 minutes",
    "*/15 * * * *": "Every 15 minutes",
    "0 * * * *": "Every hour",
    "0 2 * * *": "Every day at 02:00",
    "0 8 * * 1-5": "Monday to Friday at 08:00",
    "0 8 * * 1": "Every Monday at 08:00",
    "0 6 1 * *": "On the first day of the month at 06:00",
    "0 20 L * *": "On the last day of the month at 20:00",
}
_MOST_DAYS = 1_000


@dataclass(slots=True)
class Input:
    """An input of the flow, what is typed for it, and what is wrong with that."""

    variable: VariableNode
    text: str
    is_expression: bool
    is_kept: bool
    error: str = ""

    @property
    def name(self) -> str:
        return PREFIX + self.variable.name

    @property
    def source_name(self) -> str:
        return SOURCE + self.variable.name


class _VersionField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: FlowVersion) -> str:
        return f"v{obj.number}"


class ScheduleForm(forms.ModelForm):  # type: ignore[type-arg]
    """A schedule of a flow. After `is_valid`, the instance holds what was typed."""

    days = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}))
    calendar_file = forms.FileField(required=False, allow_empty_file=True)
    no_calendar = forms.BooleanField(required=False)
    revision = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Schedule
        fields = (
            "name",
            "description",
            "version",
            "cron",
            "zone",
            "starts_on",
            "ends_on",
            "jitter_seconds",
            "overlap",
            "misfire",
            "grace_seconds",
        )
        widgets = {
            "cron": forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
            "description": forms.Textarea(attrs={"rows": 2}),
            "starts_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "ends_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "overlap": forms.RadioSelect,
            "misfire": forms.RadioSelect,
            "grace_seconds": forms.Select(choices=list(GRACE.items())),
        }

    def __init__(self, graph: FlowGraph | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.graph = graph
        flow: Flow = self.instance.flow
        published = FlowVersion.objects.filter(flow=flow, published_at__isnull=False)
        self.fields["version"] = _VersionField(
            published.order_by("-number"), required=False, empty_label="The newest"
        )
        grace = self.instance.grace_seconds
        if grace not in GRACE:
            told = f"{grace:,} s"
            self.fields["grace_seconds"].widget.choices = [*GRACE.items(), (grace, told)]
        self.fields["jitter_seconds"].required = False
        self.initial.setdefault("days", "\n".join(map(str, self.instance.excluded_days)))
        self.initial["revision"] = self.instance.revision
        self.inputs = [self._input(one) for one in graph.inputs] if graph else []

    def _input(self, variable: VariableNode) -> Input:
        stored, secret = self.instance.inputs, self.instance.secret_inputs or {}
        is_kept = variable.name in secret
        if self.is_bound:
            text = str(self.data.get(PREFIX + variable.name, ""))
            is_expression = self.data.get(SOURCE + variable.name) == "expression"
            return Input(variable, text, is_expression, is_kept)
        if variable.is_secret or variable.name not in stored:
            return Input(variable, "", False, is_kept)
        raw = stored[variable.name]
        if isinstance(raw, str) and raw.startswith("="):
            return Input(variable, raw[1:].strip(), True, False)
        return Input(variable, _typed(variable, raw), False, False)

    def clean_cron(self) -> str:
        text = " ".join(self.cleaned_data["cron"].split())
        try:
            cron.parse(text)
        except cron.CronError as error:
            raise ValidationError(str(error)) from None
        return text

    def clean_zone(self) -> str:
        zone: str = self.cleaned_data["zone"]
        if not is_time_zone(zone):
            raise ValidationError("There is no such time zone. Write one such as Europe/Stockholm.")
        return zone

    def clean_jitter_seconds(self) -> int:
        return self.cleaned_data["jitter_seconds"] or 0

    def clean_days(self) -> list[date]:
        found = set()
        for text in re.split(r"[\s,;]+", self.cleaned_data["days"].strip()):
            try:
                if text:
                    found.add(date.fromisoformat(text))
            except ValueError:
                raise ValidationError(f"“{text}” is no date. Write 2026-12-24.") from None
        if len(found) > _MOST_DAYS:
            raise ValidationError(f"These are more than {_MOST_DAYS:,} days.")
        return sorted(found)

    def clean_calendar_file(self) -> Any:
        file = self.cleaned_data["calendar_file"]
        if file is None:
            return None
        if (file.size or 0) > excluded.LARGEST:
            raise ValidationError(f"The file is larger than {excluded.LARGEST:,} bytes.")
        try:
            text = file.read().decode("utf-8-sig").replace("\0", "")
            excluded.check(text)
        except UnicodeDecodeError:
            raise ValidationError("The file is not UTF-8 text.") from None
        except excluded.CalendarError as error:
            raise ValidationError(str(error)) from None
        self.instance.calendar, self.instance.calendar_name = text, str(file.name)[:120]
        return file

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        starts, ends = cleaned.get("starts_on"), cleaned.get("ends_on")
        if starts and ends and ends < starts:
            self.add_error("ends_on", "The last day comes before the first.")
        if "days" in cleaned:
            self.instance.excluded_days = cleaned["days"]
        if cleaned.get("no_calendar") and not cleaned.get("calendar_file"):
            self.instance.calendar = self.instance.calendar_name = ""
        self._clean_inputs()
        return cleaned

    def _clean_inputs(self) -> None:
        sources: dict[str, Any] = {}
        secret = dict(self.instance.secret_inputs or {})
        names = {one.variable.name for one in self.inputs if one.variable.is_secret}
        secret = {name: raw for name, raw in secret.items() if name in names}
        for one in self.inputs:
            if not one.text.strip() and not (one.variable.type == "Text" and one.text):
                continue
            try:
                raw = _source(one)
            except (parsing.ParseError, ExpressionError, ValueError) as error:
                told = f"This cannot be read as {one.variable.type or 'JSON'}."
                one.error = told if one.variable.is_secret else str(error)
                continue
            (secret if one.variable.is_secret else sources)[one.variable.name] = raw
        self.instance.inputs, self.instance.secret_inputs = sources, secret
        if self.graph is not None and not any(one.error for one in self.inputs):
            self._try(self.graph, {**sources, **secret})
        if any(one.error for one in self.inputs):
            self.add_error(None, ValidationError("Some inputs do not fit.", code="inputs"))

    def _try(self, graph: FlowGraph, sources: dict[str, Any]) -> None:
        """Evaluate the inputs as a start now would, so that what cannot work is told at once."""
        now = timezone.now()
        tried = {"now": now, "due": now, "last": now, "schedule": self.instance.name}
        try:
            found = check_inputs(graph, inputs.evaluate_sources(sources, tried))
        except inputs.InvalidInputs as problem:
            found = problem.messages
        by_name = {one.variable.name: one for one in self.inputs}
        for message in found:
            name = str(message.path[1]) if len(message.path) > 1 else ""
            if name in by_name:
                by_name[name].error = f"{message.summary} {message.details}".strip()


def _source(one: Input) -> Any:
    """Return the source that is typed for an input, as flow files write it."""
    text = one.text.strip()
    if one.is_expression:
        raw = "=" + text.removeprefix("=").strip()
        value_sources.parse(raw)
        return raw
    return _literal(values.encode(read_value(one.variable, one.text)))


def _literal(form: Any) -> Any:
    """Return a value in its typed JSON form as a source that stands for nothing else."""
    if isinstance(form, str):
        return "\\" + form if form.startswith(("=", "\\", "($)")) else form
    if isinstance(form, list):
        return [_literal(item) for item in form]
    if isinstance(form, dict) and not any(name.startswith("$") for name in form):
        return {name: _literal(item) for name, item in form.items()}
    return form


def _typed(variable: VariableNode, raw: Any) -> str:
    """Return what is typed for a value that is stored."""
    try:
        value = value_sources.evaluate_constant_here(value_sources.parse(raw))
    except (ExpressionError, KeyError, ValueError):
        return json.dumps(raw, ensure_ascii=False)
    if isinstance(value, str):
        return value or '""'
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    return json.dumps(values.encode(value), ensure_ascii=False)
