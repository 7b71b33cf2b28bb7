"""`manage.py demo`: keeps starting example executions at a gentle rate. `up --demo` runs it."""

import itertools
import time
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from executions.commands.lifecycle.start import NotStarted, start
from executions.management import demo_scenes
from executions.models import Execution
from flows import checks, queries

#: The example flows in the order in which they are started, over and over, with other inputs than
#: the default ones. Some fail, each in another way.
ROUND: tuple[tuple[str, dict[str, Any]], ...] = (
    ("check-orders", {}),
    ("nightly-tour", {}),
    ("check-urls", {}),
    ("access-log-report", {}),
    ("check-order", {"Order": demo_scenes.OF_NOBODY}),
    ("access-log-report", {"LogPath": "yesterday.log"}),
)
#: The start after which people look after what has failed until then.
LOOKED_AFTER = 10
#: Demo executions that may be under way at once, children apart.
AT_ONCE = 12
#: Ended demo executions are kept that long, so that a demo left alone fills no disk.
KEEP = timedelta(hours=6)


class Command(BaseCommand):
    help = (
        "Start an example execution of each kind (one that fails, one at a breakpoint, …), then "
        "keep starting the example flows until it is stopped."
    )
    # The others read every address, page and form of the site first, which takes a second.
    requires_system_checks = (checks.BLOCKS,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--every", type=float, default=4.0, help="seconds between two starts")
        parser.add_argument("--url", help="address of the site, for the flow that checks it")
        parser.add_argument("--count", type=int, help="stop after that many starts")

    def handle(self, *args: Any, **options: Any) -> None:
        demo_scenes.arrange_flows()
        self._open()
        demo_scenes.schedule()
        people: list[User | None] = [None, *map(demo_scenes.account, demo_scenes.PEOPLE)]
        starts = zip(itertools.cycle(ROUND), itertools.cycle(people), strict=False)
        for started, ((name, inputs), user) in enumerate(starts, 1):
            if _under_way() < AT_ONCE:
                self._start(name, inputs, user, options["url"])
            if started == LOOKED_AFTER:
                demo_scenes.look_after_failures()
            if started % 100 == 0:
                _forget_old()
            if options["count"] is not None and started >= options["count"]:
                return
            time.sleep(options["every"])

    def _open(self) -> None:
        try:
            for execution in demo_scenes.run():
                self.stdout.write(f"{execution.flow_name} {execution.pk}")
        except (LookupError, NotStarted) as problem:
            self.stderr.write(str(problem))

    def _start(self, name: str, given: dict[str, Any], user: User | None, url: str | None) -> None:
        version = queries.latest_published(name)
        if version is None:
            self.stderr.write(f"There is no published flow {name}. Import flows/examples.")
            return
        inputs = dict(given)
        if url and name == "check-urls":
            inputs["Urls"] = [f"{url}/healthz", f"{url}/login/", "http://127.0.0.1:9/"]
        try:
            actor = demo_scenes.actor_of(user)
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
