"""The steps of an execution, a page at a time."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from executions.models import ChangedValue, Execution, Step
from executions.retention.trimming import trimmed_steps
from executions.store.read.pages import PAGE_SIZE, ListPage


@dataclass(frozen=True, slots=True)
class StepFilter:
    """A choice of steps: of one block, that threw, that the token of a level made, after one step
    and before another. A default does not limit them."""

    block: str = ""
    thrown: bool = False
    level: int | None = None
    after: int = 0
    before: int | None = None

    def __bool__(self) -> bool:
        return self != StepFilter()


def step_page(execution: Execution, first: int | None = None) -> ListPage:
    """Return a page of steps, oldest first: from `first` or the next one kept, or the newest."""
    trimmed = trimmed_steps(execution.step_count)

    def place(number: int) -> int:
        """The place of a step among those that are kept."""
        return number - len(range(trimmed.start, min(max(number, trimmed.start), trimmed.stop)))

    def number(place: int) -> int:
        return place if place < trimmed.start else place + len(trimmed)

    last_page = max(1, execution.step_count - len(trimmed) - PAGE_SIZE + 1)
    start = min(place(max(1, first)), last_page) if first is not None else last_page
    rows = Step.objects.filter(execution_id=execution.pk, number__gte=number(start))
    return ListPage(
        list(rows.order_by("number")[:PAGE_SIZE]),
        older=str(number(max(1, start - PAGE_SIZE))) if start > 1 else "",
        newer=str(number(start + PAGE_SIZE)) if start < last_page else "",
    )


def filtered_step_page(execution_id: UUID, first: int | None, wanted: StepFilter) -> ListPage:
    """Return a page of the steps that a filter finds, oldest first: from `first`, or the newest."""
    rows = Step.objects.filter(execution_id=execution_id, number__gt=wanted.after)
    if wanted.block:
        rows = rows.filter(block=wanted.block)
    if wanted.thrown:
        rows = rows.exclude(exception="")
    if wanted.level is not None:
        rows = rows.filter(level=wanted.level)
    if wanted.before is not None:
        rows = rows.filter(number__lt=wanted.before)
    if first is None:
        page = list(rows.order_by("-number")[:PAGE_SIZE])[::-1]
    else:
        page = list(rows.filter(number__gte=first).order_by("number")[:PAGE_SIZE])
    if not page:
        return ListPage([])
    before = rows.filter(number__lt=page[0].number).order_by("-number")
    numbers = list(before.values_list("number", flat=True)[:PAGE_SIZE])
    after = rows.filter(number__gt=page[-1].number).order_by("number")
    following = after.values_list("number", flat=True).first()
    return ListPage(page, older=str(numbers[-1]) if numbers else "", newer=str(following or ""))


def recent_steps(execution: Execution, last: int, count: int = 8) -> list[Step]:
    """Return the steps up to `last`, oldest first: where the tokens came from."""
    newest = Step.objects.filter(
        execution_id=execution.pk, number__gt=last - count, number__lte=last
    )
    return list(newest.order_by("number")[:count])


def changed_value(execution_id: UUID, number: int, name: str) -> tuple[bool, Any]:
    """Return whether the value is kept to which a step changed a variable, and its stored form."""
    step = Step.objects.filter(execution_id=execution_id, number=number)
    change = (step.values_list("changes", flat=True).first() or {}).get(name, {})
    if "value" in change:
        return True, change["value"]
    stored = ChangedValue.objects.filter(execution_id=execution_id, key=change.get("stored", ""))
    value = stored.first()
    return (False, None) if value is None else (True, value.value)
