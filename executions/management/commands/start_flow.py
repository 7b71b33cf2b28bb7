"""`manage.py start_flow`: start an execution as the page does, and follow it."""

import getpass
import json
import shlex
import sys
import time
from argparse import ArgumentTypeError
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from executions import appearance
from executions.alerts.messages import absolute
from executions.commands.actor import Actor
from executions.commands.lifecycle.start import NotStarted, start
from executions.models import Execution, Question
from executions.states import Status
from flows import checks, parsing, pretty_json, queries, values
from flows.graph import VariableNode
from flows.models import Flow, FlowVersion
from flows.values import MASK, Masked, legible

#: Exit codes beside 0: it failed or was stopped; messages stopped it; it still runs.
FAILED, REFUSED, UNFINISHED = 1, 2, 3
_POLL = 0.2
#: A value of each type that an input can be given as JSON.
EXAMPLES: dict[str, Any] = {
    "Text": "Ada",
    "Integer": 42,
    "Number": 2.5,
    "Boolean": True,
    "Date Time": datetime(2026, 7, 15, 12, tzinfo=UTC),
    "Local Date Time": datetime(2026, 7, 15, 12),
    "Duration": timedelta(minutes=90),
    "Time Period": {"Months": 1, "Days": 3},
    "List": ["a", "b"],
    "Structure": {"key": "value"},
}
#: Of a refused input no more is repeated.
LONGEST_SHOWN = 200


