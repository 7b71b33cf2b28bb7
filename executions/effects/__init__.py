"""The world outside executions, as the settings allow it."""

import ipaddress
from functools import cache
from pathlib import Path

from django.conf import settings

from executions.effects.files import FolderFiles
from executions.effects.http import HttpxHttp
from flows.blocks.world import World


@cache
def world() -> World:
    """Files below FILES_ROOT, HTTP to public addresses and HTTP_PRIVATE_ADDRESSES."""
    return World(
        files=FolderFiles(Path(settings.FILES_ROOT)),
        http=HttpxHttp(
            tuple(ipaddress.ip_network(network) for network in settings.HTTP_PRIVATE_ADDRESSES)
        ),
    )
