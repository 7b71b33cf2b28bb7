"""The log entries of all executions: searching them, and finding new ones."""
