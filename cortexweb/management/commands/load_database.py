"""`manage.py load_database`: replace the embedded database with what `dump_database` wrote."""

from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from cortexweb.embedded.dumps import beside_a_dump, load
from cortexweb.embedded.system_user import EmbeddedServerError


class Command(BaseCommand):
    """Replace the database of a running `up` with a dump: all of it, or nothing."""

    help = "Replace everything in the database of a running `up` with what FILE holds."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="file that dump_database wrote")
        parser.add_argument(
            "--noinput", "--no-input", action="store_false", dest="interactive", help="don't ask"
        )

    def handle(self, *args: Any, file: Path, interactive: bool, **options: Any) -> None:
        if not settings.EMBEDDED:
            raise CommandError("DATABASE_URL is set. Use pg_restore of that server.")
        if not file.is_file():
            raise CommandError(f"There is no file {file}.")
        if interactive and not self._agreed(file):
            raise CommandError("Nothing has changed.")
        try:
            load(settings.DATA, file)
        except EmbeddedServerError as error:
            raise CommandError(f"Nothing has changed. {error}") from None
        except psycopg.OperationalError as error:
            raise CommandError(
                f"The database doesn't answer. Is `python manage.py up` running? {error}"
            ) from None
        call_command("migrate", interactive=False, verbosity=0)  # a dump of an earlier version
        self.stdout.write(f"Loaded {file}")
        encryption, secret, files = beside_a_dump()
        self.stdout.write(
            f"Where another installation wrote it, {encryption} has to be that of the other: "
            f"without it, the secrets in the dump cannot be read. If it is not, end `up`, replace "
            f"it, start `up`, and load the dump again. Bring {secret} and {files} along too."
        )

    def _agreed(self, file: Path) -> bool:
        self.stdout.write(
            f"This replaces all flows, executions and users in {settings.DATA.path} with those of "
            f"{file}."
        )
        return input("Type 'yes' to continue: ") == "yes"
