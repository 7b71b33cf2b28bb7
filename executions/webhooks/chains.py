"""Starts what chains say of executions that have ended (`executions.store.lifecycle.chained`)."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from executions.commands.actor import Actor
from executions.commands.lifecycle.start import NotStarted, begin
from executions.dispatch import START_CHAINED, send_upkeep
from executions.limits import CHAIN_BATCH, CHAIN_LOST_AFTER, LONGEST_CHAIN
from executions.models import Chain, ChainStart, Execution
from executions.states import Status
from executions.store.lifecycle import secret_storage
from executions.store.lifecycle.starts import StartRequest
from executions.webhooks.mapping import MappingProblem, is_met, map_inputs
from flows import access, queries, values

#: What the expressions of a chain read.
NAMES = {
    "outputs": "the outputs of the execution that has ended, by name",
    "inputs": "its inputs, by name",
    "status": "Ended, Error or Stopped",
    "error": "the type and the message of the exception that ended it, or null",
    "id": "its id",
    "flow": "the name of its flow",
    "now": "when it ended",
}
Outcome = ChainStart.Outcome
logger = logging.getLogger(__name__)
_DELETE_OLD = """
    DELETE FROM executions_chainstart start
    WHERE at < %(before)s AND outcome <> %(waiting)s
        AND NOT EXISTS (SELECT 1 FROM executions_execution e WHERE e.id = start.source_id)
        AND NOT EXISTS (SELECT 1 FROM executions_execution e WHERE e.id = start.started_id)
"""


class _NotChained(Exception):
    """Why the end of an execution starts nothing."""

    def __init__(self, outcome: ChainStart.Outcome, why: str) -> None:
        super().__init__(why)
        self.outcome = outcome
        self.why = why


def start_waiting() -> None:
    """Start what waits, each in a transaction of its own that also says that it was started."""
    for _ in range(CHAIN_BATCH):
        if not _start_next():
            return
    send_upkeep(START_CHAINED)


def send_lost() -> None:
    """Send the message again when something waits for longer than it should."""
    before = timezone.now() - timedelta(seconds=CHAIN_LOST_AFTER)
    if ChainStart.objects.filter(outcome=Outcome.WAITING, at__lt=before).exists():
        send_upkeep(START_CHAINED)


def _start_next() -> bool:
    """Take an end that nobody else takes; return False when there is none."""
    with transaction.atomic():
        waiting = ChainStart.objects.filter(outcome=Outcome.WAITING).order_by("at")
        rows = waiting.select_for_update(of=("self",), skip_locked=True)
        row = rows.select_related("chain__flow", "chain__target", "chain__owner").first()
        if row is None:
            return False
        try:
            with transaction.atomic():
                row.started_id = _start(row)
            row.outcome = Outcome.STARTED
        except _NotChained as refused:
            row.outcome, row.why = refused.outcome, refused.why[:2_000]
        except DatabaseError:
            raise  # another one tries again
        except Exception as defect:
            # What always fails must not keep others waiting.
            logger.exception("The chain %s could not start anything", row.chain)
            row.outcome, row.why = Outcome.FAILED, f"{type(defect).__name__}: {defect}"[:2_000]
        row.save(update_fields=["outcome", "why", "started_id"])
    return True


def _start(row: ChainStart) -> UUID:
    """Start an execution of the target. Raises _NotChained."""
    chain = row.chain
    source = Execution.objects.filter(pk=row.source_id).first()
    if source is None:
        raise _NotChained(Outcome.FAILED, "The execution that has ended was deleted meanwhile.")
    if row.length > LONGEST_CHAIN:
        why = f"{LONGEST_CHAIN} executions have started one by the end of the other: a loop?"
        raise _NotChained(Outcome.FAILED, why)
    owner = chain.owner
    if owner is None or not access.may_start(owner, chain.target):
        name = owner.get_username() if owner else "its owner, who has no account any more,"
        why = f"It starts on behalf of {name} who may not start {chain.target}. Save it anew."
        raise _NotChained(Outcome.FAILED, why)
    version = queries.latest_published(chain.target.name)
    if version is None:
        raise _NotChained(Outcome.FAILED, f"{chain.target} has no published version.")
    inputs = _inputs(chain, version.pk, variables_of(source))
    request = StartRequest(
        version,
        inputs,
        initiator_id=owner.pk,
        initiator_name=owner.get_username(),
        trigger=Execution.Trigger.CHAIN,
        secret_texts=secret_storage.texts(source.secrets),
        giver_id=_giver(chain, source),
    )
    actor = Actor(owner.pk, owner.get_username(), "chain")
    try:
        return begin(request, actor, f"by the end of {source.pk}").pk
    except NotStarted as refused:
        raise _NotChained(Outcome.FAILED, str(refused)) from None


def _giver(chain: Chain, source: Execution) -> int | None:
    """Return who gave the secrets of what starts, if one person gave them all."""
    givers = {chain.owner_id} if chain.secret_inputs or source.secrets is None else set()
    if source.secrets is not None:
        givers.add(secret_storage.giver(source.secrets))
    return givers.pop() if len(givers) == 1 else None


def _inputs(chain: Chain, version_id: int, names: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs of the execution to start. Raises _NotChained."""
    try:
        if not is_met(chain.condition, names):
            raise _NotChained(Outcome.UNMATCHED, "The condition is not met.")
    except MappingProblem as problem:
        why = f"The condition cannot be evaluated: {problem}"
        raise _NotChained(Outcome.FAILED, why) from None
    sources = {**chain.inputs, **chain.secret_inputs}
    mapped = map_inputs(queries.compiled(version_id), sources, names)
    if mapped.problems:
        told = "; ".join(f"{name}: {problem}" for name, problem in mapped.problems.items())
        raise _NotChained(Outcome.FAILED, told)
    return mapped.values


def variables_of(source: Execution) -> dict[str, Any]:
    """Return what the expressions of a chain read of an execution that has ended, with its secrets:
    what starts keeps their texts secret."""
    failed = source.status == Status.ERROR or source.unhandled
    outputs = secret_storage.real_form(source.secrets, "outputs", source.outputs)
    inputs = secret_storage.real_form(source.secrets, "inputs", source.inputs)
    error = {"type": source.error_type, "message": source.error_message}
    return {
        "outputs": values.decode(outputs) or {},
        "inputs": values.decode(inputs) or {},
        "status": source.status,
        "error": error if failed else None,
        "id": str(source.pk),
        "flow": source.flow_name,
        "now": source.ended_at,
    }


def delete_old() -> None:
    """Delete what is known of ends whose executions are deleted."""
    before = timezone.now() - timedelta(days=1)
    with connection.cursor() as cursor:
        cursor.execute(_DELETE_OLD, {"before": before, "waiting": Outcome.WAITING.value})
