"""Reading files beside the event loop, a batch at a time."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from itertools import islice
from typing import TypeVar

_T = TypeVar("_T")


async def batches(items: Iterator[_T], most: int) -> AsyncGenerator[list[_T], None]:
    """The items in lists of at most so many, each read in a worker thread while the one before it is used.

    What was read before an error is still given; the error comes after.
    """
    reading = asyncio.ensure_future(asyncio.to_thread(_next, items, most))
    try:
        while True:
            batch, error = await reading
            ended = error is not None or len(batch) < most
            if not ended:
                reading = asyncio.ensure_future(asyncio.to_thread(_next, items, most))
            if batch:
                yield batch
            if error:
                raise error
            if ended:
                return
    finally:
        await asyncio.wait([reading])


def _next(items: Iterator[_T], most: int) -> tuple[list[_T], Exception | None]:
    batch: list[_T] = []
    try:
        batch.extend(islice(items, most))
    except Exception as error:
        return batch, error
    return batch, None
