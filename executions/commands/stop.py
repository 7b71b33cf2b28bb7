"""Stop: at once, or after the block under way; children that it waits for are stopped too."""

from executions.endings import stop as execute

__all__ = ["execute"]
