"""Metrics in the format of Prometheus.

Nothing is counted in the process that answers: the numbers come from the database and from Redis,
so they are right with any number of web processes and workers. docs/monitoring.md lists them.
"""
