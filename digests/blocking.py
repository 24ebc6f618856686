"""The type of functions that run blocking calls of the store."""

from collections.abc import Awaitable, Callable
from typing import ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class BlockingRunner(Protocol):
    """Calls a blocking function in a thread, as `asyncio.to_thread` does."""

    def __call__(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[R]: ...
