"""The world outside executions, as the settings allow it."""

import ipaddress
import time
from functools import cache
from math import inf
from pathlib import Path

from django.conf import settings

from executions.effects.addresses import Networks
from executions.effects.files import FolderFiles
from executions.effects.http import HttpxHttp
from flows.blocks.clients import World


@cache
def _world() -> World:
    return World(files=FolderFiles(Path(settings.FILES_ROOT)), http=HttpxHttp(_allowed()))


def _allowed() -> Networks:
    return tuple(ipaddress.ip_network(network) for network in settings.HTTP_PRIVATE_ADDRESSES)


def world(until: float = inf) -> World:
    """Files below FILES_ROOT, HTTP to public addresses and HTTP_PRIVATE_ADDRESSES.

    What waits for an answer gives up at `until`, in seconds since the epoch.
    """
    whole = _world()
    if until == inf:
        return whole
    # The clock of the machine may be set; what is left of the time may not change by that.
    http = HttpxHttp(_allowed(), time.monotonic() + until - time.time())
    return World(files=whole.files, http=http)
