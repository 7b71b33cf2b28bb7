"""Schedules: what starts executions by time (docs/schedules.md)."""
