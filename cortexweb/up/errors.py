"""Why `up` can't start or continue, in words that say what to do."""

import errno


class CannotStartError(Exception):
    """`up` can't start or continue. The message says why and what to do."""


REASONS = {
    errno.EROFS: "The disk is read-only",
    errno.EEXIST: "It is not a folder",
    errno.ENOTDIR: "A part of its path is not a folder",
    errno.ENAMETOOLONG: "Its path is too long",
}


def explain(error: OSError) -> str:
    """Return the error in words, with what to do about the disk or the folder."""
    place = f" at {error.filename}" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full{place}. Free some space, or choose another folder with --data."
    if error.errno in (errno.EACCES, errno.EPERM):
        return (
            f"Permission denied{place}. Run `up` as the user whom it belongs to, or choose another "
            "folder with --data."
        )
    if words := REASONS.get(error.errno or 0):
        return f"{words}. Choose another one with --data."
    return f"{error.strerror}{place}." if error.strerror else str(error)
