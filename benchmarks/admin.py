"""How long the admin's lists take beside the grid's first page, with many executions.

    python -m benchmarks.admin [1000000] [--data FOLDER]

fills a database of its own as benchmarks.pages does, or asks the running installation of a data
folder. A list takes at most three times as long as the grid's first page; the exit code is 1 where
one takes longer.
"""

import argparse
import os
import sys
from pathlib import Path

from benchmarks import pages

#: How much longer than the grid's first page a list may take.
MOST = 3.0
TIMES = 7


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("size", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--data", type=Path)
    options = parser.parse_args()
    if options.data:
        os.environ["CORTEXWEB_DATA"] = str(options.data)
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cortexweb.settings")
    with pages.place(options.data):
        if not options.data:
            pages.fill_to(options.size)
        return measure()


def measure() -> int:
    """Ask for each list, print how long it takes, and return the exit code."""
    from django.contrib import admin
    from django.contrib.auth import get_user_model
    from django.db import connection
    from django.test import Client
    from django.urls import reverse

    users = get_user_model()._default_manager
    somebody = users.filter(is_superuser=True).first() or users.create_superuser("bench")
    client = Client()
    client.force_login(somebody)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")

    def ask(address: str) -> None:
        status = client.get(address, HTTP_HOST="localhost", follow=True).status_code
        assert status == 200, (address, status)

    slow = []
    print(f"\n{'list':44} {'ms':>8} {'grid':>8} {'ratio':>6}\n")
    for model in sorted(admin.site._registry, key=lambda one: one._meta.label):
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        address = reverse(f"admin:{name}_changelist")
        took, grid = pages.medians(lambda at=address: ask(at), lambda: ask("/"), TIMES)  # type: ignore[misc]
        ratio = took / grid
        print(f"{model._meta.label:44} {took:8.1f} {grid:8.1f} {ratio:6.2f}")
        if ratio > MOST:
            slow.append(model._meta.label)
    print(f"\nMore than {MOST:g} times the grid's first page: {', '.join(slow) or 'none'}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
