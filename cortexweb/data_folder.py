"""The data folder: where `manage.py up` keeps the embedded servers, their sockets and the key.

Settings import this module, so it stays free of Django and does nothing on import.
"""

import base64
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
        """Make the folder with its secret key and its encryption key; what exists is kept."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _has_content(self.key_file):
            _write_private(self.key_file, secrets.token_urlsafe(50))
        if not _has_content(self.encryption_file):
            self.add_encryption_key()

    @property
    def is_foreign(self) -> bool:
        """Whether the folder exists and is somebody else's: something is in it, but no key."""
        if not self.path.is_dir() or self.key_file.exists():
            return False
        return any(entry.name != "lost+found" for entry in self.path.iterdir())

    def secret_key(self) -> str:
        """The key that signs sessions, made once by `up`."""
        try:
            key = self.key_file.read_text()
        except FileNotFoundError:
            key = ""
        except PermissionError:
            raise ImproperlyConfigured(
                f"The secret key {self.key_file} belongs to another user. Run as that user, "
                "or give another folder with CORTEXWEB_DATA."
            ) from None
        if not key:
            raise ImproperlyConfigured(
                f"There is no secret key. Set SECRET_KEY, or run `python manage.py up`, which "
                f"makes one in the data folder {self.path}. After `up --data FOLDER`, set "
                "CORTEXWEB_DATA=FOLDER."
            )
        return key

    def encryption_keys(self) -> list[str]:
        """The keys that encrypt secrets in the database, the newest first; none before `up`."""
        try:
            return self.encryption_file.read_text().split()
        except (FileNotFoundError, NotADirectoryError):
            return []
        except PermissionError:
            raise ImproperlyConfigured(
                f"The encryption keys {self.encryption_file} belong to another user. Run as that "
                "user, or set ENCRYPTION_KEYS."
            ) from None

    def add_encryption_key(self) -> None:
        """Put a new key in front of those that encrypt secrets."""
        keys = [new_encryption_key(), *self.encryption_keys()]
        _write_private(self.encryption_file, "".join(f"{key}\n" for key in keys))

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
    def key_file(self) -> Path:
        """The file of the key that signs sessions."""
        return self.path / "secret_key"

    @property
    def encryption_file(self) -> Path:
        """The file of the keys that encrypt secrets in the database."""
        return self.path / "encryption_keys"


def new_encryption_key() -> str:
    """Return a key for ENCRYPTION_KEYS: 32 random bytes in the base64 of addresses."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def is_encryption_key(text: str) -> bool:
    """Return whether a text is what `new_encryption_key` returns."""
    try:
        return len(base64.b64decode(text.encode(), altchars=b"-_", validate=True)) == 32
    except ValueError:
        return False


def _has_content(file: Path) -> bool:
    return file.exists() and file.stat().st_size > 0


def _write_private(file: Path, text: str) -> None:
    """Write a file that only its owner reads: whole or not at all, since a full disk would leave an
    empty key."""
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        with open(draft, "w", opener=_open_private) as written:
            written.write(text)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)
