"""Reading files beside the event loop, a batch at a time."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from itertools import islice
from typing import TypeVar

_T = TypeVar("_T")


async def read_batches(items: Iterator[_T], size: int) -> AsyncGenerator[list[_T], None]:
    """The items in lists of at most so many, each read in a worker thread while the one before it is used.

    What was read before an error is still given; the error comes after.
    """
    reading = asyncio.ensure_future(asyncio.to_thread(_read_batch, items, size))
    try:
        while True:
            batch, error = await reading
            is_last = error is not None or len(batch) < size
            if not is_last:
                reading = asyncio.ensure_future(asyncio.to_thread(_read_batch, items, size))
            if batch:
                yield batch
            if error:
                raise error
            if is_last:
                return
    finally:
        await asyncio.wait([reading])


def _read_batch(items: Iterator[_T], size: int) -> tuple[list[_T], Exception | None]:
    batch: list[_T] = []
    try:
        batch.extend(islice(items, size))
    except Exception as error:
        return batch, error
    return batch, None
