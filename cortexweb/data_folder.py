"""The data folder: where `manage.py up` keeps the embedded servers, their sockets and the key.

Settings import this module, so it stays free of Django and does nothing on import.
"""

import hashlib
import os
import secrets
from pathlib import Path
from urllib.parse import quote

from environ import ImproperlyConfigured

DEFAULT_PATH = Path(__file__).resolve().parent.parent / ".cortexweb"

# The kernel refuses socket addresses above 103 bytes (macOS; Linux 107). supervisord binds
# "supervisor.sock.<pid>" first, the longest name of all.
SOCKET_PATH_LIMIT = 103
LONGEST_SOCKET_NAME = len("/supervisor.sock.4194304")


class DataFolder:
    """One installation's data. Two `up` can run beside each other on two data folders."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.abspath(path))

    def create(self) -> None:
        """Make the folder and its secret key; what exists is kept."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._key_file.exists() and self._key_file.stat().st_size:
            return
        # Whole or not at all: a full disk would leave an empty key.
        draft = self._key_file.with_name(f"secret_key.{os.getpid()}")
        try:
            with open(draft, "w", opener=_open_private) as file:
                file.write(secrets.token_urlsafe(50))
            draft.replace(self._key_file)
        finally:
            draft.unlink(missing_ok=True)

    @property
    def is_foreign(self) -> bool:
        """Whether the folder exists and is somebody else's: something is in it, but no key."""
        if not self.path.is_dir() or self._key_file.exists():
            return False
        return any(entry.name != "lost+found" for entry in self.path.iterdir())

    def secret_key(self) -> str:
        """The key that signs sessions, made once by `up`."""
        try:
            key = self._key_file.read_text()
        except FileNotFoundError:
            key = ""
        except PermissionError:
            raise ImproperlyConfigured(
                f"The secret key {self._key_file} belongs to another user. Run as that user, "
                "or give another folder with CORTEXWEB_DATA."
            ) from None
        if not key:
            raise ImproperlyConfigured(
                f"There is no secret key. Set SECRET_KEY, or run `python manage.py up`, which "
                f"makes one in the data folder {self.path}. After `up --data FOLDER`, set "
                "CORTEXWEB_DATA=FOLDER."
            )
        return key

    @property
    def sockets(self) -> Path:
        """The folder of the servers' sockets: in the data folder, or a short one where that is
        too deep for the kernel.

        It follows from the path alone (so not from TMPDIR), because every command that is typed
        in another terminal has to come to the same folder.
        """
        folder = self.path / "run"
        if len(os.fsencode(folder)) + LONGEST_SOCKET_NAME <= SOCKET_PATH_LIMIT:
            return folder
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()
        return Path("/tmp") / f"cortexweb-{digest[:16]}"  # noqa: S108 (its owner is checked)

    @property
    def redis_socket(self) -> Path:
        """Where the embedded Redis listens."""
        return self.sockets / "redis.sock"

    @property
    def database_url(self) -> str:
        """The embedded PostgreSQL, as DATABASE_URL."""
        return f"postgresql://postgres@/cortexweb?host={quote(str(self.sockets))}"

    @property
    def redis_url(self) -> str:
        """The embedded Redis, as REDIS_URL."""
        return f"unix://{quote(str(self.redis_socket))}"

    @property
    def logs(self) -> Path:
        """The folder of the log files of everything that `up` starts."""
        return self.path / "logs"

    @property
    def _key_file(self) -> Path:
        return self.path / "secret_key"


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)
