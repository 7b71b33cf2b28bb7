"""The Celery application: workers and beat start from here."""

import gc
import logging
import os
from typing import Any

from celery import Celery, signals
from django.db import close_old_connections, connections

from cortexweb import json_log, traces
from cortexweb.worker_heartbeat import Heartbeat
from executions import processes

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cortexweb.settings")

app = Celery("cortexweb")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["cortexweb", "executions"])


@signals.worker_init.connect
def keep_connection(**_: Any) -> None:
    """Give each process of a worker one database connection for all of its tasks.

    Celery ends Django's pool after each task; connecting anew, with the pool's threads, costs
    more than ten times what a short execution does.
    """
    for database in connections.settings.values():
        database["OPTIONS"]["pool"] = False
        database["OPTIONS"].setdefault("prepare_threshold", 5)
        database["CONN_MAX_AGE"] = None
        database["CONN_HEALTH_CHECKS"] = False


@signals.worker_process_init.connect
def freeze_what_is_loaded(**_: Any) -> None:
    """Have the garbage collector leave alone what is loaded by now: it stays. The steps between two
    checkpoints are enough objects to have it look through everything again and again."""
    gc.freeze()


@signals.after_setup_logger.connect
def quiet_tasks(**_: Any) -> None:
    """Silence Celery's two log lines about each task: the grid shows more, and they take a tenth of
    a short execution's time."""
    for name in ("celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(name).setLevel(logging.WARNING)


signals.after_setup_logger.connect(json_log.format_celery)
signals.after_setup_task_logger.connect(json_log.format_celery)


@signals.task_postrun.connect
def drop_broken_connection(**_: Any) -> None:
    """After a task that met an error of the database, drop a connection that is broken."""
    close_old_connections()


#: So that a block that never returns, or takes all memory, ends no more than its process.
signals.worker_process_init.connect(processes.limit_process)
signals.worker_process_init.connect(traces.begin_worker)
heartbeat = Heartbeat()
#: So that pages and metrics can say which workers are online, and what they do.
signals.worker_ready.connect(heartbeat.begin)
signals.heartbeat_sent.connect(heartbeat.send)
signals.worker_shutdown.connect(heartbeat.end)
