"""The embedded Redis: its command line, and whether it answers.

It keeps nothing on disk: the database is the truth, and recovery sends lost messages again.
"""

from redis import Redis as Client
from redis.exceptions import RedisError

from cortexweb.data_folder import DataFolder
from cortexweb.embedded.programs import redis_program
from cortexweb.embedded.system_user import Account, make_private_folder


class Redis:
    """Valkey, the open continuation of Redis, reachable through a Unix socket only."""

    name = "redis"

    def __init__(self, data: DataFolder, account: Account) -> None:
        self.data = data
        self.account = account
        self.folder = data.path / "redis"
        self.program = redis_program(data)

    def prepare(self) -> None:
        """Make its folders."""
        make_private_folder(self.data.sockets, self.account)
        make_private_folder(self.folder, self.account)

    def command(self) -> list[str]:
        """The command line of the server."""
        options = {
            "port": "0",
            "unixsocket": str(self.data.redis_socket),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "save": "",
            "appendonly": "no",
            # A broker must refuse rather than forget.
            "maxmemory-policy": "noeviction",
            # The process title would overwrite the environment that marks our processes.
            "set-proc-title": "no",
        }
        flags = [part for name, value in options.items() for part in (f"--{name}", value)]
        return [str(self.program), *flags]

    def is_ready(self) -> bool:
        """Whether the server answers."""
        client = Client(unix_socket_path=str(self.data.redis_socket), socket_timeout=5)
        try:
            return bool(client.ping())
        except RedisError:
            return False
        finally:
            client.close()
