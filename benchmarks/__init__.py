"""Measurements of the product, and tests too long for the suite, as commands.

    python -m benchmarks.engine --help
    python -m benchmarks.faults --help

Each starts PostgreSQL, Redis and workers of its own in a temporary folder, and ends them.
"""
