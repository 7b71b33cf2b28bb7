"""The site as a whole: its version, and what /readyz checks."""

from collections.abc import Iterator
from importlib.metadata import version

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric

from cortexweb.health import CHECKS


def collect() -> Iterator[Metric]:
    yield InfoMetricFamily(
        "cortexweb_build", "The version that answers.", {"version": version("cortexweb")}
    )
    checks = GaugeMetricFamily(
        "cortexweb_check_ok",
        "1 where a check of /readyz finds no problem, otherwise 0.",
        labels=["check"],
    )
    for check in CHECKS:
        checks.add_metric([check.name], not check.find_problem())
    yield checks
