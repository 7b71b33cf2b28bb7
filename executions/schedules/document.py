"""A schedule as a document: as flow files carry it, and programs give it."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.utils import timezone

from executions.models import Schedule
from executions.preferences import is_time_zone
from executions.schedules import cron, excluded, inputs
from flows import queries
from flows.graph import InvalidFlow, Message
from flows.models import FlowVersion
from flows.validation import check_inputs

#: What a document may leave out, and what that means.
DEFAULTS: Mapping[str, Any] = {
    "zone": "UTC",
    "description": "",
    "version": None,
    "starts_on": None,
    "ends_on": None,
    "excluded_days": [],
    "calendar": "",
    "calendar_name": "",
    "jitter_seconds": 0,
    "overlap": "skip",
    "misfire": "once",
    "grace_seconds": 900,
    "inputs": {},
}


class InvalidSchedule(ValueError):
    """What is wrong with a document, as messages."""

    def __init__(self, messages: list[Message]) -> None:
        super().__init__("; ".join(f"{one.location}: {one.summary}" for one in messages))
        self.messages = messages


def document_of(schedule: Schedule, *, full: bool = False) -> dict[str, Any]:
    """Return the document of a schedule, without its name and its secrets; what is as by default
    is left out, unless it is wanted in full."""
    values = {
        "cron": schedule.cron,
        **{name: getattr(schedule, name) for name in DEFAULTS},
        "version": schedule.version.number if schedule.version else None,
        "starts_on": schedule.starts_on and schedule.starts_on.isoformat(),
        "ends_on": schedule.ends_on and schedule.ends_on.isoformat(),
        "excluded_days": [day.isoformat() for day in schedule.excluded_days],
        "inputs": dict(schedule.inputs),
    }
    return {
        name: value
        for name, value in values.items()
        if full or name not in DEFAULTS or value != DEFAULTS[name]
    }


def apply(schedule: Schedule, given: Mapping[str, Any], newest: FlowVersion | None = None) -> None:
    """Set what a document says, for its flow. Unless that names a version, its inputs fit the
    `newest` one: by default, the newest that is published. Raises InvalidSchedule."""
    values = {**DEFAULTS, **given}
    found: list[Message] = []

    def wrong(name: str, text: str) -> None:
        found.append(Message(f"Schedule {schedule.name}", text, "", (name,)))

    for name in ("cron", "zone", "description", "calendar", "calendar_name", "overlap", "misfire"):
        setattr(schedule, name, str(values[name]).replace("\0", ""))
    schedule.jitter_seconds, schedule.grace_seconds = (
        int(values["jitter_seconds"]),
        int(values["grace_seconds"]),
    )
    if not is_time_zone(schedule.zone):
        wrong("zone", "There is no such time zone. Write one such as Europe/Stockholm.")
    try:
        cron.parse(schedule.cron)
    except cron.CronError as error:
        wrong("cron", str(error))
    try:
        if schedule.calendar:
            excluded.check(schedule.calendar)
    except excluded.CalendarError as error:
        wrong("calendar", str(error))
    if problem := _apply_days(schedule, values):
        wrong("excluded_days", problem)
    schedule.version = _version(schedule, values["version"])
    if values["version"] is not None and schedule.version is None:
        wrong("version", "There is no such published version.")
    version = schedule.version or newest or queries.latest_published(schedule.flow.name)
    found += _apply_inputs(schedule, version, values["inputs"])
    if found:
        raise InvalidSchedule(found)


def _apply_days(schedule: Schedule, values: Mapping[str, Any]) -> str:
    """Set the first, the last and the excluded days; returns what is wrong with them."""
    try:
        schedule.starts_on, schedule.ends_on = (
            date.fromisoformat(str(values[name])) if values[name] else None
            for name in ("starts_on", "ends_on")
        )
        days = {date.fromisoformat(str(one)) for one in values["excluded_days"]}
    except ValueError as error:
        return f"This is no date: {error}"
    schedule.excluded_days = sorted(days)
    is_reversed = schedule.starts_on and schedule.ends_on and schedule.ends_on < schedule.starts_on
    return "The last day comes before the first." if is_reversed else ""


def _version(schedule: Schedule, number: int | None) -> FlowVersion | None:
    if number is None:
        return None
    versions = FlowVersion.objects.filter(flow=schedule.flow, published_at__isnull=False)
    return versions.filter(number=number).first()


def _apply_inputs(
    schedule: Schedule, version: FlowVersion | None, sources: Mapping[str, Any]
) -> list[Message]:
    """Set the inputs, those of secret variables apart, and try them as a start now would."""
    try:
        graph = queries.compiled(version.pk) if version else None
    except InvalidFlow:
        graph = None
    secret = {one.name.casefold() for one in graph.inputs if one.is_secret} if graph else set()
    kept = schedule.secret_inputs or {}
    new = {name: raw for name, raw in sources.items() if name.casefold() in secret}
    schedule.secret_inputs = {n: raw for n, raw in kept.items() if n.casefold() in secret} | new
    schedule.inputs = {name: raw for name, raw in sources.items() if name not in new}
    if graph is None:
        return []
    now = timezone.now()
    names = {"now": now, "due": now, "last": now, "schedule": schedule.name}
    try:
        every = {**schedule.inputs, **schedule.secret_inputs}
        return check_inputs(graph, inputs.evaluate_sources(every, names))
    except inputs.InvalidInputs as problem:
        return problem.messages
