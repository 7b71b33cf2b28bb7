"""Answers that wait for the end of an execution."""

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import connection
from django.http import Http404, HttpResponse
from django.urls import reverse

from executions.api.execution_details import detail_of
from executions.api.json_answer import json_answer
from executions.api.problems import Problem
from executions.api.starts import deleted_problem
from executions.api.values import Form
from executions.live.hub import hub
from executions.states import Status


class PendingAnswer(HttpResponse):
    """Says that an execution was started (`now`). A server that can wait completes it when that has
    ended, or sends it as it is after some seconds (`cortexweb.web.handler`).

    `read` makes the final answer; it returns None as long as the execution has not ended.
    """

    def __init__(
        self,
        execution_id: UUID,
        now: HttpResponse,
        seconds: float,
        read: Callable[[], HttpResponse | None],
    ) -> None:
        super().__init__(now.content, status=now.status_code, headers=dict(now.items()))
        self._execution_id = str(execution_id)
        self._seconds = seconds
        self._read = read
        if not connection.in_atomic_block:
            # Others need it while this one waits.
            connection.close()

    async def complete(self) -> None:
        """Wait, and take the status and the content of the final answer."""
        read = database_sync_to_async(self._read)
        found = await hub.ended(self._execution_id, self._seconds, read)
        if found is None:
            return
        self.status_code = found.status_code
        self.content = found.content
        del self["Location"]
        del self["Content-Encoding"]
        for name, value in found.items():
            self[name] = value
        self["Content-Length"] = str(len(found.content))


def waiting_seconds(wanted: float | None = None) -> float:
    """Return how long a start waits: as long as it may, or less. Raises Problem when as many wait
    in this process as may."""
    most: float = settings.API_WAIT_SECONDS
    seconds = most if wanted is None else min(wanted, most)
    if seconds and len(hub.ends) >= settings.API_WAITING:
        raise Problem(
            HTTPStatus.TOO_MANY_REQUESTS,
            "Too many requests wait for the end of their executions. Try again, or start with "
            "async=true and ask for the execution later. Nothing was started.",
            headers={"Retry-After": "1"},
        )
    return seconds


def started(
    execution_id: UUID,
    form: Form,
    seconds: float,
    render: Callable[[dict[str, Any]], HttpResponse],
    content: dict[str, Any] | None = None,
) -> HttpResponse:
    """Return the answer to a start, which waits up to some seconds for the end of the execution.

    `render` makes the answer of an execution that Ended, from what `ExecutionDetail` says;
    `content` is the answer of one that goes on, by default what `StartedExecution` says.
    """
    address = reverse("api:execution", args=[execution_id])
    content = content or {"id": execution_id, "status": Status.QUEUED, "address": address}
    now = json_answer(content, HTTPStatus.ACCEPTED)
    now["Location"] = address
    if not seconds:
        return now
    return PendingAnswer(execution_id, now, seconds, partial(_ended, execution_id, form, render))


def _ended(
    execution_id: UUID, form: Form, render: Callable[[dict[str, Any]], HttpResponse]
) -> HttpResponse | None:
    """Return the answer of an execution that has ended; None as long as it has not."""
    try:
        detail = detail_of(execution_id, form)
    except Http404:
        return deleted_problem([execution_id]).response()
    status = Status(detail["status"])
    if not status.is_terminal:
        return None
    if status is Status.ENDED:
        return render(detail)
    exception = detail["exception"]
    return Problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        f"{exception['type']}: {exception['message']}" if exception else "Somebody stopped it.",
        title=f"The execution ended with the status {status}",
        extra={"execution": detail["id"], "execution_status": status, "exception": exception},
    ).response()
