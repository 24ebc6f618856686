"""Reading files beside the event loop, a batch at a time."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from itertools import islice
from typing import TypeVar

_T = TypeVar("_T")


async def batches(items: Iterator[_T], most: int) -> AsyncGenerator[list[_T], None]:
    """The items in lists of at most so many, each read in a worker thread.

    What was read before an error is still given; the error comes after.
    """
    while True:
        batch, error = await asyncio.to_thread(_next, items, most)
        if batch:
            yield batch
        if error:
            raise error
        if len(batch) < most:
            return


def _next(items: Iterator[_T], most: int) -> tuple[list[_T], Exception | None]:
    batch: list[_T] = []
    try:
        batch.extend(islice(items, most))
    except Exception as error:
        return batch, error
    return batch, None
