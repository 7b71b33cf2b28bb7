"""Changes of executions as server-sent events, from the hub that also serves the pages.

A stream has no gap: on connecting, after a loss, and with `Last-Event-ID`, it first reads from the
database what has changed since. An execution may be told of twice with the same revision.
"""

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import timedelta
from typing import Any

from channels.db import database_sync_to_async
from django.contrib.auth import get_user_model
from django.db import DatabaseError, connection
from django.http import StreamingHttpResponse
from django.utils import timezone
from ninja.responses import NinjaJSONEncoder

from executions.api.problems import invalid
from executions.api.schemas import ExecutionSummary
from executions.events import ExecutionChanged
from executions.grid.query.filters import Filters
from executions.grid.table import keyset
from executions.grid.table.row_events import read_events
from executions.grid.table.sorting import RowKey, Sort
from executions.live.changes import CommittedChanges, Visibility, interned
from executions.live.connection import Connection
from executions.live.hub import COMMITTED_WITHIN, hub
from executions.live.rendering import RenderedRows
from executions.live.viewers import PENDING_LIMIT, Viewer
from executions.models import ApiToken, Execution

#: The ids of events are keys of the grid in this order.
ORDER = Sort("updated", descending=False)
#: Executions that a client may have missed; one that has missed more lists them instead.
CAUGHT_UP_LIMIT = 10_000
#: Changes read in a statement.
READ_AT_ONCE = 500
#: Milliseconds after which a client connects again.
RETRY = 2000
#: Seconds between two checks of whose stream it is.
CHECK_USER_EVERY = 30.0
TOO_SLOW = (
    "You read more slowly than executions change. Connect again with Last-Event-ID, or with "
    "narrower filters."
)
TOO_FAR = (
    f"More than {CAUGHT_UP_LIMIT:,} executions have changed since. List them, then connect "
    "without Last-Event-ID."
)
SIGNED_OUT = "You may no longer see this. Sign in, then connect again."


class Dropped(Exception):
    """The stream ends; the text says why."""


class EventsViewer(Viewer):
    """A client that reads the changes of the executions that match a filter."""

    def __init__(self, visibility: Visibility, filters: Filters) -> None:
        super().__init__(visibility)
        self.filters = interned(filters.seen_by(visibility.user))
        self.filter_variables = self.filters.variables
        self.depends_on_flows = self.filters.depend_on_flows
        self._pending: dict[str, ExecutionChanged] = {}
        self._is_overrun = False

    def offer(self, changes: CommittedChanges) -> bool:
        self._pending.update(changes.matching(self.visibility, self.filters))
        if len(self._pending) > PENDING_LIMIT:
            self._pending.clear()
            self._is_overrun = True
        return bool(self._pending or self._is_overrun)

    def frame(self, rows: RenderedRows) -> str | None:
        if self._is_overrun:
            raise Dropped(TOO_SLOW)
        pending, self._pending = self._pending, {}
        return encode_events(pending.values()) if pending else None


def encode_events(events: Iterable[ExecutionChanged]) -> str:
    """Return events as they are sent, the oldest change first."""
    keyed = sorted((str(ORDER.key(event)), event) for event in events)
    return "".join(
        f"id: {key}\nevent: execution\ndata: {_json(_summary(event))}\n\n" for key, event in keyed
    )


def stream(user: Any, filters: Filters, last_id: str | None) -> StreamingHttpResponse:
    """Return the answer that tells of the changes from now on, or from the last event on. Raises
    Problem for an id that no event had."""
    after = ORDER.key_at(timezone.now()) if last_id is None else ORDER.parse_key(last_id)
    if after is None:
        raise invalid("No event had this id.", "Last-Event-ID", "header", "Last-Event-ID")
    viewer = EventsViewer(Visibility.of(user), filters)
    if not connection.in_atomic_block:
        # Others need it while this one listens.
        connection.close()
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingHttpResponse(
        _Listener(viewer, after).events(), content_type="text/event-stream", headers=headers
    )


class _Listener:
    """One stream."""

    def __init__(self, viewer: EventsViewer, after: RowKey) -> None:
        self._viewer = viewer
        #: Where the changes stand that the client has been told of.
        self._after = after
        self._checked_at = timezone.now()

    async def events(self) -> AsyncIterator[str]:
        """Yield what is sent, until the client leaves or is dropped."""
        yield f"retry: {RETRY}\n\n"
        connected = hub.join(self._viewer)
        try:
            while True:
                await connected.wake.wait()  # at the latest at the hub's next heartbeat
                await self._check_user(connected)
                for frame in connected.take_frames(hub.rows):
                    if not frame.startswith("{"):
                        self._note(frame)
                        yield frame
                        continue
                    kind = json.loads(frame)["type"]
                    if kind == "catchup":
                        async for missed in self._missed():
                            yield missed
                    elif kind == "beat":
                        yield ": beat\n\n"
        except Dropped as dropped:
            yield f"event: dropped\ndata: {json.dumps({'reason': str(dropped)})}\n\n"
        finally:
            await hub.leave(connected)

    async def _missed(self) -> AsyncIterator[str]:
        """Yield what has changed since the last change that was told of, page by page."""
        after = self._since()
        told = 0
        while found := await _changed_since(self._viewer, after):
            told += len(found)
            if told > CAUGHT_UP_LIMIT:
                raise Dropped(TOO_FAR)
            text = encode_events(found)
            self._note(text)
            yield text
            after = ORDER.key(found[-1])
            if len(found) < READ_AT_ONCE:
                return

    def _since(self) -> RowKey:
        """Return the key to read from: what was committed late has an earlier time."""
        moment = self._after.values[0] - timedelta(seconds=COMMITTED_WITHIN)
        return ORDER.key_at(moment) or self._after

    def _note(self, text: str) -> None:
        last = text.rpartition("id: ")[2].partition("\n")[0]
        key = ORDER.parse_key(last)
        if key is not None and str(key) > str(self._after):
            self._after = key

    async def _check_user(self, connected: Connection) -> None:
        now = timezone.now()
        is_overdue = (now - self._checked_at).total_seconds() >= CHECK_USER_EVERY
        if not (is_overdue or connected.must_check_user):
            return
        self._checked_at, connected.must_check_user = now, False
        try:
            may = await database_sync_to_async(_may_still)(self._viewer.visibility)
        except DatabaseError:
            return  # checked again later
        if not may:
            raise Dropped(SIGNED_OUT)


def _may_still(visibility: Visibility) -> bool:
    """Return whether the user still sees the same executions."""
    user = get_user_model()._default_manager.filter(pk=visibility.user.pk, is_active=True).first()
    if user is None:
        return False
    if token := getattr(visibility.user, "api_token", None):
        token = ApiToken.objects.filter(pk=token.pk).first()
        if token is None or token.ended_at is not None:
            return False
        user.api_token = token  # type: ignore[attr-defined]
    return Visibility.of(user).rights == visibility.rights


def _read_changes(viewer: EventsViewer, after: RowKey) -> list[ExecutionChanged]:
    wanted = viewer.visibility.key.condition() & viewer.filters.condition()
    rows = Execution.objects.filter(wanted, keyset.rows_below(after))
    return read_events(rows.order_by(*keyset.order_by(ORDER))[:READ_AT_ONCE])


_changed_since = database_sync_to_async(_read_changes)


def _summary(event: ExecutionChanged) -> Mapping[str, Any]:
    fields = ExecutionSummary.model_fields
    return {name: getattr(event, name) for name in fields}


def _json(content: Any) -> str:
    return json.dumps(content, cls=NinjaJSONEncoder, separators=(",", ":"))
