"""The log as JSON: one line for each event, with what it is about."""

import logging
from typing import Any

from celery.utils.log import get_multiprocessing_logger
from django.conf import settings
from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter
from uvicorn.config import LOGGING_CONFIG

from cortexweb.log_filters import WithoutSecretPaths
from executions import log_context


class LogFormatter(JsonFormatter):
    """Writes a record as one line: when, how severe, by which logger, what; then what
    `executions.log_context` has bound, and what the record itself brings."""

    def __init__(self) -> None:
        super().__init__(
            "{levelname}{name}{message}{process}",
            style="{",
            rename_fields={"levelname": "level", "name": "logger"},
            timestamp=True,
            # uvicorn's, for terminals; Django's, with the whole address.
            reserved_attrs=[*RESERVED_ATTRS, "color_message", "request"],
        )

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        return super().process_log_record({**log_data, **log_context.current()})


def is_on() -> bool:
    """Return whether the log is written as JSON."""
    return bool(settings.LOG_FORMAT == "json")


def format_celery(logger: logging.Logger, **_: Any) -> None:
    """Write the log of a worker or of beat as JSON. A receiver of Celery's signals, which have set
    up its logger, and that of the pool of processes."""
    if is_on():
        for handler in {*logger.handlers, *get_multiprocessing_logger().handlers}:
            handler.setFormatter(LogFormatter())


def uvicorn_options() -> dict[str, Any]:
    """Return how uvicorn logs. In JSON, its line about each request says less than our own."""
    name = "without_secret_paths"
    handlers = {
        key: {**handler, "filters": [name]} for key, handler in LOGGING_CONFIG["handlers"].items()
    }
    filters = {name: {"()": WithoutSecretPaths}}
    config = {**LOGGING_CONFIG, "filters": filters, "handlers": handlers}
    if not is_on():
        return {"log_config": config}
    formatters = {name: {"()": LogFormatter} for name in LOGGING_CONFIG["formatters"]}
    return {"log_config": {**config, "formatters": formatters}, "access_log": False}
