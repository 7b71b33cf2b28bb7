"""The team's pages among many executions of many flows, while many browsers look at them.

    python -m benchmarks.team [--executions 1000000] [--flows 1000] [--viewers 200] [--rate 100]

One web process as `up` starts it answers each page TIMES times: alone, and while viewers have
WebSockets open to the overview, its wall, the failures and the flows, and executions change at the
rate. Printed are the medians and the slowest, and what each viewer was sent. The executions are
those of benchmarks/fill.py in 30 days; their failures are grouped and their statistics counted by
the product's own commands. To fill once and measure again, name a folder for the data
(benchmarks/installation.py).
"""

import argparse
import asyncio
import io
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

import httpx
import psutil
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

# It sets the environment that everything of Django's reads.
from benchmarks import flows

from benchmarks.installation import FOLDER, Installation, installation, publish  # isort: skip
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection

from benchmarks.fill import fill
from benchmarks.live import session_of, used, web
from executions.models import Execution, FailureGroup
from tests.servers import PROJECT, free_port

DAYS = 30
#: Times that each page is asked for.
TIMES = 9
#: Samples of what was under way, of all flows (0) and of a hundred: each minute of two days, each
#: quarter of an hour before, as they are kept.
_SAMPLES = """
    INSERT INTO executions_livesample (flow_id, at, running, queued, needs_person, is_quarter)
    SELECT flow_id, at, 20 + random() * 40, random() * 10, random() * 5, at < now() - interval '2 d'
    FROM (SELECT 0 AS flow_id UNION ALL (SELECT id FROM flows_flow LIMIT 100)) AS counted,
        LATERAL (
            SELECT date_trunc('minute', now()) - n * interval '1 min' AS at
            FROM generate_series(1, 30 * 1440) AS n
        ) AS moments
    WHERE at >= now() - interval '2 d' OR date_bin('15 min', at, 'epoch') = at
    ON CONFLICT DO NOTHING
"""
#: What viewers look at, in parts of a hundred.
SOCKETS = (
    ("/ws/overview/UTC/", 40),
    ("/ws/overview/UTC/?span=30d", 10),
    ("/ws/overview/wall/UTC/", 10),
    ("/ws/overview/Europe/Berlin/", 10),
    ("/ws/failures/", 15),
    ("/ws/flows/", 15),
)


def pages(flow: str, group: FailureGroup) -> dict[str, str]:
    """Each page, by its name."""
    return {
        "grid, first page": "/",
        "overview, 24 h": "/overview/",
        "overview, 30 days": "/overview/?span=30d",
        "overview, the period before": "/overview/?compare=before",
        "wall": "/overview/wall/",
        "failures": "/failures/",
        "a failure": group.get_absolute_url(),
        "flows": "/flows/",
        "a flow": f"/flows/{flow}/",
        "schedules": "/schedules/",
        "logs": "/logs/",
        "alerts": "/alerts/",
        "audit": "/audit/",
    }


@dataclass
class Viewer:
    """A browser with a live page open: the frames of its socket, and their bytes."""

    url: str
    session: str
    frames: int = 0
    bytes: int = 0
    ended: str = ""

    async def run(self, origin: str) -> None:
        try:
            async with connect(
                self.url,
                additional_headers={"Cookie": f"sessionid={self.session}"},
                origin=origin,  # type: ignore[arg-type]
                max_size=None,
                ping_interval=None,
            ) as socket:
                async for text in socket:
                    self.frames += 1
                    self.bytes += len(text)
        except ConnectionClosed as closed:
            self.ended = str(closed)


async def ask(url: str, session: str, addresses: dict[str, str]) -> dict[str, list[float]]:
    """Return how many milliseconds each page took, each time."""
    took: dict[str, list[float]] = {name: [] for name in addresses}
    async with httpx.AsyncClient(cookies={"sessionid": session}, timeout=60) as client:
        for number in range(TIMES + 1):
            for name, address in addresses.items():
                began = time.perf_counter()
                answer = await client.get(url + address)
                if answer.status_code != 200:
                    raise SystemExit(f"{address} answered {answer.status_code}.")
                if number:  # the first one warms caches
                    took[name].append((time.perf_counter() - began) * 1000)
    return took


