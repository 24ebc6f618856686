"""Signatures of Slack's requests over HTTP: the check over the raw body, and the memory against replays."""

import hashlib
import hmac
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

MAX_AGE_SECONDS = 300
"""Longest difference between a request's time and ours, in both directions. Slack advises five minutes."""

MAX_REMEMBERED = 50_000
"""Signatures that are remembered. Only Slack can add to them: it sends at most 2,500 events in five minutes
for a workspace."""

_TIMESTAMP_DIGITS = 12
_SIGNATURE_CHARACTERS = len("v0=") + 64


@dataclass(frozen=True, slots=True)
class RequestSignature:
    """Time and signature of a request, as its headers have them. The form of both is right."""

    timestamp: str
    signature: str


@dataclass(slots=True)
class SignatureChecker:
    """Checks signatures with the app's signing secret, and remembers those of accepted requests.

    `clock` returns the time in seconds since 1970.
    """

    secret: str = field(repr=False)
    clock: Callable[[], float] = time.time
    _remembered: dict[str, int] = field(default_factory=dict, repr=False)

    def read_signature(self, timestamps: Sequence[str], signatures: Sequence[str]) -> RequestSignature | None:
        """Return the signature from the values of its two headers; None if it is wrong whatever the body is.

        Each header must be there once, and the time be within `MAX_AGE_SECONDS` of ours.
        """
        if len(timestamps) != 1 or len(signatures) != 1:
            return None
        timestamp, signature = timestamps[0], signatures[0]
        if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= _TIMESTAMP_DIGITS):
            return None
        if not (signature.isascii() and len(signature) == _SIGNATURE_CHARACTERS):
            return None
        if abs(self.clock() - int(timestamp)) > MAX_AGE_SECONDS:
            return None
        return RequestSignature(timestamp, signature)

    def is_signed(self, body: bytes, request: RequestSignature) -> bool:
        """Return True if the signature is that of the raw body.

        slack_sdk's verifier decodes the body first, and fails for bytes that are no UTF-8.
        """
        code = hmac.new(self.secret.encode(), f"v0:{request.timestamp}:".encode(), hashlib.sha256)
        code.update(body)
        return hmac.compare_digest(f"v0={code.hexdigest()}", request.signature)

    def remember(self, request: RequestSignature) -> bool:
        """Remember a signature for as long as it is accepted. Returns False if it already was: a replay."""
        now = self.clock()
        while self._remembered:
            oldest = next(iter(self._remembered))
            if len(self._remembered) < MAX_REMEMBERED and self._remembered[oldest] + MAX_AGE_SECONDS >= now:
                break
            del self._remembered[oldest]
        if request.signature in self._remembered:
            return False
        self._remembered[request.signature] = int(request.timestamp)
        return True

    def forget(self, request: RequestSignature) -> None:
        """Forget a signature whose request was not served, so that Slack can send it again."""
        self._remembered.pop(request.signature, None)
