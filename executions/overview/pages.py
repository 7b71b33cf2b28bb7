"""The live pages of a team, in parts: rendered the same for the first view, for a page that polls,
and for the updates that the hub sends to all who look at the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.safestring import SafeString

from executions.overview import figures, presentation
from executions.overview.scope import Scope
from executions.overview.worker import worker_figures
from executions.part_elements import digest_of, element_of


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
    """The overview of a scope, with times in a zone; `wall` is the one without controls."""

    scope: Scope
    zone: str
    wall: bool = False

    PARTS = ("sentence", "tiles", "charts", "workers", "flows", "failures")

    @property
    def templates(self) -> Mapping[str, str]:
        folder = "overview/wall" if self.wall else "overview"
        shown = [name for name in self.PARTS if name != "workers" or self.scope.tells_of_workers]
        return {name: f"{folder}/{name}.html" for name in shown}

    def context(self) -> dict[str, Any]:
        zone = ZoneInfo(self.zone)
        return presentation.of(self.scope, figures.take(self.scope, zone), zone)


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
