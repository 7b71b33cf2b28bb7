"""Many browsers that watch the grid: real pages, real WebSockets, frames read as rows.js does.

    python -m benchmarks.watchers PLAN RECORD

PLAN is a JSON object: url, and watchers as [session, address]. Commands come on stdin: `connect N`
(as many more), `mark` (forget what was received so far), `snapshot` (what each holds at this
moment), `leave N`, `end` (write RECORD, leave). Each is answered by a line on stdout.
"""

import asyncio
import json
import random
import re
import sys
import time
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

ROW = re.compile(r'<tr [^>]*?data-id="([^"]+)" data-revision="(\d+)"[^>]*? data-key="([^"]+)"')
TABLE = re.compile(r'data-newest="([^"]*)" data-oldest="([^"]*)"')
PAGE_SIZE = 50


def place(key: str) -> tuple[int, str]:
    at, _, identity = key.partition("-")
    return int(at), identity


class Watcher:
    """A page: what it holds, and when each revision came."""

    def __init__(self, url: str, session: str, address: str, http: httpx.AsyncClient) -> None:
        self.url, self.address, self.http = url, address, http
        self.cookies = {"Cookie": f"sessionid={session}", "HX-Request": "true"}
        self.held: dict[str, tuple[int, str]] = {}
        self.oldest = ""
        self.last_frame = 0
        self.received: list[tuple[str, int, float]] = []
        self.bytes = self.frames = self.catchups = self.refetched = 0
        #: Milliseconds from the newest change's publication to the frame, and from there to here.
        self.stages: list[tuple[float, float]] = []
        self.ready = asyncio.Event()
        self.socket: ClientConnection | None = None
        self.show_timer: asyncio.TimerHandle | None = None
        self.last_shown: Any = None
        self.tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        socket = f"ws{self.url.removeprefix('http')}/ws/executions/{self.address}"
        async with connect(
            socket,
            additional_headers={"Cookie": self.cookies["Cookie"]},
            origin=self.url,
            max_size=None,
            ping_interval=None,
        ) as self.socket:
            async for text in self.socket:
                self.receive(text)

    def receive(self, text: Any) -> None:
        now = time.time()
        frame = json.loads(text)
        self.bytes += len(text)
        if frame["type"] == "rows":
            self.frames += 1
            if frame["published"]:  # what is replayed measures no delay
                self.stages.append((frame["now"] - frame["published"], now * 1000 - frame["now"]))
            self.apply(frame, now)
        elif frame["type"] == "catchup":
            self.catchups += 1
            wait = random.random() * frame.get("within", 0) / 1000
            asyncio.get_running_loop().call_later(wait, self.begin, self.fetch())

    def apply(self, frame: dict[str, Any], now: float) -> None:
        mismatches = set(frame["mismatches"])
        entered = needs_whole_row = False
        self.last_frame = frame["number"]
        for row in frame["rows"]:
            one, revision = row["id"], row["revision"]
            held = self.held.get(one)
            if held is None and (one in mismatches or "html" not in row):
                continue
            if held is None or held[0] < revision:
                if "html" not in row and row["from"] != held[0]:
                    if held[0]:
                        self.held[one] = (0, held[1])
                        self.refetched += 1
                        needs_whole_row = True
                    continue
                self.held[one] = (revision, row["key"])
                self.received.append((one, revision, now))
            entered = entered or held is None
        if entered:
            self.trim()
            self.show_soon(2.0)
        if needs_whole_row:
            self.last_shown = None
            self.show()

    def trim(self) -> None:
        """As rows.js: what falls off the bottom is on the next page."""
        if len(self.held) > PAGE_SIZE:
            order = sorted(self.held.items(), key=lambda one: place(one[1][1]), reverse=True)
            self.held = dict(order[:PAGE_SIZE])
            self.oldest = order[PAGE_SIZE - 1][1][1]

    async def fetch(self) -> None:
        answer = await self.http.get(f"{self.url}/{self.address}", headers=self.cookies)
        answer.raise_for_status()
        now = time.time()
        _, self.oldest = TABLE.search(answer.text).groups()
        listed = {one: (int(rev), key) for one, rev, key in ROW.findall(answer.text)}
        for one, (revision, _) in listed.items():
            if self.held.get(one, (0, ""))[0] < revision:
                self.received.append((one, revision, now))
        newest = max((place(key) for _, key in listed.values()), default=(0, ""))
        kept = {k: v for k, v in self.held.items() if k not in listed and place(v[1]) > newest}
        newer = {k: v for k, v in self.held.items() if k in listed and v[0] > listed[k][0]}
        self.held = {**kept, **listed, **newer}
        self.trim()
        self.show()
        self.ready.set()

    def show_soon(self, seconds: float) -> None:
        if self.show_timer is None:
            self.show_timer = asyncio.get_running_loop().call_later(seconds, self.show)

    def show(self) -> None:
        self.show_timer = None
        rows = [[one, revision] for one, (revision, _) in self.held.items()]
        shown = {"type": "show", "query": self.address, "newest": "", "oldest": self.oldest}
        if (message := (shown, set(self.held))) != self.last_shown:
            self.last_shown = message
            self.begin(
                self.send(json.dumps({**shown, "rows": rows, "last_frame": self.last_frame}))
            )

    async def send(self, text: str) -> None:
        with suppress(ConnectionClosed):  # `run` reports it
            await self.socket.send(text)

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def record(self, snapshot: dict[str, int] | None) -> dict[str, Any]:
        """What it received; without a snapshot when none was taken of it in time."""
        return {
            "address": self.address,
            "received": self.received,
            "stages": self.stages,
            "snapshot": snapshot,
            "bytes": self.bytes,
            "frames": self.frames,
            "catchups": self.catchups,
            "refetched": self.refetched,
        }


async def main() -> None:
    plan = json.loads(Path(sys.argv[1]).read_text())
    loop = asyncio.get_running_loop()
    limits = httpx.Limits(max_connections=4)
    async with httpx.AsyncClient(limits=limits, timeout=60) as http:
        waiting = [Watcher(plan["url"], *one, http) for one in plan["watchers"]]
        watching: list[tuple[Watcher, asyncio.Task[None]]] = []
        snapshots: dict[Watcher, dict[str, int]] = {}
        while True:
            line = await loop.run_in_executor(None, sys.stdin.readline)
            command, _, given = line.partition(" ")
            command = command.strip()
            if command == "connect":
                for _ in range(int(given)):
                    one = waiting.pop(0)
                    watching.append((one, asyncio.ensure_future(one.run())))
                    await asyncio.wait_for(one.ready.wait(), 60)
            elif command == "leave":
                for _ in range(int(given)):
                    one, task = watching.pop()
                    task.cancel()
                    await asyncio.wait([task])
            elif command == "mark":
                for one, _ in watching:
                    one.received = [(k, rev, 0.0) for k, (rev, _) in one.held.items()]
                    one.stages.clear()
                    one.bytes = one.frames = one.catchups = one.refetched = 0
            elif command == "snapshot":
                snapshots = {one: {k: v[0] for k, v in one.held.items()} for one, _ in watching}
            else:
                ended = [str(task.exception()) for _, task in watching if task.done()]
                records = [one.record(snapshots.get(one)) for one, _ in watching]
                Path(sys.argv[2]).write_text(json.dumps({"watchers": records, "ended": ended}))
                print("ended", flush=True)
                return
            print(command, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