async def measure(port: int, options: argparse.Namespace, server: psutil.Process) -> None:
    user = await asyncio.to_thread(_viewer)
    session = await asyncio.to_thread(session_of, user)
    url, sockets = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}"
    group = await FailureGroup.objects.order_by("-count").afirst()
    if group is None:
        raise SystemExit("No execution has failed: fill in more.")
    addresses = pages("flow-0001", group)
    alone = await ask(url, session, addresses)
    chosen = [address for address, share in SOCKETS for _ in range(share)]
    viewers = [
        Viewer(sockets + chosen[n * 61 % len(chosen)], session) for n in range(options.viewers)
    ]
    tasks = [asyncio.create_task(viewer.run(url)) for viewer in viewers]
    await asyncio.sleep(5)
    for viewer in viewers:
        viewer.frames = viewer.bytes = 0
    command = [sys.executable, "-m", "benchmarks.changes", "--rate", str(options.rate)]
    command += ["--commits", str(FOLDER / "commits.txt"), "--starts", "5"]
    command += ["--seconds", str(options.seconds)]
    changes = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL)
    before, began = used(server), time.monotonic()
    watched = await ask(url, session, addresses)
    while changes.poll() is None:
        await asyncio.sleep(0.1)
    seconds = time.monotonic() - began
    cores = (used(server) - before) / seconds
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    report(alone, watched)
    print(f"\nThe web process used {cores:.2f} cores for {seconds:.0f} s.")
    for address, _ in SOCKETS:
        those = [viewer for viewer in viewers if viewer.url == sockets + address]
        frames = sum(viewer.frames for viewer in those) / seconds / max(len(those), 1)
        size = sum(viewer.bytes for viewer in those) / seconds / max(len(those), 1)
        ended = sum(bool(viewer.ended) for viewer in those)
        print(f"{address}: {len(those)} viewers, {frames:.2f} frames/s, {size / 1000:.1f} KB/s"
              f" each; {ended} ended")  # fmt: skip


def _viewer() -> User:
    found = User.objects.filter(username="viewer").first()
    return found or User.objects.create_superuser("viewer")


def report(alone: dict[str, list[float]], watched: dict[str, list[float]]) -> None:
    print("\n| page | alone, ms | slowest | watched, ms | slowest |\n|---|---|---|---|---|")
    for name in alone:
        figures = [
            figure(took[name]) for took in (alone, watched) for figure in (statistics.median, max)
        ]
        print(f"| {name} | {' | '.join(f'{figure:.0f}' for figure in figures)} |")


def prepare(options: argparse.Namespace) -> None:
    if Execution.objects.count() >= options.executions:
        return
    for number in range(options.flows):
        publish(f"flow-{number:04}", flows.THREE_BLOCKS, flows.THREE_BLOCKS_VARIABLES)
    print(f"{options.executions:,} executions in {fill(options.executions, DAYS):.0f} s")
    with connection.cursor() as cursor:
        cursor.execute(_SAMPLES)
    began = time.monotonic()
    call_command("group_failures", stdout=io.StringIO())
    print(f"{FailureGroup.objects.count()} groups of failures in {time.monotonic() - began:.0f} s")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def run(site: Installation, options: argparse.Namespace) -> None:
    prepare(options)
    print(f"{Execution.objects.count():,} executions, load {os.getloadavg()[0]:.1f}", flush=True)
    site.beat()
    port = free_port()
    asyncio.run(measure(port, options, psutil.Process(web(site, port).pid)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--executions", type=int, default=1_000_000)
    parser.add_argument("--flows", type=int, default=1000)
    parser.add_argument("--viewers", type=int, default=200)
    parser.add_argument("--rate", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=30)
    options = parser.parse_args()
    with installation() as site:
        run(site, options)


if __name__ == "__main__":
    main()
