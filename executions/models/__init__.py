"""Executions, their tokens and variables, and what is kept of their steps.

The runner writes many tokens, variables and steps: these have composite keys, and raw SQL in
`executions.store` writes them, with one statement per checkpoint. `block` and `workspace` are keys
into the immutable flow version.
"""

from executions.models.alerts import (
    Alert,
    AlertChannel,
    AlertRule,
    Delivery,
    DeliveryAttempt,
    Observation,
)
from executions.models.api import IdempotentStart
from executions.models.api_tokens import ApiToken, MachineAccount
from executions.models.audit import AuditEntry
from executions.models.breakpoints import KeptBreakpoint
from executions.models.execution import (
    FAILED,
    OPEN_FAILURE,
    SUPERSEDED,
    Execution,
    Token,
    UncountedFailure,
    Value,
    new_id,
)
from executions.models.failures import FailureActivity, FailureGroup, FailureWatch
from executions.models.jobs import BulkJob, BulkResult, SentForm
from executions.models.preferences import Preferences, SavedView
from executions.models.questions import Question
from executions.models.schedules import Schedule, SchedulePause, ScheduleRun
from executions.models.semaphores import Semaphore, SemaphoreTicket
from executions.models.share_links import ShareLink
from executions.models.shared_data import Signal, StorageCollection, StorageItem, Waiter
from executions.models.statistics import (
    LiveSample,
    StatisticsEvent,
    StatisticsSeries,
    StatisticsTotal,
)
from executions.models.steps import (
    ChangedValue,
    ExceptionRecord,
    Intervention,
    LogEntry,
    Step,
    TrimmedChange,
    TrimmedVisits,
)
from executions.models.watches import Watch
from executions.models.webhooks import (
    Chain,
    ChainStart,
    Webhook,
    WebhookMessage,
    WebhookRequest,
)

__all__ = [
    "FAILED",
    "OPEN_FAILURE",
    "SUPERSEDED",
    "Alert",
    "AlertChannel",
    "AlertRule",
    "ApiToken",
    "AuditEntry",
    "BulkJob",
    "BulkResult",
    "Chain",
    "ChainStart",
    "ChangedValue",
    "Delivery",
    "DeliveryAttempt",
    "ExceptionRecord",
    "Execution",
    "FailureActivity",
    "FailureGroup",
    "FailureWatch",
    "IdempotentStart",
    "Intervention",
    "KeptBreakpoint",
    "LiveSample",
    "LogEntry",
    "MachineAccount",
    "Observation",
    "Preferences",
    "Question",
    "SavedView",
    "Schedule",
    "SchedulePause",
    "ScheduleRun",
    "Semaphore",
    "SemaphoreTicket",
    "SentForm",
    "ShareLink",
    "Signal",
    "StatisticsEvent",
    "StatisticsSeries",
    "StatisticsTotal",
    "Step",
    "StorageCollection",
    "StorageItem",
    "Token",
    "TrimmedChange",
    "TrimmedVisits",
    "UncountedFailure",
    "Value",
    "Waiter",
    "Watch",
    "Webhook",
    "WebhookMessage",
    "WebhookRequest",
    "new_id",
]
