"""Builder of delivery contexts for tests."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from bot.chat.port import Platform
from bot.delivery.deliver import DeliveryContext, DeliveryPolicy
from digests.build import DigestPolicy
from digests.ports import Store
from tests.builders import NOW

_POLICY_NAMES = {field.name for field in fields(DeliveryPolicy)}


def a_context(
    store: Store,
    platforms: Mapping[str, Platform],
    *,
    owner: str = "p",
    clock: Callable[[], datetime] = lambda: NOW,
    digest_policy: DigestPolicy | None = None,
    **options: Any,
) -> DeliveryContext:
    """Build a context with these options, each a field of the delivery policy or of the context."""
    policy = DeliveryPolicy(**{name: value for name, value in options.items() if name in _POLICY_NAMES})
    others = {name: value for name, value in options.items() if name not in _POLICY_NAMES}
    return DeliveryContext(store, platforms, digest_policy or DigestPolicy(), owner, clock, policy, **others)
