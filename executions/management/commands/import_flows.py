"""Import flow files into drafts, and publish them when asked to."""

import getpass
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from executions import audit
from executions.commands.actor import Actor
from executions.schedules.flow_files import plan, take_in
from flows import checks
from flows.files import FlowFileError, read
from flows.graph import InvalidFlow
from flows.importing import Imported, import_file

SUFFIXES = (".yaml", ".yml", ".json")


class Command(BaseCommand):
    """Import each flow as a whole or not at all. A flow that fails does not stop the others."""

    help = (
        "Import flow files (YAML or JSON) as drafts. For a folder, import the flow files "
        "directly in it. Exits with 1 when any flow fails."
    )
    # The others read every address, page and form of the site first, which takes a second.
    requires_system_checks = (checks.BLOCKS,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("paths", nargs="+", metavar="PATH", help="a flow file or a folder")
        parser.add_argument(
            "--publish", action="store_true", help="publish each flow; a flow with messages fails"
        )

        parser.add_argument(
            "--owner", metavar="USER", help="on whose behalf the schedules of the files start"
        )

    def handle(
        self, *, paths: list[str], publish: bool, owner: str | None = None, **options: Any
    ) -> None:
        files = [file for path in paths for file in _files(Path(path))]
        self.owner = _owner(owner)
        failed = sum(not self._import(file, publish) for file in files)
        if failed:
            raise CommandError(f"{failed} of {len(files)} flows failed.")

    def _import(self, path: Path, wanted: bool) -> bool:
        try:
            file = read(path)
            with transaction.atomic():
                done = import_file(file, publishes=wanted)
                _record(done)
                told = take_in(plan(done.version, file), _actor(), self.owner)
        except FlowFileError as error:
            return self._failed(path.stem, error.problems)
        except InvalidFlow as error:
            return self._failed(file.document["flow"], [file.explain(m) for m in error.messages])
        self.stdout.write(f"{file.document['flow']}: {done.outcome}")
        for message in (*done.messages, *told):
            self.stdout.write(f"  {message}")
        return True

    def _failed(self, name: str, problems: list[str]) -> bool:
        self.stderr.write(f"{name}: failed")
        for problem in problems:
            self.stderr.write(f"  {problem}")
        return False


def _files(path: Path) -> list[Path]:
    try:
        if path.is_dir():
            found = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES)
            if not found:
                raise CommandError(f"There are no flow files in {path}.")
            return found
        path.stat()
    except FileNotFoundError:
        raise CommandError(f"There is no file or folder {path}.") from None
    except OSError as error:  # a name that is too long, a folder of somebody else
        raise CommandError(f"{path} can't be read: {error.strerror}.") from None
    return [path]


def _record(done: Imported) -> None:
    """Write the audit entry of a flow that was imported or published."""
    if done.changed or done.was_published:
        audit.record(_actor(), "import-flow", subject=done.version.flow, detail=done.outcome)


def _actor() -> Actor:
    return Actor(None, getpass.getuser(), "command line")


def _owner(name: str | None) -> User | None:
    if name is None:
        return None
    found = User.objects.filter(username=name).first()
    if found is None:
        raise CommandError(f"There is no user {name}.")
    return found