class Command(BaseCommand):
    help = (
        "Start an execution of a published flow, such as: start_flow order-total --input "
        "'Prices=[20, 22]' --wait. When it asks a person something, it prints where the answer is "
        "given. Exits with 0 when it Ended (or, without --wait, "
        "was started), 1 on Error or Stopped, 2 when messages prevented the start, 3 when it has "
        "not ended after --wait SECONDS."
    )
    # The others read every address, page and form of the site first, which takes a second.
    requires_system_checks = (checks.BLOCKS,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="name of the flow")
        parser.add_argument("--version", type=int, help="a published version (default: the newest)")
        parser.add_argument(
            "--input",
            action="append",
            default=[],
            metavar="NAME=JSON",
            help="""an input variable, once for each. Quote it for the shell; text is quoted inside
            too: --input Count=3 --input 'Name="Ada"' --input 'Tags=["a", "b"]' --input
            'Order={"Number": 7}' --input 'Due={"$datetime": "2026-07-15T12:00:00+00:00"}'""",
        )
        parser.add_argument(
            "--ask",
            action="append",
            default=[],
            metavar="NAME",
            help="""an input variable of text, typed without being shown, or read from a line of
            standard input: unlike a command line, others can't see it""",
        )
        parser.add_argument(
            "--wait",
            nargs="?",
            type=_seconds,
            const=float("inf"),
            metavar="SECONDS",
            help="follow it until it ends, for at most SECONDS",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        # Django's own --version would take ours.
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def handle(self, *args: Any, **options: Any) -> None:
        version = _version(options["name"], options["version"])
        secret = {v.name.casefold() for v in queries.compiled(version.pk).inputs if v.is_secret}
        inputs = dict(_parse_input(text, secret) for text in options["input"])
        inputs |= {name: _asked(name) for name in options["ask"]}
        actor = Actor(user_id=None, name=getpass.getuser(), source="command line")
        try:
            execution = start(version, inputs, actor, Execution.Trigger.COMMAND_LINE)
        except NotStarted as refused:
            self._refuse(refused, version, as_json=options["json"])
        if options["wait"] is not None:
            self._follow(execution, options["wait"], quiet=options["json"])
        self._report(execution, as_json=options["json"], waited=options["wait"] is not None)

    def _refuse(self, refused: NotStarted, version: FlowVersion, *, as_json: bool) -> None:
        if as_json:
            messages = [
                {"location": m.location, "summary": m.summary, "details": m.details}
                for m in refused.messages
            ]
            self.stdout.write(json.dumps({"status": None, "messages": messages}))
            raise SystemExit(REFUSED)
        lines = [f"{m.location}: {m.summary} {m.details}" for m in refused.messages]
        lines += _how_to_give(refused, version)
        raise CommandError("\n".join(["The flow was not started.", *lines]), returncode=REFUSED)

    def _follow(self, execution: Execution, seconds: float, *, quiet: bool) -> None:
        """Show a progress line on standard error until it ends or the time is over."""
        ends = time.monotonic() + seconds
        live = self.stderr.isatty() and not quiet
        while True:
            execution.refresh_from_db()
            if live:
                line = (
                    f"{execution.status}, step {execution.step_count}, "
                    f"{execution.workspace_name}: {execution.block_description}"
                )
                # Plain: what Django writes to standard error is red otherwise.
                self.stderr.write(f"\r\x1b[K{line[:110]}", style_func=str, ending="")
                self.stderr.flush()
            if Status(execution.status).is_terminal or time.monotonic() >= ends:
                break
            time.sleep(_POLL)
        if live:
            self.stderr.write("", style_func=str)

    def _report(self, execution: Execution, *, as_json: bool, waited: bool) -> None:
        status = Status(execution.status)
        outputs = execution.outputs if status is Status.ENDED else None
        if as_json:
            report: dict[str, Any] = {"id": str(execution.pk), "status": status, "outputs": outputs}
            if execution.error_type:
                report["error"] = {"type": execution.error_type, "message": execution.error_message}
            report["unhandled"] = execution.unhandled
            self.stdout.write(json.dumps(report))
        else:
            self.stdout.write(f"{execution.flow_name} v{execution.version_number} {execution.pk}")
            word = appearance.label(status, unhandled=execution.unhandled)
            self.stdout.write(f"{word} at {execution.block_description}")
            self._tell_question(execution)
            if execution.error_type:
                self.stdout.write(f"{execution.error_type}: {execution.error_message}")
            for name, form in (outputs or {}).items():
                value = pretty_json.decode(form)
                text = value if isinstance(value, str) else json.dumps(form, ensure_ascii=False)
                text = MASK if isinstance(value, Masked) else text
                self.stdout.write(f"{name} = {text}")
        self._exit(status, waited=waited)

    def _tell_question(self, execution: Execution) -> None:
        """Say whom an execution asks something, and where that is answered."""
        question = execution.questions.filter(state=Question.State.OPEN).first()
        if question is None:
            return
        self.stdout.write(f"It waits for {question.assignee}: {question.text}")
        self.stdout.write(f"Answer it at {absolute(question.get_absolute_url())}")
        self.stdout.write(f"or by POST /api/v1/questions/{question.pk}/answer (docs/people.md)")

    @staticmethod
    def _exit(status: Status, *, waited: bool) -> None:
        if status in (Status.ERROR, Status.STOPPED):
            raise SystemExit(FAILED)
        if waited and not status.is_terminal:
            raise SystemExit(UNFINISHED)


def _version(name: str, number: int | None) -> FlowVersion:
    """Raises CommandError with what to do next."""
    if number is None:
        version = queries.latest_published(name)
        if version is not None:
            return version
        if Flow.objects.filter(name=name).exists():
            raise CommandError(
                f"{name} has no published version. Import it with --publish, or publish its draft "
                "in the admin.",
                returncode=REFUSED,
            )
    else:
        found = FlowVersion.objects.filter(flow__name=name, number=number).first()
        if found is not None:
            return found
    known = ", ".join(Flow.objects.values_list("name", flat=True)[:20]) or "none"
    wanted = f"flow {name}" if number is None else f"v{number} of the flow {name}"
    raise CommandError(f"There is no {wanted}. Flows: {known}.", returncode=REFUSED)


def _how_to_give(refused: NotStarted, version: FlowVersion) -> list[str]:
    """Return how the inputs that were refused are written, with a value of their type."""
    wrong = {message.path for message in refused.messages}
    inputs = [
        one for one in queries.compiled(version.pk).inputs if ("variables", one.name) in wrong
    ]
    return [f"Give {one.name} as {_option(one)}" for one in inputs]


def _option(variable: VariableNode) -> str:
    """Return the option that gives an input, quoted for a shell."""
    if variable.is_secret or variable.type == "Secret Text":
        return f"--ask {shlex.quote(variable.name)}, which asks for it"
    example = json.dumps(values.encode(EXAMPLES.get(variable.type, "Ada")))
    return f"--input {shlex.quote(f'{variable.name}={example}')}"


def _asked(name: str) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(f"{name}: ")
    return sys.stdin.readline().rstrip("\r\n")


def _parse_input(text: str, secret: Collection[str]) -> tuple[str, Any]:
    """The name and the value; what is wrong with that of a secret does not repeat it."""
    name, equals, source = text.partition("=")
    if not equals:
        raise CommandError(f"--input {text}: write NAME=JSON.", returncode=REFUSED)
    if legible(text) != text:
        problem = "write it in UTF-8, or with \\u before the digits of a character."
        raise CommandError(f"--input {legible(name)}: {problem}", returncode=REFUSED)
    if name.casefold() in secret:
        return name, _parse_secret(name, source)
    shown = source if len(source) <= LONGEST_SHOWN else f"{source[:LONGEST_SHOWN]}…"
    try:
        return name, parsing.value(source)
    except parsing.ParseError as error:
        problem = str(error)
        if error.is_syntax:
            problem += f""" Text needs quotes: --input '{name}="{shown}"'."""
    raise CommandError(f"--input {name}: {shown}: {problem}", returncode=REFUSED)


def _parse_secret(name: str, source: str) -> Any:
    try:
        return parsing.value(source)
    except parsing.ParseError:
        problem = f"enter a JSON value. Text needs quotes; --ask {name} takes it as it is."
        raise CommandError(f"--input {name}: {problem}", returncode=REFUSED) from None


def _seconds(text: str) -> float:
    with suppress(ValueError):
        seconds = float(text)
        if seconds >= 0:  # nor NaN
            return seconds
    raise ArgumentTypeError("enter a number of seconds, 0 or more")
