"""The page that load balancers and `manage.py up` ask whether this process can serve."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from redis import Redis
from redis.exceptions import RedisError, ResponseError


@login_not_required
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200 when the database responds and Redis takes what is written, otherwise 503 saying
    what doesn't."""
    problems = [problem for problem in (_database_problem(), _redis_problem()) if problem]
    if problems:
        return HttpResponse(f"{'; '.join(problems)}\n", "text/plain", status=503)
    return HttpResponse("ok\n", "text/plain")


def _database_problem() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "the database doesn't answer"
    return ""


def _redis_problem() -> str:
    """A Redis that is full, or whose disk is, answers, and takes no message for a worker."""
    try:
        with Redis.from_url(settings.REDIS_URL, socket_timeout=2) as client:
            client.set("cortexweb:health", "written", ex=60)
    except ResponseError as refusal:
        return f"Redis accepts no messages: {refusal}"
    except RedisError:
        return "Redis doesn't answer"
    return ""
