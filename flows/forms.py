"""Forms for the parts of a draft. They accept what a flow file may contain."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.forms.fields import InvalidJSONInput, JSONString

from flows import parsing, value_sources
from flows.blocks import ALL, BY_TYPE
from flows.expressions import RESERVED_WORDS, ExpressionError
from flows.files.canonical import note_text, source
from flows.files.schema import FAR, KEY, LEAST_NOTE_SIZE, LONGEST_NOTE, MOST_NOTE_SIZE
from flows.files.schema_errors import unstorable
from flows.models import Block, Note, Variable, Workspace
from flows.validation.message_text import did_you_mean
from flows.values import storable


def _checked(raw: Any, name: str) -> Any:
    """A property source in its stored form. Raises ValidationError."""
    for _, problem in unstorable(raw, ()):
        raise ValidationError(storable(f"{name}: {problem}"))
    try:
        value_sources.parse(raw)
    except (ExpressionError, TypeError, ValueError) as error:
        raise ValidationError(storable(f"{name}: {error}")) from None
    return source(raw)


class SourceField(forms.JSONField):
    """A field for JSON that keeps every key and number as it is written."""

    def to_python(self, value: Any) -> Any:
        if self.disabled or not isinstance(value, str) or isinstance(value, JSONString):
            return super().to_python(value)
        if value in self.empty_values:
            return None
        try:
            found = parsing.load(value)
        except parsing.ParseError as error:
            raise ValidationError(str(error), code="invalid") from None
        return JSONString(found) if isinstance(found, str) else found

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Return the typed text unchanged, whatever is wrong with it."""
        if self.disabled:
            return initial
        return None if data is None else InvalidJSONInput(data)


class WholeNumberField(forms.IntegerField):
    """A field for a whole number as people write one: digits 0 to 9, no underscores."""

    def to_python(self, value: Any) -> int | None:
        if value in self.empty_values:
            return None
        try:
            return parsing.integer(str(value))
        except parsing.ParseError as error:
            raise ValidationError(str(error), code="invalid") from None


#: The fields of parts of a draft that are whole numbers.
WHOLE = dict.fromkeys(("x", "y", "width", "height", "order"), WholeNumberField)


#: What to do when a version is no longer a draft.
PUBLISHED = (
    "The version was published meanwhile and can no longer be changed. To continue, choose Edit as "
    "new draft in the list of versions."
)


def _is_published(workspace_id: Any) -> bool:
    """Whether a value is the id of a workspace of a published version."""
    try:
        found = Workspace.objects.filter(pk=workspace_id, version__published_at__isnull=False)
        return found.exists()
    except (TypeError, ValueError, OverflowError):
        return False


class WorkspaceField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A choice among the workspaces of all drafts."""

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except ValidationError:
            if not _is_published(value):
                raise
            raise ValidationError(PUBLISHED, code="published") from None

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.version} / {obj.key or obj.name}"


class PartForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form for a part of a draft, which does not silently overwrite the changes of others."""

    #: Why it is not saved, in sentences.
    conflicts: list[str] = []

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.conflicts:
            self.add_error(None, ValidationError(self.conflicts))
        return cleaned


class BlockForm(PartForm):
    """A block. Its key and type are fixed once saved: connections and nested blocks use them."""

    type = forms.ChoiceField(choices=[(block.type, block.type) for block in ALL])

    class Meta:
        model = Block
        field_classes = {"properties": SourceField, **WHOLE}
        fields = ("workspace", "key", "type", "description", "properties", "x", "y", "order")
        help_texts = {
            "key": "In a nested workspace, without the keys of the workspaces around it.",
            "properties": 'JSON: {"File Path": "=LogPath", "Text": "($)Text"}. A text that begins '
            "with = is an expression, ($)Name a variable.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "workspace" in self.fields:
            drafts = Workspace.objects.filter(version__published_at=None)
            self.fields["workspace"] = WorkspaceField(drafts.select_related("version__flow"))
        if "key" in self.fields:
            self.fields["key"].validators = [forms.fields.RegexField(KEY).validators[-1]]

    def clean_properties(self) -> dict[str, Any]:
        """Known names with sources that parse; outputs take variables."""
        given = self.cleaned_data["properties"] or {}
        if not isinstance(given, dict):
            raise ValidationError("Write an object: names of properties with their values.")
        kind = BY_TYPE.get(str(self.cleaned_data.get("type") or self.instance.type).casefold())
        declared = {prop.name: prop for prop in kind.properties} if kind else {}
        checked = {}
        for name, raw in given.items():
            if name not in declared:
                problem = f"There is no property '{name}'{did_you_mean(name, declared)}"
                raise ValidationError(storable(problem))
            checked[name] = _checked(raw, name)
            if declared[name].writes and not isinstance(
                value_sources.parse(raw), value_sources.Variable
            ):
                raise ValidationError(f"{name} is an output. It needs a variable: ($)Name.")
        return checked

    def clean(self) -> dict[str, Any]:
        """Put the keys of the workspaces around it before a new block's key."""
        cleaned = super().clean() or self.cleaned_data
        workspace, key = cleaned.get("workspace"), cleaned.get("key")
        if workspace and key:
            cleaned["key"] = f"{workspace.key}/{key}" if workspace.key else key
            if Block.objects.filter(version=workspace.version_id, key=cleaned["key"]).exists():
                self.add_error("key", "There is a block with this key.")
        if (cleaned.get("x") is None) != (cleaned.get("y") is None):
            self.add_error("x", "Give both x and y, or neither.")
        return cleaned


class VariableForm(forms.ModelForm):  # type: ignore[type-arg]
    """A variable; its default counts when it has one."""

    class Meta:
        model = Variable
        field_classes = {"default": SourceField, **WHOLE}
        fields = (
            "name", "type", "is_input", "is_output", "is_secret", "has_default", "default",
            "description", "order",
        )  # fmt: skip

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name in RESERVED_WORDS:
            raise ValidationError(
                f"{name} is a reserved word of the expression language. Choose another name, such "
                f"as {name.capitalize()}."
            )
        return name

    def clean_default(self) -> Any:
        return _checked(self.cleaned_data["default"], "Default")


class NoteForm(forms.ModelForm):  # type: ignore[type-arg]
    """A note. Its place and its size are given in full, or found by the layout."""

    # Browsers end lines in two characters: what counts is the text as it is kept.
    text = forms.CharField(widget=forms.Textarea(attrs={"rows": 3, "cols": 40}))

    class Meta:
        model = Note
        field_classes = WHOLE
        fields = ("text", "block", "x", "y", "width", "height", "order")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        limits = {"x": (-FAR, FAR), "y": (-FAR, FAR)}
        limits |= dict.fromkeys(("width", "height"), (LEAST_NOTE_SIZE, MOST_NOTE_SIZE))
        for name in limits.keys() & self.fields.keys():
            least, most = limits[name]
            self.fields[name].validators += [MinValueValidator(least), MaxValueValidator(most)]

    def clean_text(self) -> str:
        text = note_text(self.cleaned_data["text"])
        for _, problem in unstorable(text, ()):
            raise ValidationError(problem)
        if len(text) > LONGEST_NOTE:
            raise ValidationError(
                f"Write at most {LONGEST_NOTE:,} characters; this has {len(text):,}."
            )
        return text

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for one, other in (("x", "y"), ("width", "height")):
            half = (cleaned.get(one) is None) != (cleaned.get(other) is None)
            if half and not self.errors.keys() & {one, other}:
                self.add_error(one, f"Give both {one} and {other}, or neither.")
        return cleaned
