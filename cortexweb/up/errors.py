"""Why `up` can't start or go on, in words that say what to do."""

import errno


class CannotStartError(Exception):
    """`up` can't start or go on; the message says why and what to do."""


def explain(error: OSError) -> str:
    """The error in words, with what to do about a full disk."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        place = f" at {error.filename}" if error.filename else ""
        return f"The disk is full{place}. Make room, or choose another folder with --data."
    return str(error)
