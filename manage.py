#!/usr/bin/env python
"""CortexWeb's command line: `python manage.py up` starts everything."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cortexweb.settings")
    from django.core.management import execute_from_command_line

    if sys.argv[1:2] == ["up"]:
        from cortexweb.up.options import settle_data_folder

        settle_data_folder(sys.argv[2:])
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
