"""`manage.py up`: the whole product with one command."""

import os
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from cortexweb.embedded.system_user import EmbeddedServerError
from cortexweb.up.disk import disk_problem
from cortexweb.up.errors import CannotStartError, explain
from cortexweb.up.options import Options, add_arguments, take_password
from cortexweb.up.run import Up


class Command(BaseCommand):
    """Start database, broker, web server, workers and scheduler. Ctrl-C stops them all."""

    help = "Start everything and keep it running. The pages are at http://127.0.0.1:8000/."
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        add_arguments(parser)

    def handle(self, *args: Any, **given: Any) -> None:
        try:
            password = given["admin_password"] or take_password()
            options = Options(given["port"], given["workers"], given["demo"], password)
            # Links in mails lead there, unless somebody knows better.
            os.environ.setdefault("SITE_URL", options.url)
            Up(options, settings.DATA, self._say).run()
        except (CannotStartError, EmbeddedServerError) as error:
            raise CommandError(str(error)) from None
        except DatabaseError as error:
            problem = disk_problem(settings.DATA.path)
            cause = f"{problem}. " if problem else ""
            raise CommandError(f"{cause}The database doesn't work: {str(error).strip()}") from None
        except OSError as error:
            raise CommandError(explain(error)) from None

    def _say(self, line: str) -> None:
        # A full disk under the output, or a reader that is gone, must not stop everything. What
        # could not be written stays in the buffer and comes with the next line.
        with suppress(OSError):
            self.stdout.write(line)
            self.stdout.flush()
