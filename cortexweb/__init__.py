"""The composition root: settings, URLs, the ASGI and Celery applications, `manage.py up`."""

from cortexweb.celery import app as celery_app

__all__ = ["celery_app"]
