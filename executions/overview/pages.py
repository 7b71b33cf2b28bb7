"""The live pages of a team, in parts: rendered the same for the first view, for a page that polls,
and for the updates that the hub sends to all who look at the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.safestring import SafeString

from executions.overview import figures, presentation, up_next
from executions.overview.scope import Scope
from executions.overview.worker import worker_figures
from executions.part_elements import digest_of, element_of
from flows.rights import FlowIds


@dataclass(frozen=True, slots=True)
class RenderedPart:
    """A part of a page: an element whose `data-part` is a hash of what it shows."""

    name: str
    digest: str
    element: SafeString


class LivePage(Protocol):
    """A page whose parts are rendered for all who look at the same one: pages that are equal have
    equal parts."""

    @property
    def zone(self) -> str:
        """The name of the time zone of its times."""
        ...

    @property
    def templates(self) -> Mapping[str, str]:
        """The templates of the parts, by name."""
        ...

    def context(self) -> dict[str, Any]:
        """Read what the parts show, in the zone."""
        ...


@dataclass(frozen=True)
class OverviewPage:
    """The overview of a scope, with times in a zone; `wall` is the one without controls. `planned`
    are the flows whose schedules its reader sees; None for all."""

    scope: Scope
    zone: str
    wall: bool = False
    planned: FlowIds = frozenset()

    PARTS = ("sentence", "tiles", "charts", "workers", "flows", "up_next", "failures")

    @property
    def templates(self) -> Mapping[str, str]:
        folder = "overview/wall" if self.wall else "overview"
        left_out = set() if self.scope.tells_of_workers else {"workers"}
        left_out |= set() if self._tells_of_schedules else {"up_next"}
        return {name: f"{folder}/{name}.html" for name in self.PARTS if name not in left_out}

    def context(self) -> dict[str, Any]:
        zone = ZoneInfo(self.zone)
        found = figures.take(self.scope, zone)
        context = presentation.of(self.scope, found, zone)
        if self._tells_of_schedules:
            context["up_next"] = up_next.of(found.flow_ids, self.planned, zone, found.at)
        return context

    @property
    def _tells_of_schedules(self) -> bool:
        return not self.wall and self.planned != frozenset()


@dataclass(frozen=True)
class WorkerPage:
    """A worker, and what it runs."""

    name: str
    zone: str

    @property
    def templates(self) -> Mapping[str, str]:
        return {"worker": "overview/worker_parts.html"}

    def context(self) -> dict[str, Any]:
        return worker_figures(self.name)


def render(page: LivePage) -> dict[str, RenderedPart]:
    """Return all parts of a page as it is now."""
    with timezone.override(page.zone), translation.override("en"):
        context = page.context()
        return {
            name: _part(name, render_to_string(template, context).strip())
            for name, template in page.templates.items()
        }


def _part(name: str, html: str) -> RenderedPart:
    digest = digest_of(html)
    return RenderedPart(name, digest, element_of(name, digest, html))
