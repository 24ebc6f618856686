"""Checks of a page for the terminal: plain blocks, without control characters."""

import json
import unicodedata
from collections.abc import Collection, Mapping
from typing import Any


def check_page(
    payload: Mapping[str, Any], *, allowed_urls: Collection[str] = (), edited: bool = False
) -> None:
    """Raise AssertionError for a page that could control the terminal. Links and edits have no limits."""
    assert set(payload) == {"blocks"}
    written = json.dumps(payload, ensure_ascii=False)
    assert not [sign for sign in written if unicodedata.category(sign) in ("Cc", "Cs")]
    assert not set(written) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
