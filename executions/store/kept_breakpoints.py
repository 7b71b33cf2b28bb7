"""The breakpoints that a user keeps for the later executions of a flow."""

from dataclasses import asdict

from executions.engine.debugging import Breakpoint
from executions.models import KeptBreakpoint


def keep_for_flow(user_id: int, flow_name: str, block: str, breakpoint: Breakpoint | None) -> None:
    """Keep a breakpoint for a user's later executions of a flow, or delete it when None."""
    kept = KeptBreakpoint.objects.filter(user_id=user_id, flow_name=flow_name, block=block)
    if breakpoint is None:
        kept.delete()
        return
    KeptBreakpoint.objects.update_or_create(
        user_id=user_id, flow_name=flow_name, block=block, defaults=asdict(breakpoint)
    )


def kept_for_flow(user_id: int, flow_name: str) -> dict[str, Breakpoint]:
    """Return the breakpoints that a user keeps for a flow, by block."""
    rows = KeptBreakpoint.objects.filter(user_id=user_id, flow_name=flow_name)
    return {
        row.block: Breakpoint(row.condition, row.hits, row.enabled)
        for row in rows.order_by("block")
    }
