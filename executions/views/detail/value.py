"""One value on the page of an execution: a variable, an input, an output, or a part of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from executions.commands.refusals import refusal
from executions.commands.registry import COMMANDS
from executions.engine.program import EXTENSIONS
from executions.grid.table.links import value_address
from executions.store import history
from executions.store.history import Availability, ExecutionAt
from executions.store.lifecycle import initiators
from executions.store.read import task_states, value_parts
from executions.views.detail.subject import Subject
from flows import pretty_json, value_paths, values
from flows.collapsible_json import ITEMS, JsonPage, Outline, Slice, render_page
from flows.value_diff import ABSENT

#: The variable that every flow has (semantics 30); what it holds is loaded when asked for.
BUILT_IN = "_executionContext"
#: The scopes beside those of the tokens: inputs and outputs.
INPUTS, OUTPUTS = "in", "out"


@dataclass(frozen=True, slots=True)
class ValuePlace:
    """Where a value is: the scope, a level or "in" or "out"; the variable; and the way inside."""

    scope: str
    name: str
    keys: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "ValuePlace | None":
        """What an address names; None for nothing."""
        scope, colon, path = text.partition(":")
        keys = value_paths.split(path)
        is_level = scope.isascii() and scope.isdigit() and len(scope) < 5
        if not colon or not keys or not (is_level or scope in (INPUTS, OUTPUTS)):
            return None
        return cls(scope, keys[0], tuple(keys[1:]))

    def __str__(self) -> str:
        return f"{self.scope}:{value_paths.join((self.name, *self.keys))}"

    def inside(self, keys: Sequence[str]) -> "ValuePlace":
        return ValuePlace(self.scope, self.name, (*self.keys, *keys))

    @property
    def level(self) -> int | None:
        return int(self.scope) if self.scope.isdigit() else None


@dataclass(frozen=True, slots=True)
class FoundValue:
    """A value, or why it is not known."""

    is_known: bool
    value: Any = None
    why: str = ""


class ValueView:
    """What the panel shows of the value that the address names."""

    def __init__(self, subject: Subject, place: ValuePlace, *, exact: bool = False) -> None:
        """`exact` leaves tasks what they are, instead of what has become of them."""
        self.subject = subject
        self.place = place
        self._exact = exact

    # The value ------------------------------------------------------------------------------------

    @cached_property
    def _side(self) -> ExecutionAt:
        """The moment that is shown, or the one before it."""
        return self._earlier if self.subject.address.before else self.subject.past

    @cached_property
    def _earlier(self) -> ExecutionAt:
        subject = self.subject
        return history.at(subject.execution, subject.now.graph, max(0, subject.past.step - 1))

    @cached_property
    def whole(self) -> FoundValue:
        """The variable's whole value."""
        return self._of(self._side)

    def _of(self, past: ExecutionAt) -> FoundValue:
        level = self.place.level
        why = self._why_not(past)
        if why:
            return FoundValue(False, why=why)
        if level is None:
            return FoundValue(True, self._shown(self._held[self.place.name]))
        if self.place.name == BUILT_IN:
            return self._built_in(past)
        exists, form = past.value(level, self.place.name)
        if not exists:
            return FoundValue(False, why="It is not set.")
        return FoundValue(True, self._shown(pretty_json.decode(form, exact=self._exact)))

    def _why_not(self, past: ExecutionAt) -> str:
        """Return why the value is not there at a moment; "" when it may be."""
        level = self.place.level
        if level is None:
            return "" if self.place.name in self._held else "This value does not exist."
        if not past.is_kept:
            return "That step is not kept."
        if self.place.name == BUILT_IN:
            return ""
        if level >= len(past.tokens):
            return "The execution is not in this workspace at that moment."
        folded = self.place.name.casefold()
        if folded not in {v.name.casefold() for v in self._declared(past)}:
            return "This variable does not exist in the workspace."
        at = None if past.is_live else past.variables.get((level, folded))
        if at is not None and at.availability is Availability.LOST:
            return f"{at.summary}: it was large, and this step did not keep it."
        return ""

    @cached_property
    def _held(self) -> dict[str, Any]:
        """The inputs or the outputs."""
        execution = self.subject.execution
        known = pretty_json.decode(
            execution.inputs if self.place.scope == INPUTS else execution.outputs
        )
        return known if isinstance(known, dict) else {}

    def _built_in(self, past: ExecutionAt) -> FoundValue:
        """Of the built-in variable only its Extensions change."""
        at = None if past.is_live else past.variables.get((0, EXTENSIONS))
        if at is not None and at.availability is Availability.LOST:
            return FoundValue(
                False, why="Its Extensions were large, and this step did not keep them."
            )
        _, extensions = past.value(0, EXTENSIONS)
        return FoundValue(True, initiators.execution_context(past.execution, extensions))

    def _shown(self, value: Any) -> Any:
        return (
            value
            if self._exact
            else task_states.with_task_states(self.subject.execution.root_id, value)
        )

    def _declared(self, past: ExecutionAt) -> Any:
        level = self.place.level
        assert level is not None
        workspace = past.graph.workspaces.get(past.tokens[level].workspace)
        return workspace.variables if workspace else ()

    @cached_property
    def found(self) -> FoundValue:
        """The part that the address names, in full."""
        stored = self._stored(self._side)
        part = value_parts.whole_part(stored, self.place.keys) if stored is not None else None
        if part is not None:
            return FoundValue(True, self._shown(pretty_json.decode(part.form, exact=self._exact)))
        if not self.whole.is_known:
            return self.whole
        exists, value = value_paths.follow(self.whole.value, self.place.keys)
        if not exists:
            return FoundValue(False, why="This part of the value does not exist now.")
        return FoundValue(True, value)

    @cached_property
    def shown(self) -> FoundValue:
        """The same as far as it is shown: of a large list or structure a `Slice`."""
        cut = self._cut(self._side)
        return self.found if cut is ABSENT else FoundValue(True, cut)

    def _stored(self, past: ExecutionAt) -> value_parts.StoredForm | None:
        """Where the variable's value is stored by itself, to be cut there."""
        level = self.place.level
        if level is None or self.place.name == BUILT_IN or self._why_not(past):
            return None
        return past.stored(level, self.place.name)

    def _cut(self, past: ExecutionAt, keys: Sequence[str] | None = None) -> Any:
        """What is shown of the part at a moment, as the database cuts it; ABSENT where it cannot
        be cut there."""
        stored = self._stored(past)
        if stored is None:
            return ABSENT
        first = self.subject.address.item
        part = value_parts.part_or_page(stored, self.place.keys, first, ITEMS, keys)
        if part is None:
            return ABSENT
        if part.page is None:
            return self._shown(pretty_json.decode(part.form, exact=self._exact))
        items = self._shown([_summarized(item) for item in part.page.items])
        inside = (
            items if part.page.kind == "array" else dict(zip(part.page.places, items, strict=True))
        )
        return Slice(inside, part.page.first, part.page.count)

    @cached_property
    def _other(self) -> Any:
        """The same part before the step; ABSENT where that is not looked for."""
        subject, shown = self.subject, self.shown.value
        if not self.has_sides or subject.address.before:
            return ABSENT
        is_structure = isinstance(shown, Slice) and isinstance(shown.items, dict)
        cut = self._cut(self._earlier, list(shown.items) if is_structure else None)
        if cut is not ABSENT:
            return cut
        before = self._of(self._earlier)
        exists, value = (
            value_paths.follow(before.value, self.place.keys) if before.is_known else (0, 0)
        )
        return value if exists else None

    # What is shown --------------------------------------------------------------------------------

    @cached_property
    def has_sides(self) -> bool:
        """Whether it can be shown as it was before the step: where that changed it."""
        subject, level = self.subject, self.place.level
        if level is None or subject.past.step < 1:
            return False
        name = EXTENSIONS if self.place.name == BUILT_IN else self.place.name.casefold()
        return (level, name) in subject.just_changed

    @cached_property
    def folded(self) -> JsonPage:
        """The page of it."""
        return render_page(self.shown.value, self._address, self.subject.address.item, self._other)

    def _address(self, keys: Sequence[str]) -> str:
        return "?" + urlencode({"var": str(self.place.inside(keys))}, safe="/,:")

    @property
    def title(self) -> str:
        return self.place.keys[-1] if self.place.keys else self.place.name

    @property
    def type_name(self) -> str:
        shown = self.shown.value
        return values.type_name(shown.items if isinstance(shown, Slice) else shown)

    @property
    def path(self) -> str:
        """Its path, as expressions and the grid's columns name it."""
        return value_paths.join((self.place.name, *self.place.keys))

    @property
    def crumbs(self) -> list[tuple[str, str]]:
        """The values around it, outermost first: name and address, at the page that it is on."""
        keys = self.place.keys
        url = self.subject.address.url
        return [
            ((self.place.name, *keys)[count], url(var=str(around), item=_number(keys[count])))
            for count in range(len(keys))
            if (around := ValuePlace(self.place.scope, self.place.name, keys[:count]))
        ]

    @property
    def pages(self) -> dict[str, str]:
        """Addresses of the pages beside this one."""
        shown, size = self.folded, max(1, self.folded.last - self.folded.first)
        url = self.subject.address.url
        return {
            "previous": url(item=max(0, shown.first - size)) if shown.first else "",
            "next": url(item=shown.last) if shown.last < shown.count else "",
        }

    @property
    def sides(self) -> list[tuple[str, str, bool]]:
        """Before and after the step: name, address, whether it is shown."""
        url, before = self.subject.address.url, self.subject.address.before
        return [("Before", url(before=True), before), ("After", url(before=False), not before)]

    @property
    def link(self) -> str:
        """The address of exactly this, for somebody else."""
        return self.subject.execution.get_absolute_url() + self.subject.address.url()

    @property
    def close_url(self) -> str:
        return self.subject.address.url(var="", before=False)

    @property
    def others_url(self) -> str:
        """The executions that hold the same value; "" where no filter finds them, as of secrets."""
        shown = self.shown
        if not shown.is_known or isinstance(shown.value, Slice) or self.is_secret:
            return ""
        return value_address(self.path, shown.value)

    @property
    def raw_url(self) -> str:
        """Where the whole of it is to be had, as JSON text."""
        side = self._side
        step = {} if side.is_live else {"step": side.step}
        query = urlencode({"var": str(self.place)} | step)
        return f"{reverse('execution-value', args=[self.subject.execution.pk])}?{query}"

    # Editing --------------------------------------------------------------------------------------

    @property
    def is_editable(self) -> bool:
        """Whether it is a variable that can be edited at all."""
        return self.place.level is not None and self.place.name != BUILT_IN

    @cached_property
    def is_secret(self) -> bool:
        """Whether it is, or is in, a variable that is declared secret."""
        level, past = self.place.level, self.subject.past
        if level is None or level >= len(past.tokens):
            return False
        folded = self.place.name.casefold()
        return any(v.is_secret for v in self._declared(past) if v.name.casefold() == folded)

    @property
    def no_edit(self) -> str:
        """Why it cannot be edited now; "" when it can."""
        subject = self.subject
        if not subject.is_live or subject.address.before:
            return "Only what it holds now can be edited: go back to live."
        return refusal(COMMANDS["set-variable"], subject.user, subject.execution)

    @property
    def edit_url(self) -> str:
        query = urlencode({"var": str(self.place)})
        return f"{reverse('variable-edit', args=[self.subject.execution.pk])}?{query}"


def _summarized(item: Any) -> Any:
    """Return an item of a large value, or an outline of one that was not read."""
    if not isinstance(item, value_parts.LargeItem):
        return pretty_json.decode(item)
    s = "" if item.count == 1 else "s"
    said = {
        "array": f"List with {item.count} item{s}",
        "object": f"Structure with {item.count} item{s}",
    }
    text = f"{item.beginning}\u2026 ({item.count})"
    return Outline(said.get(item.kind, f'"{text}"'), item.digest)


def _number(key: str) -> int:
    return int(key) if key.isascii() and key.isdigit() and len(key) < 12 else 0
