"""The original's exceptions for files that are attached or saved."""

import errno

from flows.blocks.errors import exception
from flows.values import ExceptionValue

_TYPES = {
    errno.ENOENT: "FileNotFoundException",
    errno.ENAMETOOLONG: "PathTooLongException",
    errno.EPERM: "UnauthorizedAccessException",
    errno.EACCES: "UnauthorizedAccessException",
}


def described(error: OSError | ValueError) -> ExceptionValue:
    """Return the original's exception for an error. An OSError's own text would show the path of
    the folder."""
    if isinstance(error, OSError):
        kind = _TYPES.get(error.errno or 0, "IOException")
        return exception(kind, error.strerror or str(error)).value
    return exception("IOException", str(error)).value
