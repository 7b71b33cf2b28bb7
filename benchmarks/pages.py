"""The executions page among many executions, as ratios of one run.

    python -m benchmarks.pages 10000 1000000 [--plans] [--data FOLDER]

fills a database of its own with so many executions after one another (5,000,000 take a quarter of
an hour and 3 GB), and measures at each size. `--plans` prints what PostgreSQL does for each page;
`--data` measures what is in the data folder of a running installation, and fills nothing.
"""

import argparse
import os
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Times that each page is asked for; the median counts.
TIMES = 15
#: An address, and its name. {…} are filled in by what is there.
ADDRESSES = (
    ("first page", "/"),
    ("next page", "/?older={next}"),
    ("deep page", "/?older={deep}"),
    ("deep page, back up", "/?newer={deep}"),
    ("oldest first", "/?sort=started"),
    ("by update", "/?sort=-updated"),
    ("longest first", "/?sort=-duration"),
    ("shortest first, deep", "/?sort=duration&older={length}"),
    ("by flow", "/?sort=flow"),
    ("status Error", "/?status=Error"),
    ("status Ended, deep", "/?status=Ended&older={deep}"),
    ("status Paused and Exception", "/?status=Paused&status=Exception"),
    ("status Error and Stopped, deep", "/?status=Error&status=Stopped&older={deep}"),
    ("flow", "/?flow={flow}"),
    ("flow, deep", "/?flow={flow}&older={deep}"),
    ("flow and status Paused", "/?flow={flow}&status=Paused"),
    ("flow and status Error", "/?flow={flow}&status=Error"),
    ("started in the last 2 h", "/?started=%3E-2h"),
    ("started on a day long ago", "/?started={day}"),
    ("jump to a time", "/?older={deep}"),
    ("updated in the last 2 h", "/?updated=%3E-2h"),
    ("longer than 2 min", "/?duration=%3E2m"),
    ("initiator", "/?initiator=ada"),
    ("trigger and flow", "/?trigger=parent&flow={flow}"),
    ("has an exception", "/?has=exception"),
    ("roots only", "/?is=root"),
    ("children of one", "/?parent={parent}"),
    ("workspace", "/?workspace=Top*"),
    ("block type", "/?block=HTTP+Request"),
    ("exception type", "/?error=HttpRequest*"),
    ("exception message", "/?message=pricing+30"),
    ("failed", "/?is=failed"),
    ("unhandled exception", "/?is=unhandled"),
    ("failed children", "/?has=failed-children"),
    ("search: frequent", "/?q=order"),
    ("search: in between", "/?q=pricing"),
    ("search: two words", "/?q=503+order"),
    ("search: rare", "/?q={rare}"),
    ("search: nothing", "/?q=zzzz"),
    ("search: an id", "/?q={id}"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sizes", type=int, nargs="*")
    parser.add_argument("--plans", action="store_true")
    parser.add_argument("--data", type=Path)
    options = parser.parse_args()
    if options.data:
        os.environ["CORTEXWEB_DATA"] = str(options.data)
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cortexweb.settings")
        sizes: Iterator[int] = iter([0])
    else:
        sizes = iter(options.sizes or [10_000, 1_000_000])
    first: dict[str, float] = {}
    with place(options.data):
        for size in sizes:
            if size:
                fill_to(size)
            measured = Measurement().run(plans=options.plans)
            for name, ratio in measured.items():
                first.setdefault(name, ratio)
            if first != measured:
                _tell_growth(first, measured)


@contextmanager
def place(data: Path | None) -> Iterator[None]:
    if data:
        import django

        django.setup()
        yield
        return
    from benchmarks.installation import installation

    with installation():
        from django.core.management import call_command

        from tests.servers import PROJECT

        call_command("import_flows", str(PROJECT / "flows/examples"), publish=True, verbosity=0)
        yield


def fill_to(size: int) -> None:
    from benchmarks.fill import fill
    from executions.models import Execution

    there = Execution.objects.count()
    if size > there:
        print(f"\n{size - there:,} executions in {fill(size - there, seed=there + 1):.0f} s")


@dataclass(frozen=True)
class Asked:
    """One page: milliseconds, queries, and its SQL."""

    took: float
    floor: float
    queries: list[str]
    status: int


class Measurement:
    """One size."""

    def __init__(self) -> None:
        from django.contrib.auth import get_user_model
        from django.db import connection
        from django.test import Client

        from executions.models import Execution

        self.connection = connection
        users = get_user_model().objects
        self.user = users.filter(username="measurer").first() or users.create_superuser("measurer")
        self.client = Client(SERVER_NAME="localhost")
        self.client.force_login(self.user)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT reltuples::bigint FROM pg_class "
                "WHERE oid = 'executions_execution'::regclass"
            )
            (self.size,) = cursor.fetchone()
        self.execution = Execution
        self.places = self._places()

    def _places(self) -> dict[str, str]:
        from urllib.parse import quote

        from executions.grid.table import keyset
        from executions.grid.table.row_events import read_events
        from executions.grid.table.sorting import NEWEST_FIRST, Sort

        rows = self.execution.objects.all()
        newest = read_events(rows.order_by("-started_at", "-id")[:50])
        oldest = read_events(rows.order_by("started_at", "id")[:1])[0]
        deep = oldest.started_at + (newest[0].started_at - oldest.started_at) / 3
        at = read_events(rows.filter(started_at__lte=deep).order_by("-started_at", "-id")[:1])[0]
        failed = read_events(rows.exclude(error_type="").filter(started_at__lte=deep)[:1])[0]
        length = Sort("duration", descending=False)
        some = read_events(rows.filter(started_at__lte=deep).order_by("-started_at")[:1])[0]
        assert keyset.order_by(length)
        return {
            "next": str(NEWEST_FIRST.key(newest[-1])),
            "deep": str(NEWEST_FIRST.key(at)),
            "length": str(length.key(some)),
            "flow": quote(some.flow_name),
            "day": f"{deep:%Y-%m-%d}",
            "parent": str(rows.filter(child_count__gt=100).values_list("pk", flat=True).first()),
            "rare": (re.findall(r"[0-9]{5,}", failed.error_message) or ["1234567"])[0],
            "id": at.id,
        }

    def run(self, *, plans: bool) -> dict[str, float]:
        floor = _median(self.floor)
        print(f"\nAmong {self.size:,} executions; a keyset query and 50 rows: {floor:.1f} ms\n")
        print("| page | ms | ÷ floor | queries |")
        print("|---|---|---|---|")
        ratios: dict[str, float] = {}
        for name, address in ADDRESSES:
            asked = self.page(address.format(**self.places))
            ratios[name] = asked.took / asked.floor
            late = " (stopped)" if asked.status != 200 else ""
            print(
                f"| {name}{late} | {asked.took:.1f} | {ratios[name]:.1f} | {len(asked.queries)} |",
                flush=True,
            )
            if plans:
                self.explain(asked.queries)
        took, floor = self.admin()
        print(f"| Django admin's list as it comes | {took:.0f} | {took / floor:.0f} | |")
        return ratios

    def floor(self) -> None:
        """The keyset query by the ORM, and its rows rendered."""
        from executions.grid.table.layout import Layout
        from executions.grid.table.row import GridRow
        from executions.grid.table.row_events import read_events

        layout = Layout()
        rows = self.execution.objects.order_by("-started_at", "-id")[:51]
        for event in read_events(rows)[:50]:
            GridRow(event, layout=layout).html()

    def page(self, address: str) -> Asked:
        from django.test.utils import CaptureQueriesContext

        response: Any = None

        def ask() -> None:
            nonlocal response
            response = self.client.get(address, headers={"HX-Request": "true"})

        took, floor = medians(ask, self.floor)
        with CaptureQueriesContext(self.connection) as captured:
            ask()
        queries = [one["sql"] for one in captured.captured_queries]
        return Asked(took, floor, queries, response.status_code)

    def admin(self) -> tuple[float, float]:
        """The change list of a ModelAdmin that nobody has tuned."""
        from django.contrib.admin import ModelAdmin, site
        from django.test import RequestFactory

        from executions.admin.executions import ExecutionAdmin

        # What the tuned admin shows by a method of its own is, untuned, the status.
        columns = [
            name if hasattr(self.execution, name) else "status"
            for name in ExecutionAdmin.list_display
        ]
        admin = type("Plain", (ModelAdmin,), {"list_display": columns})(self.execution, site)
        request = RequestFactory().get("/admin/executions/execution/")
        request.user = self.user
        return medians(lambda: admin.changelist_view(request).render(), self.floor, 5)

    def explain(self, queries: list[str]) -> None:
        """What the statements over the executions do, abridged."""
        for sql in queries:
            if "executions_execution" not in sql or "EXPLAIN" in sql:
                continue
            *settings, statement = _statements(sql)
            with self.connection.cursor() as cursor:
                cursor.execute("BEGIN")
                for setting in settings:
                    cursor.execute(setting)
                cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {statement}")
                lines = [line for (line,) in cursor.fetchall()]
                cursor.execute("ROLLBACK")
            kept = r"Scan|Sort|Limit|Append|Bitmap|Cond|Rows Removed|Heap Fetches|Time|Aggregate"
            for line in lines:
                if re.search(kept, line):
                    print("    " + line[:150])
            print()


def _statements(sql: str) -> list[str]:
    parts = [part for part in sql.split("; ") if not part.endswith("= DEFAULT")]
    settings = [part for part in parts if part.startswith("SET LOCAL")]
    return [*settings, "; ".join(part for part in parts if part not in settings)]


def _median(ask: Callable[[], object], times: int = TIMES) -> float:
    """Milliseconds."""
    return medians(ask, lambda: None, times)[0]


def medians(
    ask: Callable[[], object], beside: Callable[[], object], times: int = TIMES
) -> tuple[float, float]:
    """Milliseconds of two things, in turn, so that other work on the machine meets both."""
    took: tuple[list[float], list[float]] = ([], [])
    for number in range(times + 1):
        for each, kept in zip((ask, beside), took, strict=True):
            began = time.perf_counter()
            each()
            if number:  # the first one warms caches
                kept.append((time.perf_counter() - began) * 1000)
    return statistics.median(took[0]), statistics.median(took[1])


def _tell_growth(first: dict[str, float], now: dict[str, float]) -> None:
    print("\nAgainst the smallest size (in floors of each run):\n")
    for name, ratio in now.items():
        growth = ratio / first[name]
        print(f"  {name:36} {growth:5.2f}{'  more than 1.2' if growth > 1.2 else ''}")


if __name__ == "__main__":
    sys.exit(main())
