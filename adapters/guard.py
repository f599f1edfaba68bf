"""Which addresses may be dialled on the word of a stranger: public ones only. It opens no connection itself."""

import ipaddress
import socket
from typing import Any


class ForbiddenAddress(OSError):
    """A foreign link leads to an address that is not public."""


def guarded_socket(address_info: tuple[Any, ...]) -> socket.socket:
    """A socket only for a public address: checked on the address really dialled, so no name and no redirect evades it.

    Raises ForbiddenAddress, always in the same words: of several failures for one name, the connector keeps the class
    only where all say the same.
    """
    family, kind, protocol, _, address = address_info
    if not is_public(str(address[0])):
        raise ForbiddenAddress("the address is not public")
    return socket.socket(family, kind, protocol)


def is_public(address: str) -> bool:
    """Whether an IP address is anybody's, not ours: an IPv4 address inside an IPv6 one counts as itself."""
    try:
        ip = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        ip = _inner(ip) or ip
    if isinstance(ip, ipaddress.IPv6Address) and ip not in _GLOBAL_UNICAST:
        return False
    return ip.is_global and not ip.is_multicast


def _inner(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for: mapped, 6to4, Teredo's client, NAT64."""
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)


_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
"""All that is routed on the internet; what else Python calls global (::127.0.0.1, fec0::, 64:ff9b:1::) is not."""
