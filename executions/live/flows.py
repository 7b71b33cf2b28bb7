"""Whoever looks at the page of a flow: hears that executions of it have changed, and asks then."""

from collections.abc import Iterable

from channels.db import database_sync_to_async

from executions.events import ExecutionChanged
from executions.live.changes import Changes, Scope
from executions.live.consumers import LiveConsumer
from executions.live.rendering import RenderedRows
from executions.live.viewers import message
from flows import access as flows_access


class FlowViewer:
    """Someone who looks at a flow."""

    asks: frozenset[str] = frozenset()
    lacking: tuple[Iterable[ExecutionChanged], Iterable[str]] = ((), ())

    def __init__(self, scope: Scope, flow_name: str) -> None:
        self.scope = scope
        self.flow_name = flow_name
        self._published = 0.0
        self._changed = False

    def offer(self, changes: Changes) -> bool:
        for event in changes.seen(self.scope).values():
            if event.flow_name == self.flow_name:
                self._changed = True
                self._published = max(self._published, event.published_at)
        return self._changed

    def frame(self, rows: RenderedRows) -> str | None:
        if not self._changed:
            return None
        published, self._published, self._changed = self._published, 0.0, False
        return message("changed", flow=self.flow_name, published=int(published * 1000))


class FlowConsumer(LiveConsumer):
    """The page of one flow."""

    async def viewer(self, scope: Scope) -> FlowViewer:
        name: str = self.scope["url_route"]["kwargs"]["name"]
        await database_sync_to_async(flows_access.get)(scope.user, name)
        return FlowViewer(scope, name)
