"""When the scopes of an execution's tokens began, and which steps each of the tokens made."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from executions.models import Execution, TrimmedVisits
from executions.retention.trimming import trimmed_steps
from executions.store.history.versions import HistoryPoint, VersionHistory

#: Before the first step.
BEGINNING: HistoryPoint = (0, -1)
#: A token of a lower level moves again only when this one has gone.
_NEXT_OUTER_STEP = """
    SELECT min(number) FROM executions_step WHERE execution_id = %s AND number > %s AND level < %s
"""
_LAST_ENTRIES = """
    SELECT block, max(number) FROM executions_step
    WHERE execution_id = %s AND number <= %s AND block = ANY(%s) AND port = ''
    GROUP BY block
"""


@dataclass(frozen=True, slots=True)
class TokenLifetime:
    """The steps that one token made: those of its level, after one step and before another; None
    while the token is still there."""

    level: int
    after: int
    before: int | None


def token_lifetime(
    history: VersionHistory, step: int, workspaces: Sequence[str], level: int
) -> TokenLifetime:
    """Return which steps a token made that there was after a step, those since included."""
    began = scope_starts(history, step, workspaces)[level]
    with connection.cursor() as cursor:
        cursor.execute(_NEXT_OUTER_STEP, [history.execution.pk, max(step, began[0]), level])
        (gone,) = cursor.fetchone()
    moved = [
        intervention.after_step + 1
        for intervention in history.interventions
        if intervention.after_step > step and intervention.tokens and intervention.stays <= level
    ]
    return TokenLifetime(level, began[0], min([*moved, *([gone] if gone else [])], default=None))


def scope_starts(
    history: VersionHistory, step: int, workspaces: Sequence[str]
) -> list[HistoryPoint]:
    """Return when the scope of each token began that there was after a step."""
    found = [BEGINNING for _ in workspaces]
    inner = {workspace: level for level, workspace in enumerate(workspaces) if level}
    if inner:
        for block, number in _last_entries(history.execution, step, list(inner)):
            found[inner[block]] = max(found[inner[block]], (number, 0))
    for when, intervention in history.until(step):
        tokens = intervention.tokens
        for level in range(intervention.stays, min(len(tokens), len(workspaces))):
            if tokens[level][0] == workspaces[level]:
                found[level] = max(found[level], when)
    return found


def _last_entries(execution: Execution, step: int, blocks: list[str]) -> list[tuple[str, int]]:
    """The last steps, kept or not, at which these workspaces were entered."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST_ENTRIES, [execution.pk, step, blocks])
        found: list[tuple[str, int]] = cursor.fetchall()
    trimmed = trimmed_steps(execution.step_count)
    if trimmed and step >= trimmed.stop:
        rows = TrimmedVisits.objects.filter(
            execution_id=execution.pk, block__in=blocks, port="", last__isnull=False
        )
        found += [(row.block, row.last) for row in rows if row.last is not None]
    return found
