"""PostgreSQL and Redis out of wheels, listening on Unix sockets in the data folder.

This package knows how to prepare and call the servers; `cortexweb.up` keeps them running.
"""
