"""Web addresses: the check before a request, against private networks, and their form in messages."""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}
"""Ports by the schemes that are allowed."""

_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
"""The only IPv6 range from which global unicast addresses are assigned."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_ISATAP_INTERFACES = frozenset((0x00005EFE, 0x02005EFE))
"""Upper half of the interface identifier of an ISATAP address; the lower half is an IPv4 address."""

_SPECIAL_IPV4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
            "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
            "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
            "168.63.129.16/32",  # Public, but Azure serves the metadata of a machine there.
        ),
    )
)  # fmt: skip
"""IPv4 ranges that IANA keeps for special purposes, and metadata addresses outside them."""
_SPECIAL_IPV6 = tuple(map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "3fff::/20")))
"""Special ranges within `_GLOBAL_UNICAST`: protocol assignments with Teredo in them, and documentation."""


def is_public(address: str) -> bool:
    """Return True for an IP address that is global unicast, and no cloud serves metadata at it.

    IPv6 forms of an IPv4 address are judged by that address (mapped, 6to4, NAT64, ISATAP) or never public
    (compatible, translated, Teredo, NAT64 with a prefix of its own). Raises ValueError for a text that is no
    IP address.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return not any(ip in network for network in _SPECIAL_IPV4)
    if (embedded := _find_embedded_ipv4(ip)) and not is_public(str(embedded)):
        return False
    if ip.ipv4_mapped or ip in _NAT64:
        return True
    return ip in _GLOBAL_UNICAST and not any(ip in network for network in _SPECIAL_IPV6)


def _find_embedded_ipv4(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address in a mapped, 6to4, NAT64 or ISATAP address; None for any other."""
    if known := ip.ipv4_mapped or ip.sixtofour:
        return known
    is_isatap = (int(ip) >> 32) & 0xFFFFFFFF in _ISATAP_INTERFACES
    return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 or is_isatap else None


async def resolve_host(host: str, port: int) -> Sequence[str]:
    """Return the IP addresses of a host, each once, IPv4 first. Raises OSError for an unknown host."""
    results = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    ipv4_first = sorted(results, key=lambda result: result[0] != socket.AF_INET)
    return list(dict.fromkeys(str(socket_address[0]) for *_, socket_address in ipv4_first))


def origin_of(address: str) -> str:
    """Return the scheme, host and port of an address, with the port even if it is the scheme's usual one.

    Raises httpx.InvalidURL for a text that is no address.
    """
    import httpx  # Takes 0.2 s to load, and other parts of this file do not need it.

    url = httpx.URL(address)
    return f"{url.scheme}://{url.host}:{url.port or DEFAULT_PORTS.get(url.scheme, 0)}"


MAX_SHOWN_CHARACTERS = 200
"""Longest address in a sentence."""

_UNREADABLE_ADDRESS = "an address that cannot be read"


def describe_address(address: str) -> str:
    """Return an address for people: its scheme, host, port and path, on one line.

    A user, a password, a query and a fragment are left out, because they may be secrets. A text that is no
    web address, or whose password may reach into its path, is only called one. Never raises.
    """
    try:
        parts = urlsplit(address.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        return _UNREADABLE_ADDRESS
    if not parts.scheme or not host or (port is not None and "@" in parts.path):
        return _UNREADABLE_ADDRESS
    host = f"[{host}]" if ":" in host else host
    shown = f"{parts.scheme}://{host}{'' if port is None else f':{port}'}{parts.path}"[:MAX_SHOWN_CHARACTERS]
    return "".join(character if character.isprintable() else "?" for character in shown)
