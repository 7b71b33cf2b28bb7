"""Why `up` can't start or go on, in words that say what to do."""

import errno


class CannotStartError(Exception):
    """`up` can't start or go on; the message says why and what to do."""


WORDS = {
    errno.EROFS: "The disk is read-only",
    errno.EEXIST: "It is no folder",
    errno.ENOTDIR: "A part of its path is no folder",
    errno.ENAMETOOLONG: "Its path is too long",
}


def explain(error: OSError) -> str:
    """The error in words, with what to do about the disk or the folder."""
    place = f" at {error.filename}" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full{place}. Make room, or choose another folder with --data."
    if words := WORDS.get(error.errno or 0):
        return f"{words}. Choose another folder with --data."
    return f"{error.strerror}{place}." if error.strerror else str(error)
