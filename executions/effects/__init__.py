"""Effects: what blocks do outside of their execution, as far as the settings allow it."""

import ipaddress
import time
from datetime import UTC, datetime
from functools import cache
from math import inf
from pathlib import Path

from django.conf import settings

from executions.effects.addresses import Networks
from executions.effects.connections import Network
from executions.effects.databases import Databases
from executions.effects.files.store import FolderFiles
from executions.effects.http import HttpxHttp
from executions.effects.mail.imap import ImapReader
from executions.effects.mail.smtp import SmtpSender
from executions.effects.sessions import Sessions
from executions.effects.ssh import SshShells
from flows.blocks.clients import Clients


def clients_of(
    files: FolderFiles,
    allowed: Networks,
    until: float = inf,
    known_hosts: Path | None = None,
    sessions: Sessions | None = None,
) -> Clients:
    """Return the clients for these files, and for servers at public addresses and those of
    `allowed`, which give up at `until` on the monotonic clock. `known_hosts` are those of SSH;
    `sessions` those that are open."""
    sessions = Sessions() if sessions is None else sessions
    return Clients(
        files=files,
        http=HttpxHttp(allowed, until),
        databases=Databases(files, allowed, until, sessions),
        mail_sender=SmtpSender(Network(allowed, until)),
        mail_reader=ImapReader(Network(allowed, until)),
        shell=SshShells(Network(allowed, until), known_hosts, sessions),
        now=lambda: datetime.now(UTC),
    )


def allowed_networks() -> Networks:
    """Return the private networks that may be reached."""
    return tuple(ipaddress.ip_network(network) for network in settings.HTTP_PRIVATE_ADDRESSES)


@cache
def _files(root: Path) -> FolderFiles:
    """Return the files of a folder, of which a process measures how much room they take."""
    return FolderFiles(root)


def clients(until: float = inf, sessions: Sessions | None = None) -> Clients:
    """Return the clients for files below FILES_ROOT, and for servers at public addresses and those
    in HTTP_PRIVATE_ADDRESSES.

    A request gives up at `until`, in seconds since the epoch. `sessions` are those that the
    execution has open.
    """
    # The clock of the machine may be set meanwhile; the time that is left must not change by that.
    until = until if until == inf else time.monotonic() + until - time.time()
    known_hosts = Path(settings.SSH_KNOWN_HOSTS) if settings.SSH_KNOWN_HOSTS else None
    files, networks = _files(Path(settings.FILES_ROOT)), allowed_networks()
    return clients_of(files, networks, until, known_hosts, sessions)
