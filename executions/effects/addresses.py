"""Which IP addresses HTTP blocks may reach: public ones, and those of networks that are allowed.

The list is explicit, so that it means the same with every version of Python.
"""

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


def _networks(*texts: str) -> Networks:
    return tuple(ipaddress.ip_network(text) for text in texts)


#: IPv4 networks that are not public (IANA's registry of special-purpose addresses), and those that
#: cloud platforms reserve.
_PRIVATE_V4 = _networks(
    "0.0.0.0/8",  # this network
    "10.0.0.0/8",  # private
    "100.64.0.0/10",  # shared by carriers; Alibaba's metadata
    "127.0.0.0/8",  # loopback
    "168.63.129.16/32",  # Azure's platform
    "169.254.0.0/16",  # link-local; metadata of most clouds
    "172.16.0.0/12",  # private
    "192.0.0.0/24",  # protocol assignments; Oracle's metadata
    "192.0.2.0/24",  # documentation
    "192.88.99.0/24",  # relays of 6to4
    "192.168.0.0/16",  # private
    "198.18.0.0/15",  # benchmarks
    "198.51.100.0/24",  # documentation
    "203.0.113.0/24",  # documentation
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",  # reserved; broadcast
)
#: The IPv6 networks that are assigned to public hosts, and IPv4 behind NAT64.
_ASSIGNED_V6 = _networks("2000::/3", "64:ff9b::/96")
#: The parts of these that are not public.
_PRIVATE_V6 = _networks(
    "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID
    "2001:db8::/32",  # documentation
    "3fff::/20",  # documentation
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
#: How the interface's half of an address begins when it holds an IPv4 address (ISATAP).
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})


def is_allowed(address: Address, allowed: Networks = ()) -> bool:
    """Return whether an address, and the IPv4 address that it stands for, is public or allowed."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped  # a connection to it is one by IPv4
    return all(
        is_public(one) or any(one in network for network in allowed)
        for one in (address, *_embedded(address))
    )


def is_public(address: Address) -> bool:
    """Return whether an address is one of the public internet."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _PRIVATE_V4)
    return any(address in network for network in _ASSIGNED_V6) and not any(
        address in network for network in _PRIVATE_V6
    )


def _embedded(address: Address) -> list[ipaddress.IPv4Address]:
    """Return the IPv4 addresses to which gateways and tunnels would forward this one."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    number = int(address)
    found = []
    if address in _NAT64 or number >> 32 & 0xFFFFFFFF in _ISATAP:
        found.append(ipaddress.IPv4Address(number & 0xFFFFFFFF))
    if address.sixtofour is not None:
        found.append(address.sixtofour)
    return found
