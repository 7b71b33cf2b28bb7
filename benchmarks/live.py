"""How fast changes reach the pages that watch, and what that costs the web process.

    python -m benchmarks.live [--executions 1000000] [--watchers 200] [--rate 1000] [--seconds 20]

One web process as `up` starts it, real WebSocket clients in a process of their own
(benchmarks/watchers.py), real commits in another (benchmarks/changes.py). `--profile FILE` has
py-spy (`pip install py-spy`) record the web process meanwhile. The load shares the machine with
what it measures: how busy that was is printed too.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import psutil

# It sets the environment that everything of Django's reads.
from benchmarks.installation import FOLDER, Installation, installation  # isort: skip
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.http import QueryDict

from benchmarks.fill import fill
from cortexweb.up.options import Options
from cortexweb.up.programs import app_programs
from executions import access
from executions.grid.paging.page_query import PageQuery
from executions.models import Execution
from tests.servers import PROJECT, Process, free_port

#: What the watchers look at, in parts of a hundred; `own` sees only what it started.
GROUPED_LIMIT = (
    ("all", "", 45),
    ("all", "?status=Running", 10),
    ("all", "?status=Error&status=Exception", 10),
    ("all", "?flow={flow}", 10),
    ("all", "?q=order", 5),
    ("own", "", 15),
    ("own", "?status=Running", 5),
)
#: Connections that come and go first, so that what the first of them costs is not counted.
WARMING = 20
#: Seconds after the last commit until everything shown has to be right.
SETTLED = 1.0


def session_of(user: User) -> str:
    """A signed-in session, as the sign-in page makes it."""
    store: Any = import_module(settings.SESSION_ENGINE).SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.create()
    return str(store.session_key)


def people() -> dict[str, User]:
    """One who sees everything, and one of those who start executions."""
    everything = User.objects.create_user("watcher")
    everything.user_permissions.add(Permission.objects.get(codename="view_execution"))
    return {"all": everything, "own": User.objects.get(username="ada")}


def plan(count: int) -> list[tuple[User, str]]:
    """Who watches what, mixed."""
    users, flow = people(), Execution.objects.values_list("flow_name", flat=True).first()
    looked_at: list[tuple[User, str]] = []
    for whose, address, share in GROUPED_LIMIT:
        looked_at += [(users[whose], address.format(flow=flow))] * max(1, count * share // 100)
    # In an order in which any first part of them is a mix too.
    return [looked_at[n * 61 % len(looked_at)] for n in range(len(looked_at))]


class Watchers:
    """The process of the watching browsers."""

    def __init__(self, url: str, plan: list[tuple[User, str]]) -> None:
        sessions = {user.pk: session_of(user) for user, _ in plan}
        self.plan, self.record = FOLDER / "plan.json", FOLDER / "record.json"
        watchers = [(sessions[user.pk], address) for user, address in plan]
        self.plan.write_text(json.dumps({"url": url, "watchers": watchers}))
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.watchers", self.plan, self.record],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
        )

    def say(self, command: str) -> None:
        """Have it done, and wait until it is."""
        assert self.popen.stdin is not None
        assert self.popen.stdout is not None
        self.popen.stdin.write(f"{command}\n")
        self.popen.stdin.flush()
        if not self.popen.stdout.readline():
            raise SystemExit("The watching process has ended; its error is above.")


def web(site: Installation, port: int) -> Process:
    """The web process as `up` starts it."""
    [program] = [p for p in app_programs(Options(port, 1, False, None), site.data, PROJECT)
                 if p.name == "web"]  # fmt: skip
    env = {**os.environ, "HTTPS_ONLY": "false"}
    process = Process("web", program.command, site.data.logs / "web.log", env, cwd=PROJECT)
    site.started.append(process)
    process.wait_until(lambda: "Uvicorn running on" in process.output)
    return process


def measure(site: Installation, options: argparse.Namespace) -> None:
    call_command("import_flows", str(PROJECT / "flows" / "examples"), publish=True, verbosity=0)
    took = fill(options.executions)
    say(f"{Execution.objects.count():,} executions, filled in {took:.0f} s")
    port = free_port()
    server = psutil.Process(web(site, port).pid)
    watched = plan(options.watchers)
    watchers = Watchers(f"http://127.0.0.1:{port}", watched[-WARMING:] + watched)
    watchers.say(f"connect {WARMING}")
    watchers.say(f"leave {WARMING}")
    time.sleep(1)
    before = server.memory_info().rss
    began = time.monotonic()
    watchers.say(f"connect {len(watched)}")
    say(f"{len(watched)} watchers connected in {time.monotonic() - began:.1f} s")
    time.sleep(4)  # a heartbeat later
    memory = (server.memory_info().rss - before) / len(watched)
    watchers.say("mark")
    commits_file = FOLDER / "commits.txt"
    command = [sys.executable, "-m", "benchmarks.changes", "--commits", str(commits_file)]
    command += ["--rate", str(options.rate), "--starts", str(options.starts)]
    command += ["--seconds", str(options.seconds)]
    profiler = profile(server.pid, options) if options.profile else None
    parts = {
        "web": server,
        "postgres": psutil.Process(site.postgres_process.pid),
        "redis": psutil.Process(site.redis_process.pid),
        "watchers": psutil.Process(watchers.popen.pid),
    }
    psutil.cpu_percent()
    before_burst = {name: used(process) for name, process in parts.items()}
    at = time.monotonic()
    driver = subprocess.run(command, check=True, capture_output=True, text=True, cwd=PROJECT)
    busy, elapsed = psutil.cpu_percent(), time.monotonic() - at
    cores = {name: used(parts[name]) - before_burst[name] for name in parts}
    reached, ended, _, cores["changes"] = map(float, driver.stdout.split())
    time.sleep(max(0.0, ended + SETTLED - time.time()))
    watchers.say("snapshot")
    peak = server.memory_info().rss
    watchers.say("end")
    if profiler:
        profiler.wait()
    lines = [line.split() for line in commits_file.read_text().splitlines()]
    commits = [(one, int(revision), float(at)) for one, revision, at in lines]
    recorded = json.loads(watchers.record.read_text())
    elapsed_burst = commits[-1][2] - commits[0][2]
    say(f"{reached:.0f} changes a second of the {options.rate} asked, {options.starts} of them new")
    report(recorded["watchers"], commits, elapsed_burst)
    shares = {name: seconds / elapsed for name, seconds in cores.items()}
    shares["web"] = cores["web"] / elapsed_burst
    shares["others"] = busy / 100 * (psutil.cpu_count() or 1) - sum(shares.values())
    say("cores: " + ", ".join(f"{name} {share:.2f}" for name, share in shares.items())
        + f"; the machine was {busy:.0f} % busy")  # fmt: skip
    say(f"memory: {memory / 1000:.0f} KB a connection at rest, "
        f"{(peak - before) / len(watched) / 1000:.0f} KB after the burst")  # fmt: skip
    for error in recorded["ended"]:
        say(f"a connection ended: {error}")
    wrong(recorded["watchers"], watched)


def report(
    watchers: list[dict[str, Any]], commits: list[tuple[str, int, float]], seconds: float
) -> None:
    """Delays of every change that a page showed, or that a newer one came in the place of."""
    times: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for one, revision, at in commits:
        times[one].append((revision, at))
    delays: list[float] = []
    newest: list[float] = []
    fastest = 0
    for watcher in watchers:
        came: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for one, revision, at in watcher["received"]:
            came[one].append((revision, at))
        for one, arrivals in came.items():
            arrivals.sort()
            if not (changes := times.get(one)):
                continue
            seconds_of = [int(at) for _, at in arrivals if at]
            fastest = max(fastest, *(seconds_of.count(s) for s in set(seconds_of)), 0)
            position = 0
            known = dict(changes)
            newest += [at - known[rev] for rev, at in arrivals if at and rev in known]
            for revision, committed in changes:
                if revision <= arrivals[0][0] and not (revision == 1 and arrivals[0][0] == 1):
                    continue  # before the page showed it
                while position < len(arrivals) and arrivals[position][0] < revision:
                    position += 1
                if position == len(arrivals):
                    break
                if arrivals[position][1]:
                    delays.append(arrivals[position][1] - committed)
    for name, found in (("every change", delays), ("what was painted", newest)):
        found.sort()
        parts = [f"p{p} {found[int(len(found) * p / 100)] * 1000:.0f} ms" for p in (50, 95, 99)]
        say(f"commit to frame, {name} ({len(found):,}): {', '.join(parts)}, "
            f"most {found[-1] * 1000:.0f} ms")  # fmt: skip
    for place, name in enumerate(("newest change to frame", "frame to page")):
        found = sorted(stages[place] for watcher in watchers for stages in watcher["stages"])
        parts = [f"p{p} {found[int(len(found) * p / 100)]:.0f} ms" for p in (50, 95, 99)]
        say(f"of that, {name}: {', '.join(parts)}")
    frames, sent = sum(w["frames"] for w in watchers), sum(w["bytes"] for w in watchers)
    rows = sum(len(w["received"]) for w in watchers)
    say(f"{frames / seconds / len(watchers):.1f} frames a second a page, "
        f"{sent / seconds / len(watchers) / 1000:.0f} KB/s a page, "
        f"{rows / seconds:,.0f} rows/s, {sum(w['catchups'] for w in watchers)} catch-ups, "
        f"{sum(w['refetched'] for w in watchers)} rows asked for again, "
        f"at most {fastest} updates of a row a second")  # fmt: skip


def wrong(watchers: list[dict[str, Any]], watched: list[tuple[User, str]]) -> None:
    """Rows that a page held with another revision than the database, or did not hold at all."""
    stale = missing = held = without = 0
    revisions: dict[str, int] = {}
    ids = {one for watcher in watchers for one in watcher["snapshot"] or ()}
    for pk, revision in Execution.objects.filter(pk__in=ids).values_list("pk", "revision"):
        revisions[str(pk)] = revision
    for watcher, (user, address) in zip(watchers, watched, strict=True):
        if (snapshot := watcher["snapshot"]) is None:
            without += 1
            continue
        held += len(snapshot)
        stale += sum(revision != revisions[one] for one, revision in snapshot.items())
        query = PageQuery.parse(QueryDict(address.removeprefix("?")))
        rows = access.visible(user).filter(query.filters.condition())
        rows = rows.filter(parent=None) if query.is_tree else rows
        listed = rows.order_by("-started_at", "-id").values_list("pk", flat=True)[:50]
        # A row that has left the filter keeps its place until the page is fetched again.
        lost = [one for one in listed if str(one) not in snapshot]
        missing += len(lost) if query.is_tree else max(0, len(lost) - struck(snapshot, rows))
    say(f"{SETTLED:.0f} s after the burst: of {held:,} rows {stale} stale, {missing} missing")
    if without:
        say(f"{without} of {len(watchers)} watchers without a snapshot in time")


def used(process: psutil.Process) -> float:
    """Seconds of CPU, with those of the processes that it started."""
    seconds = 0.0
    for one in [process, *process.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            seconds += times.user + times.system
    return seconds


def struck(snapshot: dict[str, int], rows: Any) -> int:
    return len(snapshot) - rows.filter(pk__in=list(snapshot)).count()


def profile(pid: int, options: argparse.Namespace) -> subprocess.Popen[bytes]:
    command = ["py-spy", "record", "--rate", "100", "--duration", str(int(options.seconds) + 1)]
    command += ["--format", "raw", "--gil", "--pid", str(pid), "--output", str(options.profile)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def say(line: str) -> None:
    print(line, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--executions", type=int, default=1_000_000)
    parser.add_argument("--watchers", type=int, default=200)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--starts", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--profile", type=Path)
    options = parser.parse_args()
    with installation() as site:
        measure(site, options)


if __name__ == "__main__":
    main()
