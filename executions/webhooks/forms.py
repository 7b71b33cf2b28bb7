"""The forms of webhooks and chains, and of the sample on which a webhook is tried."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse_lazy

from executions.limits import WEBHOOK_BYTES_KEPT
from executions.models import Chain, Webhook
from executions.webhooks import chains, requests
from executions.webhooks.mapping import MappingProblem, problems_of, require_names
from executions.webhooks.requests import Received
from flows.graph import FlowGraph, VariableNode

#: How the fields of input variables begin.
PREFIX = "input-"
#: Characters of a value that is typed.
_LONGEST = 100_000
_EXPRESSION = {
    "rows": 2,
    "spellcheck": "false",
    "class": "input code",
    "data-functions": reverse_lazy("function-completions"),
}


class InputsForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form with a field for each input variable of the flow that is started: a value, or an
    expression. A secret value is not shown again; an empty field leaves it as it is."""

    revision = forms.IntegerField(required=False, widget=forms.HiddenInput)
    #: The names that expressions may read.
    names: Iterable[str] = ()
    #: The fields that are expressions.
    expressions: tuple[str, ...] = ()

    def __init__(self, graph: FlowGraph | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.graph = graph
        self.variables: list[VariableNode] = list(graph.inputs) if graph else []
        for variable in self.variables:
            self.fields[PREFIX + variable.name] = _field(variable, self.instance)

    @property
    def inputs(self) -> list[tuple[VariableNode, forms.BoundField]]:
        """The fields of the input variables, in their order."""
        return [(variable, self[PREFIX + variable.name]) for variable in self.variables]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name in self.expressions:
            if text := cleaned.get(name, "").strip():
                try:
                    require_names(text, self.names)
                except MappingProblem as problem:
                    self.add_error(name, str(problem))
        if self.graph is not None:
            sources = {
                one.name: text
                for one in self.variables
                if (text := cleaned.get(PREFIX + one.name, "")).strip()
            }
            for name, told in problems_of(self.graph, sources, self.names).items():
                self.add_error(PREFIX + name, told)
            self._take(sources)
        return cleaned

    def _take(self, sources: Mapping[str, str]) -> None:
        """Give the row its sources: those of secret variables apart, and those as they were whose
        field is empty."""
        secret = {one.name for one in self.variables if one.is_secret}
        kept = {n: text for n, text in self.instance.secret_inputs.items() if n in secret}
        self.instance.inputs = {n: text for n, text in sources.items() if n not in secret}
        self.instance.secret_inputs = kept | {n: t for n, t in sources.items() if n in secret}


def _field(variable: VariableNode, row: Webhook | Chain) -> forms.CharField:
    text = {**row.inputs, **row.secret_inputs}.get(variable.name, "")
    is_hidden = variable.is_secret and text != "" and not text.startswith("=")
    return forms.CharField(
        label=variable.name,
        required=False,
        strip=False,
        max_length=_LONGEST,
        initial="" if is_hidden else text,
        widget=forms.Textarea({**_EXPRESSION, "rows": 1, "data-functions-after": "="}),
        help_text="A secret value is stored. Leave this empty to keep it." if is_hidden else "",
    )


class WebhookForm(InputsForm):
    """What a webhook takes, what it starts, and how it answers."""

    names = requests.NAMES
    expressions = ("condition", "message_id")

    class Meta:
        model = Webhook
        fields = (
            "name",
            "scheme",
            "token_header",
            "condition",
            "message_id",
            "answer",
            "wait_seconds",
            "requests_a_minute",
            "is_on",
        )
        widgets = {
            "condition": forms.Textarea(_EXPRESSION),
            "message_id": forms.Textarea({**_EXPRESSION, "rows": 1}),
        }
        labels = {
            "scheme": "Signed by",
            "token_header": "Header of the token",
            "message_id": "Id of a message",
            "wait_seconds": "Wait up to (seconds)",
            "requests_a_minute": "Requests a minute",
            "is_on": "On",
        }
        help_texts = {
            "token_header": "Only for a token. Authorization takes it as Bearer.",
            "condition": 'An expression, such as body.action == "opened". Empty: every request.',
            "message_id": "An expression, such as body.id. Empty: the header that says so.",
            "wait_seconds": "Only with the outputs. After that the answer has the id.",
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        flow, name = self.instance.flow, cleaned.get("name", "")
        same = Webhook.objects.filter(flow=flow, name__iexact=name).exclude(pk=self.instance.pk)
        if same.exists():
            self.add_error("name", "The flow has a webhook of this name already.")
        return cleaned


class ChainForm(InputsForm):
    """Which ends start something, and with which inputs."""

    names = chains.NAMES
    expressions = ("condition",)

    class Meta:
        model = Chain
        fields = ("when", "condition", "is_on")
        widgets = {"condition": forms.Textarea(_EXPRESSION)}
        labels = {"is_on": "On"}
        help_texts = {
            "condition": "An expression, such as outputs.Count > 0. Empty: every such end.",
        }


class SampleForm(forms.Form):
    """A request on which the expressions of a webhook are tried."""

    sample_headers = forms.CharField(
        label="Headers",
        required=False,
        max_length=20_000,
        initial="content-type: application/json",
        widget=forms.Textarea({"rows": 3, "spellcheck": "false", "class": "input code"}),
    )
    sample_query = forms.CharField(
        label="Query",
        required=False,
        max_length=4_000,
        widget=forms.TextInput({"spellcheck": "false", "class": "input code"}),
    )
    sample_body = forms.CharField(
        label="Body",
        required=False,
        strip=False,
        max_length=WEBHOOK_BYTES_KEPT,
        initial='{\n  "id": "1001",\n  "items": ["a", "b"]\n}',
        widget=forms.Textarea({"rows": 8, "spellcheck": "false", "class": "input code"}),
    )

    def received(self, now: datetime) -> Received:
        """Return the request. Raises ValidationError."""
        headers = {}
        for line in self.cleaned_data["sample_headers"].splitlines():
            name, colon, text = line.partition(":")
            if line.strip() and not colon:
                raise ValidationError("Write each header on a line of its own, as name: value.")
            if colon:
                headers[name.strip().lower()] = text.strip()
        return Received(
            at=now,
            headers=headers,
            query=self.cleaned_data["sample_query"].removeprefix("?"),
            body=self.cleaned_data["sample_body"].encode(),
        )

    @classmethod
    def of_kept(cls, received: Received) -> dict[str, str]:
        """Return the initial values for a request that was kept."""
        lines = [f"{name}: {text}" for name, text in received.headers.items()]
        return {
            "sample_headers": "\n".join(lines),
            "sample_query": received.query,
            "sample_body": received.body.decode("utf-8", "replace"),
        }
