"""Which data folder a command works on, when it is not `up`."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

from cortexweb.data_folder import DEFAULT_PATH

PROJECT = Path(__file__).resolve().parents[2]


def find_data_folder() -> None:
    """Choose the folder on which `up` runs, when nothing else says which, and say so.

    Nothing is chosen where the default folder is the one, or where no `up` can be seen. With more
    than one of them the command ends: it must not work on the wrong one.
    """
    settled = os.environ.get("CORTEXWEB_DATA") or os.environ.get("DATABASE_URL")
    if settled or not find_spec("psutil"):
        return
    # Only known once psutil is: production has neither it nor `up`.
    from cortexweb.up.orphans import running_folders  # noqa: PLC0415

    folders = running_folders(PROJECT)
    if not folders or DEFAULT_PATH in folders:
        return
    if len(folders) > 1:
        listed = "".join(f"\n  CORTEXWEB_DATA={folder}" for folder in folders)
        sys.exit(f"`up` runs on several data folders. Name the one that you mean:{listed}")
    os.environ["CORTEXWEB_DATA"] = str(folders[0])
    print(  # noqa: T201 (beside the output of the command)
        f"Using the data folder {folders[0]}, where `up` runs. Set CORTEXWEB_DATA for another.",
        file=sys.stderr,
    )
