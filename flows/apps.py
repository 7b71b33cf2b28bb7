from zoneinfo import ZoneInfo

from django.apps import AppConfig
from django.conf import settings

from flows import checks as _checks  # noqa: F401 - registers itself
from flows import sandbox, site_zone, value_sources


class FlowsConfig(AppConfig):
    name = "flows"

    def ready(self) -> None:
        """Evaluate defaults in a sandbox, except in workers, whose processes have limits."""
        site_zone.set_site_zone(ZoneInfo(settings.TIME_ZONE))
        value_sources.set_constant_evaluator(sandbox.evaluate)
