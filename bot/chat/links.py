"""Web addresses that may become links, on any platform. Pure."""

import re
from urllib.parse import quote, urlsplit

_HOST = re.compile(r"[a-z0-9.-]+(:\d+)?", re.IGNORECASE)


def safe_web_address(url: str) -> str:
    """Return the address, quoted so that it cannot end a link, or "" when it is unsafe.

    Safe addresses use http or https, have no password and a plain host name.
    """
    url = url.encode("utf-8", "ignore").decode().strip()
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(parts.netloc):
        return ""
    return quote(url, safe="%/:?#!$&+,;=~-._")
