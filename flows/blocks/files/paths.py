"""Paths as texts: what is wrong with one, and whether it names a file or a folder."""

import posixpath
import re

#: The longest path, as in the original.
LONGEST_PATH = 32_767
#: What no name may hold, as in the original.
FORBIDDEN = re.compile(r'["*?|<>:\\\x00-\x1f]')
#: The longest name of a file or folder, in bytes.
LONGEST_NAME = 255


def tidy(path: str) -> str:
    """Return a path without the blanks at its end. Raises ValueError with a sentence for one that
    is blank, begins with a blank, or is too long."""
    tidied = path.rstrip(" ")
    if not tidied.strip():
        raise ValueError("It is blank.")
    if tidied[0].isspace():
        raise ValueError("It begins with a blank.")
    if len(tidied) > LONGEST_PATH:
        raise ValueError(f"It is longer than {LONGEST_PATH:,} characters.")
    if "\0" in tidied:
        raise ValueError("It holds the character NUL.")
    return tidied


def require_names(path: str) -> None:
    """Raise ValueError with a sentence when a name in the path is none that a file may have."""
    for name in path.split("/"):
        require_name(name)


def require_name(name: str) -> None:
    """Raise ValueError with a sentence when no file or folder may be called so."""
    found = FORBIDDEN.search(name)
    if found:
        raise ValueError(f"A name may not contain {found[0]!r}.")
    if len(name.encode(errors="replace")) > LONGEST_NAME:
        raise ValueError(f"A name may not be longer than {LONGEST_NAME} bytes.")


def names_file(path: str) -> bool:
    """Return whether a path is one of a file by its look: it ends with an extension."""
    return bool(extension(posixpath.basename(path)))


def extension(name: str) -> str:
    """Return the extension of a name with its dot; "" for none."""
    _, dot, after = name.rpartition(".")
    return dot + after if dot and after else ""


def name_of(path: str) -> str:
    """Return the last name of a path."""
    return posixpath.basename(path.rstrip("/"))


def parent_of(path: str) -> str:
    """Return the path of the folder around it, as it is written."""
    return posixpath.dirname(path.rstrip("/"))
