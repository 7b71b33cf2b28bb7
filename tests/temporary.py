"""Temporary folders that the servers' account can reach.

Root's servers run as a system user, and root's own temporary folder may be private.
"""

import os
import tempfile
from pathlib import Path


def reachable_temporary_folder() -> Path:
    """Where folders for servers are made: the usual place, or the first that all may pass into."""
    usual = Path(tempfile.gettempdir())
    if os.geteuid() != 0:
        return usual
    places = (usual, Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))
    return next((place for place in places if _all_may_pass(place)), usual)


def _all_may_pass(place: Path) -> bool:
    place = place.resolve()
    return all(
        folder.is_dir() and folder.stat().st_mode & 0o001 for folder in (place, *place.parents)
    )
