"""Starting executions by the API.

    python -m benchmarks.api cost [--number 300]
    python -m benchmarks.api rate [--per-second 500] [--seconds 60] [--processes 2]

`cost` starts a flow by its page and by the API in turns, one request at a time, and says how long
an answer takes and how much processor time of the web server it costs. `rate` sends so many starts
a second, one request a second, and then counts what was started and what has ended.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

from benchmarks.installation import Installation, installation, publish  # isort: skip

import httpx
import psutil
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from benchmarks import flows
from executions.api_tokens import Wanted, issue
from executions.commands.actor import Actor
from executions.models import Execution
from tests.servers import Process, free_port, web_server

FLOW = "measured"
BY_API = f"/api/v1/flows/{FLOW}/executions"


class Site:
    """A web server, a person, and a flow without inputs."""

    def __init__(self, site: Installation) -> None:
        publish(FLOW, flows.THREE_BLOCKS, "{N: {default: 1}, Out: {output: true}}")
        self.user = User.objects.create_superuser("ada")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.server: Process = web_server(site.data.logs / "web.log", dict(os.environ), port)
        site.started.append(self.server)
        _, raw = issue(Actor(None, "ada", "page"), self.user, Wanted("start", ["start"]))
        self.token = {"Authorization": f"Bearer {raw}"}

    def page(self) -> Callable[[], httpx.Response]:
        """Return what starts the flow as its page does."""
        browser = Client()
        browser.force_login(self.user)
        session = browser.cookies["sessionid"].value
        client = httpx.Client(base_url=self.url, cookies={"sessionid": session}, timeout=60)
        client.get(f"/flows/{FLOW}/").raise_for_status()
        token = client.cookies["csrftoken"]
        form = {"csrfmiddlewaretoken": token, "version": "1", "open": ""}
        headers = {"Origin": self.url, "Referer": f"{self.url}/flows/{FLOW}/"}
        return lambda: client.post(f"/flows/{FLOW}/start/", data=form, headers=headers)

    def api(self) -> Callable[[], httpx.Response]:
        """Return what starts the flow by the API."""
        client = httpx.Client(base_url=self.url, headers=self.token, timeout=60)
        return lambda: client.post(f"{BY_API}?async=true", json={})

    def processor(self) -> float:
        """Return the processor time of the web server, in seconds."""
        process = psutil.Process(self.server.pid)
        return sum(
            one.cpu_times().user + one.cpu_times().system
            for one in (process, *process.children(recursive=True))
        )


def cost(site: Site, number: int) -> None:
    """Measure both ways in turns of ten, so that both meet the same load."""
    ways = {"page": site.page(), "api": site.api()}
    took: dict[str, list[float]] = {name: [] for name in ways}
    spent = dict.fromkeys(ways, 0.0)
    for turn in range(number // 10 + 1):
        for name, start in ways.items():
            before = site.processor()
            for _ in range(10):
                began = time.perf_counter()
                status = start().status_code
                assert status in (202, 302), status
                took[name].append(time.perf_counter() - began)
            if turn:  # the first turn compiles and connects
                spent[name] += site.processor() - before
            else:
                took[name].clear()
    for name, times in took.items():
        median = 1000 * statistics.median(times)
        print(
            f"{name}: {median:.1f} ms, {1000 * spent[name] / len(times):.1f} ms processor a start"
        )


def rate(site: Site, per_second: int, seconds: int) -> None:
    """Send a batch each second; then wait until all that was started has ended."""
    client = httpx.Client(base_url=site.url, headers=site.token, timeout=120)
    body = {"executions": [{}] * per_second}
    began, late, ids = time.monotonic(), 0.0, set[str]()
    spent = site.processor()
    for second in range(seconds):
        time.sleep(max(0.0, began + second - time.monotonic()))
        response = client.post(f"{BY_API}/batch", json=body)
        response.raise_for_status()
        ids.update(response.json()["executions"])
        late = max(late, time.monotonic() - began - second)
    took = time.monotonic() - began
    spent = site.processor() - spent
    wanted = per_second * seconds
    print(f"{wanted:,} starts in {took:.1f} s: {wanted / took:.0f} a second")
    print(f"  the slowest second's answer came after {late:.2f} s")
    print(f"  {1000 * spent / wanted:.2f} ms processor of the web server a start")
    stored = Execution.objects.filter(flow_name=FLOW)
    assert stored.count() == len(ids) == wanted, (stored.count(), len(ids))
    at = timezone.now()
    while left := stored.exclude(status="Ended").count():
        assert (timezone.now() - at).total_seconds() < 600, f"{left} have not ended"
        time.sleep(0.5)
    waited = (timezone.now() - at).total_seconds()
    print(f"  all {wanted:,} have ended, {waited:.0f} s after the last start: none is lost")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    ways = parser.add_subparsers(dest="way", required=True)
    measured = ways.add_parser("cost")
    measured.add_argument("--number", type=int, default=300)
    sent = ways.add_parser("rate")
    sent.add_argument("--per-second", type=int, default=500)
    sent.add_argument("--seconds", type=int, default=60)
    sent.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    with installation() as site:
        if asked.way == "cost":
            cost(Site(site), asked.number)
        else:
            site.worker(asked.processes)
            site.beat()
            rate(Site(site), asked.per_second, asked.seconds)


if __name__ == "__main__":
    main()
