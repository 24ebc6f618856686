"""Fields of log records: the channel, the edition and the like that the present work is about."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

from digests.subscription import Channel

_fields: ContextVar[Mapping[str, str | int]] = ContextVar("log fields", default=MappingProxyType({}))


@contextmanager
def add_log_fields(channel: Channel, **further: str | int) -> Iterator[None]:
    """Add a channel, its workspace and further fields to each record that is logged in the block.

    Tasks and threads of the store that begin in the block have them too.
    """
    place = {"channel": str(channel)}
    if channel.workspace:
        place["workspace"] = f"{channel.platform}:{channel.workspace}"
    token = _fields.set({**_fields.get(), **place, **further})
    try:
        yield
    finally:
        _fields.reset(token)


def read_log_fields() -> Mapping[str, str | int]:
    """Return the fields of the present work."""
    return _fields.get()
