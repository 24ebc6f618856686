"""Check of addresses before a request: no server may lead us into a private network."""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

import httpx

DEFAULT_PORTS = {"http": 80, "https": 443}
"""Ports by the schemes that are allowed."""

_NAT64_NETWORK = ipaddress.ip_network("64:ff9b::/96")
_METADATA_ADDRESSES = frozenset(("168.63.129.16",))
"""Public address at which Azure serves metadata; other clouds use link-local or private ones."""


def is_public(address: str) -> bool:
    """Return False for an IP address in a private, loopback, link-local, multicast or metadata range.

    IPv6 forms of an IPv4 address (mapped, 6to4, NAT64) are judged by that address. Raises ValueError for a
    text that is no IP address.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if inner := ip.ipv4_mapped or ip.sixtofour:
            return is_public(str(inner))
        if ip in _NAT64_NETWORK:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
        if ip.teredo:
            return False
    return ip.is_global and not ip.is_multicast and address not in _METADATA_ADDRESSES


async def resolve_host(host: str, port: int) -> Sequence[str]:
    """Return the IP addresses of a host, each once, IPv4 first. Raises OSError for an unknown host."""
    results = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    ipv4_first = sorted(results, key=lambda result: result[0] != socket.AF_INET)
    return list(dict.fromkeys(str(socket_address[0]) for *_, socket_address in ipv4_first))


def origin_of(address: str) -> str:
    """Return the scheme, host and port of an address, with the port even if it is the scheme's usual one.

    Raises httpx.InvalidURL for a text that is no address.
    """
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
