"""`manage.py dump_database`: a backup of the embedded database while `up` runs."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from cortexweb.embedded.dumps import beside_a_dump, dump
from cortexweb.embedded.system_user import EmbeddedServerError


class Command(BaseCommand):
    """Write the database of a running `up` to a file, for `load_database` or pg_restore."""

    help = "Write the database of a running `up` to FILE, as of one moment. `up` keeps running."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="file to write; an existing one is kept")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        if not settings.EMBEDDED:
            raise CommandError("DATABASE_URL is set. Use pg_dump of that server.")
        if file.exists():
            raise CommandError(f"{file} already exists. Choose another name, or remove it first.")
        try:
            dump(settings.DATA, file)
        except (EmbeddedServerError, OSError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Wrote {file}: {file.stat().st_size:,} bytes")
        encryption, secret, files = beside_a_dump()
        self.stdout.write(
            f"Copy {encryption} as well, apart from the dump: without it, the secrets in the dump "
            f"cannot be read. Copy {secret} and {files} too."
        )
