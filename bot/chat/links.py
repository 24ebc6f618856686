"""Web addresses that may become links, on any platform. Pure."""

import re
from urllib.parse import quote, urlsplit

_HOST = re.compile(r"[a-z0-9.-]+(:\d+)?", re.IGNORECASE)


def safe_web_address(url: str) -> str:
    """Return the address, percent-quoted so that it cannot end a link's markup, or "" if it is unsafe.

    A safe address uses http or https, has no user name or password, and a host name of ASCII letters, digits,
    dots and hyphens. Spaces at both ends are removed, and existing percent escapes stay.
    """
    url = url.encode("utf-8", "ignore").decode().strip()
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(parts.netloc):
        return ""
    return quote(url, safe="%/:?#!$&+,;=~-._")
