"""The pages that load balancers, `manage.py up` and monitoring ask how the site is."""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from redis import Redis
from redis.exceptions import RedisError, ResponseError

from executions import queues, workers


@dataclass(frozen=True)
class Check:
    """Something that has to be so for the site to work. `find_problem` returns what is wrong, if
    anything.

    A fatal problem keeps pages from being served. With another one people can look, but executions
    do not move as they should.
    """

    name: str
    find_problem: Callable[[], str]
    is_fatal: bool = False


@login_not_required
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200 when the database responds and Redis accepts writes, else 503 with the reason."""
    problems = [problem for problem in (_database_problem(), _redis_problem()) if problem]
    if problems:
        return HttpResponse(f"{'; '.join(problems)}\n", "text/plain", status=503)
    return HttpResponse("ok\n", "text/plain")


@login_not_required
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer what is wrong, a line for each problem: 503 when that keeps pages from being served,
    otherwise 200."""
    found = [(check, problem) for check in CHECKS if (problem := check.find_problem())]
    is_ready = not any(check.is_fatal for check, _ in found)
    lines = ["ready" if is_ready else "not ready"]
    for check, problem in found:
        lines.append(f"{'error' if check.is_fatal else 'warning'}: {check.name}: {problem}")
    return HttpResponse("\n".join(lines) + "\n", "text/plain", 200 if is_ready else 503)


def _database_problem() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "the database doesn't answer"
    return ""


def _migrations_problem() -> str:
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return ""  # another check says so
    if not pending:
        return ""
    first = f"{pending[0][0].app_label} {pending[0][0].name}"
    return f"{len(pending)} pending, from {first} on; run `manage.py migrate`"


def _redis_problem() -> str:
    """Return why Redis accepts no messages, or "". A full one still answers, but accepts none."""
    try:
        with Redis.from_url(settings.REDIS_URL, socket_timeout=2) as client:
            client.set("cortexweb:health", "written", ex=60)
    except ResponseError as refusal:
        return f"Redis accepts no messages: {refusal}"
    except RedisError:
        return "Redis doesn't answer"
    return ""


def _workers_problem() -> str:
    found = workers.read()
    if found is None:
        return ""  # another check says so
    if not any(not worker.is_silent for worker in found):
        return "no worker is online; start `celery -A cortexweb worker`"
    silent = [worker.name for worker in found if worker.is_silent]
    return f"silent without having ended: {', '.join(silent)}" if silent else ""


def _queues_problem() -> str:
    found = workers.read()
    online = [worker for worker in found or () if not worker.is_silent]
    if not online:
        return ""  # another check says so
    served = {queue for worker in online for queue in worker.queues}
    missing = [queue for queue in queues.ALL if queue not in served]
    return f"no worker takes from {', '.join(missing)}" if missing else ""


def _scheduler_problem() -> str:
    if workers.is_scheduler_running() is False:
        return "nothing has been scheduled lately; start `celery -A cortexweb beat`, once"
    return ""


CHECKS = (
    Check("database", _database_problem, is_fatal=True),
    Check("migrations", _migrations_problem, is_fatal=True),
    Check("redis", _redis_problem, is_fatal=True),
    Check("workers", _workers_problem),
    Check("queues", _queues_problem),
    Check("scheduler", _scheduler_problem),
)
