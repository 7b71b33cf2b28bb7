"""Importing flow files: they are chosen, looked at, imported as drafts, and then published.

Nothing is kept between these steps: the preview's form holds the files.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from executions import flow_files
from executions.commands.actor import Actor
from executions.views.flow_list import numbers
from flows import access, administrators
from flows.files import FlowFile, FlowFileError, parse
from flows.graph import InvalidFlow, Message
from flows.importing import ChangedMeanwhile, Imported, Preview
from flows.models import FlowVersion
from flows.publish import digest_of

#: Files of one import.
MOST_FILES = 100
SUFFIXES = (".yaml", ".yml", ".json")
TEMPLATE = "executions/flows/import.html"


@dataclass(frozen=True, slots=True)
class Row:
    """A file: its name and text, and what would or did become of it."""

    name: str
    text: str
    base: str = ""
    file: FlowFile | None = None
    problems: Sequence[str] = ()
    preview: Preview | None = None
    done: Imported | None = None

    @property
    def flow(self) -> str:
        return self.file.document["flow"] if self.file else ""

    @property
    def further(self) -> Sequence[str]:
        """What becomes of the schedules that it carries."""
        known = self.done or self.preview
        return known.further if known else ()

    @property
    def digest(self) -> str:
        """What its draft is, so that nothing else is published."""
        return digest_of(self.done.version) if self.done else ""

    @property
    def is_draft(self) -> bool:
        return self.done is not None and self.done.version.is_draft


@require_http_methods(["GET", "HEAD", "POST"])
def flow_import(request: HttpRequest) -> HttpResponse:
    """Import flow files, in three steps: look, import, publish."""
    if not access.authors_some(request.user):
        raise PermissionDenied(f"Importing flows takes the role Author. {administrators.ask()}")
    context = {"section": "flows", "step": "choose", "most": MOST_FILES, "suffixes": SUFFIXES}
    if request.method == "POST":
        context |= _STEPS.get(request.POST.get("step", ""), _look)(request)
    return render(request, TEMPLATE, context)


def _look(request: HttpRequest) -> dict[str, object]:
    """Show what importing would do. Nothing is saved."""
    rows = [_looked_at(request, row) for row in _uploaded(request)]
    if not rows:
        return {"problem": "Choose at least one flow file."}
    can = [row for row in rows if row.preview and row.preview.does_something]
    return {"step": "look", "rows": rows, "can": can}


def _import(request: HttpRequest) -> dict[str, object]:
    actor = Actor.of_request(request)
    rows = [_imported(request, actor, row) for row in _posted(request)]
    numbers.forget()
    return {"step": "done", "rows": rows, "can": [row for row in rows if row.is_draft]}


def _publish(request: HttpRequest) -> dict[str, object]:
    """Publish drafts that were imported."""
    actor = Actor.of_request(request)
    said: list[tuple[str, Sequence[str]]] = []
    for value in request.POST.getlist("draft")[:MOST_FILES]:
        number, _, digest = value.partition(" ")
        known = number.isascii() and number.isdigit() and len(number) < 19
        visible = FlowVersion.objects.filter(flow__in=access.visible(request.user))
        for version in visible.select_related("flow").filter(pk=number) if known else ():
            said.append(_published(request, actor, version, digest))
    numbers.forget()
    return {"step": "published", "said": said}


_STEPS = {"import": _import, "publish": _publish}


# Files -------------------------------------------------------------------------------------------


def _uploaded(request: HttpRequest) -> Iterator[Row]:
    for file in request.FILES.getlist("files")[:MOST_FILES]:
        name = str(file.name or "flow.yaml")
        if not name.lower().endswith(SUFFIXES):
            yield Row(name, "", problems=[f"{name}: It is not a YAML or JSON file."])
        else:
            yield _read(name, file.read())


def _read(name: str, data: bytes) -> Row:
    try:
        return _parsed(name, data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return Row(name, "", problems=[f"{name}: It is not UTF-8 text."])


def _posted(request: HttpRequest) -> Iterator[Row]:
    """The files that the form of the preview holds."""
    fields = (request.POST.getlist(name)[:MOST_FILES] for name in ("name", "text", "base"))
    for name, text, base in zip(*fields, strict=False):
        yield _parsed(name, text.replace("\r\n", "\n"), base)


def _parsed(name: str, text: str, base: str = "") -> Row:
    try:
        return Row(name, text, base, parse(text, name))
    except FlowFileError as error:
        return Row(name, text, base, problems=error.problems)


def _looked_at(request: HttpRequest, row: Row) -> Row:
    if row.file is None:
        return row
    seen = flow_files.preview_import(request.user, row.file)
    return Row(row.name, row.text, seen.base, row.file, seen.problems, seen)


def _imported(request: HttpRequest, actor: Actor, row: Row) -> Row:
    if row.file is None:
        return row
    try:
        done = flow_files.import_flow(request.user, actor, row.file, row.base)
    except PermissionDenied as refused:
        problems = [str(refused)]
    except ChangedMeanwhile:
        problems = [f"{row.flow} was changed after the preview. Look at the file again."]
    except FlowFileError as error:
        problems = error.problems
    except InvalidFlow as error:
        problems = [row.file.explain(message) for message in error.messages]
    else:
        return Row(row.name, row.text, row.base, row.file, done.messages, done=done)
    return Row(row.name, row.text, row.base, row.file, problems)


def _published(
    request: HttpRequest, actor: Actor, version: FlowVersion, digest: str
) -> tuple[str, Sequence[str]]:
    try:
        return flow_files.publish_draft(request.user, actor, version, digest), ()
    except PermissionDenied as refused:
        return str(refused), ()
    except InvalidFlow as error:
        return f"{version} was not published.", [_told(message) for message in error.messages]


def _told(message: Message) -> str:
    return f"{message.location}: {message.summary} {message.details}".strip()
