"""Effects: what blocks do outside of their execution, as far as the settings allow it."""

import ipaddress
import time
from functools import cache
from math import inf
from pathlib import Path

from django.conf import settings

from executions.effects.addresses import Networks
from executions.effects.files import FolderFiles
from executions.effects.http import HttpxHttp
from flows.blocks.clients import Clients


@cache
def _clients(files_root: str, allowed: Networks) -> Clients:
    return Clients(files=FolderFiles(Path(files_root)), http=HttpxHttp(allowed))


def allowed_networks() -> Networks:
    """Return the private networks that may be reached."""
    return tuple(ipaddress.ip_network(network) for network in settings.HTTP_PRIVATE_ADDRESSES)


def clients(until: float = inf) -> Clients:
    """Return the clients for files below FILES_ROOT, and for HTTP to public addresses and those
    in HTTP_PRIVATE_ADDRESSES.

    A request gives up at `until`, in seconds since the epoch.
    """
    allowed = allowed_networks()
    whole = _clients(str(settings.FILES_ROOT), allowed)
    if until == inf:
        return whole
    # The clock of the machine may be set meanwhile; the time that is left must not change by that.
    http = HttpxHttp(allowed, time.monotonic() + until - time.time())
    return Clients(files=whole.files, http=http)
