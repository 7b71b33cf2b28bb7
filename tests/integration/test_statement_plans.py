"""Statements that look for few executions among many use an index that is made for them: a bound
status still matches an index `WHERE status = …`."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from executions.models import Execution
from executions.states import Status
from executions.store.debug import debug_lease
from executions.store.lifecycle import bulk_transitions, starts, transitions, worker_limits
from executions.store.lifecycle.worker_limits import FLOW, PERSON, WorkerLimit
from executions.store.read import block_counts
from tests.executions_in_tests import copies_that_ended, make_execution

pytestmark = pytest.mark.django_db
#: Executions that have ended, of so many flows.
ENDED, FLOWS = 4_000, 100


@pytest.fixture
def queued(django_user_model: type[User]) -> Execution:
    """An execution that is Queued, among many that have ended."""
    row = make_execution(django_user_model.objects.create_user("ann"), status=Status.QUEUED)
    copies_that_ended(row, ENDED, FLOWS)
    return row


def person(row: Execution) -> WorkerLimit:
    return WorkerLimit(PERSON, row.initiator_id, 2)


def flow(row: Execution) -> WorkerLimit:
    return WorkerLimit(FLOW, row.flow_name, 2)


#: Each statement, by what calls it, and the indexes that it uses.
CASES: list[tuple[Callable[[Execution], Any], list[str]]] = [
    (lambda _: transitions.wake_due(), ["execution_due"]),
    (lambda _: transitions.reclaim_expired(), ["execution_leased"]),
    (lambda _: transitions.postpone_lost_messages(), ["execution_leased"]),
    (lambda row: transitions.wake_waiters([row.pk]), ["execution_awaits"]),
    (lambda row: transitions.pause(row.pk), []),
    (lambda row: transitions.stop(row.pk), []),
    (lambda row: transitions.lock_family(row.pk), ["execution_by_parent"]),
    (lambda row: bulk_transitions.stop([row.pk]), ["execution_by_parent"]),
    (lambda row: bulk_transitions.pause([row.pk]), []),
    (
        lambda row: worker_limits.anyone_waits(starts.events([row.pk])[0]),
        ["execution_queued", "execution_limited_"],
    ),
    (lambda row: person(row).held(), ["execution_held"]),
    (lambda row: WorkerLimit(PERSON, None, 2).held(), ["execution_held"]),
    (lambda row: flow(row).held(), ["execution_held"]),
    (lambda row: person(row).before(row.pk, 3), ["execution_limited_"]),
    (lambda row: flow(row).before(row.pk, 3), ["execution_limited_"]),
    (lambda row: person(row).wake(), ["execution_limited_"]),
    (lambda row: flow(row).wake(), ["execution_limited_"]),
    (lambda _: worker_limits.limits_with_room(), ["execution_limited_", "execution_held"]),
    (lambda _: debug_lease.unanswered(), ["execution_asked"]),
    (lambda _: debug_lease.long_held(), ["execution_debugged"]),
    (lambda row: block_counts._count(row.flow_name, None), ["execution_live_by_flow"]),
    (
        lambda row: block_counts._count(row.flow_name, row.initiator_id),
        ["execution_live_by_flow"],
    ),
]


def test_statements_use_their_indexes(queued: Execution) -> None:
    problems = []
    for call, indexes in CASES:
        plans = plans_of(lambda call=call: call(queued))
        problems += [f"{index} is not used:\n{plans}" for index in indexes if index not in plans]
        if "Seq Scan on executions_execution" in plans:
            problems.append(f"All rows are read:\n{plans}")
    assert not problems, "\n\n".join(problems)


def plans_of(call: Callable[[], Any]) -> str:
    """The statements that a call runs, each with its plan; what the call changes is undone."""
    with transaction.atomic():
        with CaptureQueriesContext(connection) as queries:
            call()
        transaction.set_rollback(True)
    told = []
    with connection.cursor() as cursor:
        for query in queries:
            if re.match(r"\s*(SELECT|WITH|UPDATE|DELETE)", query["sql"]):
                cursor.execute("EXPLAIN " + query["sql"].replace("%", "%%"))
                told += [query["sql"], *(row[0] for row in cursor.fetchall())]
    return "\n".join(told)
