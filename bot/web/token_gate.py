"""Check of the tokens that requests bring, with a limit of tries for each address."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import AddressValueError, IPv6Address, IPv6Network
from typing import TYPE_CHECKING

from bot.conversation.fair_use import FairUse, Use
from bot.storage import run_interactive
from digests.ports.access_tokens import AccessToken, AccessTokens, TokenUse
from digests.subscription import Channel

if TYPE_CHECKING:
    from starlette.types import Scope

MAX_PROVEN_TOKENS = 1000
"""Tokens that were valid at their last use, in memory. Above it the one not used for longest is forgotten."""

IPV6_PREFIX_BITS = 64
"""Bits of an IPv6 address that count: one customer has all addresses that begin with them."""


@dataclass(slots=True)
class TokenGate:
    """Asks the store for tokens, and limits those that it does not know from one address.

    Nobody guesses a token: the limit keeps the store free of tries. A token that was valid at its last use in
    this process never meets it, so that whoever shares an address, as all do behind a proxy, shuts out none
    who was let in before.
    """

    tokens: AccessTokens
    clock: Callable[[], datetime]
    fair_use: FairUse = field(default_factory=FairUse)
    _proven: OrderedDict[bytes, None] = field(default_factory=OrderedDict)
    """Hashes of tokens, with their use, that were valid the last time."""

    async def authenticate(self, text: str, use: TokenUse, scope: "Scope") -> AccessToken | None:
        """Return the valid token with this text that came with a request, None without one.

        Raises LimitReachedError, without a call of the store, for an address that tried too many, and
        StoreError.
        """
        key = hashlib.sha256(f"{use} {text}".encode("utf-8", "replace")).digest()
        if key not in self._proven:
            address = find_peer_address(scope)
            self.fair_use.take_token(Use.GUESS, Channel("web", "", address), address)
        token = await run_interactive(self.tokens.authenticate, text, use, now=self.clock())
        self._proven.pop(key, None)
        if token:
            self._proven[key] = None
            if len(self._proven) > MAX_PROVEN_TOKENS:
                self._proven.popitem(last=False)
        return token


def find_peer_address(scope: "Scope") -> str:
    """Return the IP address of a request's peer, the first bits of an IPv6 one, or "" if it has none.

    No header counts: anybody can write one.
    """
    address = str((scope.get("client") or ("",))[0])
    try:
        return str(IPv6Network((int(IPv6Address(address)), IPV6_PREFIX_BITS), strict=False))
    except AddressValueError:
        return address
