"""A hostile paper holds up nobody: people are answered while it is read."""

import asyncio
import time
from pathlib import Path

from bot.conversation.answers import Answers
from bot.storage import run_interactive
from digests.blocking import BlockingRunner
from digests.build import DigestPolicy
from digests.model import Paper, ReadDepth
from digests.reviewers.full_text import FullText
from digests.reviewers.reader import ReaderProcess
from digests.subscription import Channel
from tests.bot.gated_reader import read_page_behind_gate
from tests.builders import NOW, find_by_id
from tests.digests.reviewers.harness import ReviewerHarness, store_with_papers

EMPTY_CELLS = b"<table>" + b"<tr><td>-</td></tr>" * 14_000 + b"</table>"
"""A page that once stopped the bot for half a minute, on its way through the anonymization."""


def test_a_command_is_answered_while_a_page_of_empty_cells_is_read(tmp_path: Path) -> None:
    gate, started = tmp_path / "gate", asyncio.Event()
    store = store_with_papers(1)
    order: list[str] = []

    async def fetch(paper: Paper, run_reader: BlockingRunner) -> FullText | None:
        started.set()
        return await run_reader(read_page_behind_gate, EMPTY_CELLS, str(gate))

    answers = Answers(store, find_by_id(store), DigestPolicy(), lambda: NOW)
    reviewer = ReviewerHarness(store, fetch_full_text=fetch)

    async def work() -> None:
        review = asyncio.create_task(reviewer.run_round_here(run_reader=ReaderProcess().run))
        review.add_done_callback(lambda _: order.append("reviewed"))
        await started.wait()
        channel = Channel("slack", "C1", "T1")
        for _ in range(3):
            await run_interactive(answers.queue.show_queue, channel)
            order.append("answered")
            await asyncio.to_thread(time.sleep, 0.01)
        gate.touch()
        await review

    asyncio.run(work())
    assert order == ["answered", "answered", "answered", "reviewed"]
    assert reviewer.get_paper(0).review.read_depth is ReadDepth.FULL_TEXT
