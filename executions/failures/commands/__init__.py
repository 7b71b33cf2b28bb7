"""What people do to a failure group: check who may and what has changed, execute, audit.

Each command is a file in `actions`, which ends with its declaration. The toolbar, the audit labels
and the help of a group are derived from that.
"""
