"""Entries of the audit trail that are searched for, as an address says it, page by page."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from executions.grid.planner.statement_timeout import TooSlow, fetch
from executions.grid.query.moments import moment_range, read_span
from executions.logs.query import format_key, parse_key
from executions.models import AuditEntry
from executions.store.read.log_lines import Key

#: Entries of a page.
PAGE_SIZE = 50
#: Entries that an export reads at once.
BATCH = 2_000
#: Kinds of objects whose ids stand in columns of their own.
_COLUMNS = {"execution": "execution_id", "failure": "failure_id"}
#: What the id of an object looks like; anything else is its name.
_ID = re.compile(r"\d+|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
#: Values of a column that are offered, each found by one look into the index.
_OFFERED = """
    WITH RECURSIVE found AS (
        (SELECT {column} FROM executions_auditentry WHERE {column} <> ''
            ORDER BY {column} LIMIT 1)
        UNION ALL
        SELECT (
            SELECT {column} FROM executions_auditentry e
            WHERE e.{column} > found.{column} AND e.{column} <> ''
            ORDER BY e.{column} LIMIT 1
        ) FROM found WHERE found.{column} IS NOT NULL
    )
    SELECT {column} FROM found WHERE {column} IS NOT NULL LIMIT 200
"""
_OFFERED_COLUMNS = ("command", "source", "object_kind")


@dataclass(frozen=True)
class AuditQuery:
    """Who, what, on which object or flow, from which source, with which outcome, and in which span
    as the grid writes one. `before` is the entry after which an older page begins. `problem` says
    why something cannot be read."""

    who: str = ""
    what: str = ""
    kind: str = ""
    object: str = ""
    flow: str = ""
    source: str = ""
    outcome: str = ""
    span: str = ""
    before: Key | None = None
    problem: str = ""

    @classmethod
    def parse(cls, address: Mapping[str, str], zone: tzinfo) -> "AuditQuery":
        given = {
            name: address.get(name, "").replace("\0", "").strip()[:200]
            for name in ("who", "what", "kind", "object", "flow", "source")
        }
        given["what"] = given["what"].lower().replace(" ", "-")
        span, problem = read_span(address, zone)
        if given["object"] and not given["kind"]:
            problem = problem or "Say of which kind the object is, such as flow or API token."
        outcome = address.get("outcome", "")
        return cls(
            **given,
            outcome=outcome if outcome in AuditEntry.Outcome.values else "",
            span=span,
            before=parse_key(address.get("before", "")),
            problem=problem,
        )

    @property
    def is_filtered(self) -> bool:
        return bool(self._pairs())

    def condition(self, now: datetime) -> Q:
        """Return the condition for the entries."""
        if self.problem:
            return Q(pk__in=[])
        columns = {
            "actor": self.who,
            "command": self.what,
            "flow_name": self.flow,
            "source": self.source,
            "outcome": self.outcome,
        }
        found = Q(**{name: value for name, value in columns.items() if value}) & self._object()
        if self.span:
            since, until = moment_range(self.span)[0].between(now)
            found &= Q(at__gte=since) if since else Q()
            found &= Q(at__lt=until) if until else Q()
        return found

    def _object(self) -> Q:
        if self.kind in _COLUMNS:
            column = _COLUMNS[self.kind]
            if not self.object:
                return Q(**{f"{column}__isnull": False})
            try:
                return Q(**{column: UUID(self.object)})
            except ValueError:
                return Q(pk__in=[])
        found = Q(object_kind=self.kind) if self.kind else Q()
        if self.object:
            column = "object_id" if _ID.fullmatch(self.object) else "object_name"
            found &= Q(**{column: self.object})
        return found

    def query_string(self, before: Key | None = None) -> str:
        """Return the address's query for this search, from the newest entry or from `before`."""
        pairs = replace(self, before=before)._pairs()
        if before:
            pairs["before"] = format_key(before)
        return urlencode(pairs)

    def _pairs(self) -> dict[str, str]:
        pairs = {
            "who": self.who,
            "what": self.what,
            "kind": self.kind,
            "object": self.object,
            "flow": self.flow,
            "source": self.source,
            "outcome": self.outcome,
            "at": self.span,
        }
        return {name: value for name, value in pairs.items() if value}


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Entries, the newest first, and the key after which there are older ones."""

    entries: list[AuditEntry]
    older: Key | None = None
    is_too_slow: bool = False


def read_page(query: AuditQuery, visible: Q, now: datetime, size: int = PAGE_SIZE) -> AuditPage:
    """Return a page of the entries that are asked for and that one may see (`visible`)."""
    try:
        keys = fetch(_below(query, visible, now, query.before).values_list("at", "id")[: size + 1])
    except TooSlow:
        return AuditPage([], is_too_slow=True)
    entries = AuditEntry.objects.filter(pk__in=[pk for _, pk in keys[:size]])
    older = Key(*keys[size - 1]) if len(keys) > size else None
    return AuditPage(list(entries.order_by("-at", "-id")), older)


def read_all(query: AuditQuery, visible: Q, now: datetime) -> Iterator[list[AuditEntry]]:
    """Yield the entries that are asked for, the newest first, in batches."""
    behind = query.before
    while True:
        batch = list(_below(query, visible, now, behind)[:BATCH])
        if batch:
            yield batch
        if len(batch) < BATCH:
            return
        behind = Key(batch[-1].at, batch[-1].pk)


def _below(query: AuditQuery, visible: Q, now: datetime, key: Key | None) -> QuerySet[AuditEntry]:
    found = AuditEntry.objects.filter(visible & query.condition(now)).order_by("-at", "-id")
    if key is not None:
        found = found.filter(Q(at__lte=key.at) & (Q(at__lt=key.at) | Q(pk__lt=key.id)))
    return found


def offered() -> dict[str, list[str]]:
    """Return the commands, sources and kinds of objects of which there are entries."""
    found: dict[str, list[str]] = {}
    with connection.cursor() as cursor:
        for column in _OFFERED_COLUMNS:
            cursor.execute(_OFFERED.format(column=column))
            found[column] = [value for (value,) in cursor.fetchall()]
    found["object_kind"] = sorted({*found["object_kind"], *_COLUMNS})
    return found


def values_of(entry: AuditEntry) -> dict[str, Any]:
    """Return an entry as exports and the API have it."""
    return {
        "id": entry.pk,
        "at": entry.at,
        "actor": entry.actor,
        "token": entry.token,
        "command": entry.command,
        "outcome": entry.outcome,
        "source": entry.source,
        "address": entry.address,
        "flow": entry.flow_name,
        "execution": entry.execution_id,
        "failure": entry.failure_id,
        "object_kind": entry.object_kind,
        "object_id": entry.object_id,
        "object_name": entry.object_name,
        "before": entry.before,
        "after": entry.after,
        "detail": entry.detail,
    }
