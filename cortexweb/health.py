"""The page that load balancers and `manage.py up` ask whether this process can serve."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from redis import Redis
from redis.exceptions import RedisError


@login_not_required
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200 when database and Redis respond, otherwise 503 naming what doesn't."""
    answers = {"database": _database_answers(), "redis": _redis_answers()}
    silent = [name for name, answered in answers.items() if not answered]
    if silent:
        return HttpResponse(f"no answer from: {', '.join(silent)}\n", "text/plain", status=503)
    return HttpResponse("ok\n", "text/plain")


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _redis_answers() -> bool:
    try:
        with Redis.from_url(settings.REDIS_URL, socket_timeout=2) as client:
            return bool(client.ping())
    except RedisError:
        return False
