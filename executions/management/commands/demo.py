"""`manage.py demo`: keeps starting example executions at a gentle rate. `up --demo` runs it."""

import itertools
import time
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from executions.commands.actor import Actor
from executions.commands.start import NotStarted, start
from executions.models import Execution
from flows import queries

#: The example flows in the order in which they are started, over and over.
ROUND = ("nightly-tour", "check-orders", "check-urls", "access-log-report")
#: Demo executions that may be under way at once, children apart.
AT_ONCE = 12
#: Ended demo executions are kept that long, so that a demo left alone fills no disk.
KEEP = timedelta(hours=6)


class Command(BaseCommand):
    help = "Keeps starting the example flows until it is ended."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--every", type=float, default=4.0, help="seconds between two starts")
        parser.add_argument("--url", help="address of the site, for the flow that checks it")
        parser.add_argument("--count", type=int, help="end after that many starts")

    def handle(self, *args: Any, **options: Any) -> None:
        actor = Actor(user_id=None, name="demo", source="demo")
        for started, name in enumerate(itertools.cycle(ROUND), 1):
            if _under_way() < AT_ONCE:
                self._start(name, actor, options["url"])
            if started % 100 == 0:
                _forget_old()
            if options["count"] is not None and started >= options["count"]:
                return
            time.sleep(options["every"])

    def _start(self, name: str, actor: Actor, url: str | None) -> None:
        version = queries.latest_published(name)
        if version is None:
            self.stderr.write(f"There is no published flow {name}; import flows/examples.")
            return
        inputs = {}
        if url and name == "check-urls":
            inputs["Urls"] = [f"{url}/healthz", f"{url}/login/", "http://127.0.0.1:9/"]
        try:
            execution = start(version, inputs, actor, Execution.Trigger.DEMO)
        except NotStarted as refused:
            self.stderr.write(f"{name}: {refused}")
        else:
            self.stdout.write(f"{name} {execution.pk}")


def _demo() -> Any:
    return Execution.objects.filter(trigger=Execution.Trigger.DEMO, parent=None)


def _under_way() -> int:
    return int(_demo().filter(ended_at=None).count())


def _forget_old() -> None:
    old = _demo().filter(ended_at__lt=timezone.now() - KEEP).values_list("pk", flat=True)
    Execution.objects.filter(pk__in=list(old[:200])).delete()
