"""Our own reviewer at work: once, by hand, or for as long as `paperround run` runs."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from rich.console import Console

from bot.app import OpenDesk
from bot.findings import Finding, Level
from digests.errors import InputError, PaperroundError
from digests.model import Paper, ReadDepth, Stage, Wish
from digests.ports import Spending, Store
from digests.reviewers.openai import ServerError
from digests.reviewers.review import ReviewError, review
from digests.reviewers.rounds import Desk, Outcome, Plan, plan, work

log = logging.getLogger(__name__)

LEAD = "reviewer"

PAUSE = 60.0
"""Seconds between two looks at what has come in."""

PAUSE_IN_TROUBLE = 300.0
"""Seconds after a server was found down or the budget spent."""

GRACE = 8.0
"""Seconds that calls under way have to come back when the process is told to stop; containers are killed after ten."""

_BARS = {Stage.SCORE: "first look", Stage.FULL: "full review"}


def wishes_of(store: Store, from_settings: Sequence[Wish] = ()) -> list[Wish]:
    """What the channels want that get digests; those of the settings where the store has none yet."""
    stored = [one.wish for one in store.subscriptions.all() if one.running]
    return stored or list(from_settings)


# By hand.


async def review_once(open_desk: OpenDesk, store: Store, wishes: Sequence[Wish], errors: Console) -> Outcome:
    """One round with bars on a terminal. Raises InputError while another process reviews."""
    lead = await asyncio.to_thread(store.leadership.lead, LEAD)
    if lead is None:
        raise InputError(
            "Another process reviews now, such as “paperround run”: it does the same, so there is nothing to do here."
        )
    try:
        with _bars(errors) as progress:
            async with open_desk() as desk:
                return await work(
                    replace(desk, progress=progress, awaits_news=False), wishes, asyncio.Event()
                )
    finally:
        await asyncio.to_thread(lead.release)


@contextmanager
def _bars(errors: Console) -> Iterator[Callable[[Stage, int, int], None]]:
    if not errors.is_terminal:
        yield lambda stage, done, of: None
        return
    from rich.progress import Progress as Bar

    with Bar(console=errors, transient=True) as bar:
        tasks = {stage: bar.add_task(name, total=None, visible=False) for stage, name in _BARS.items()}

        def show(stage: Stage, done: int, of: int) -> None:
            bar.update(tasks[stage], completed=done, total=of, visible=of > 0)

        yield show


def outcome_sentence(outcome: Outcome, waiting: int) -> str:
    """What became of a round, in words."""
    parts = [f"{outcome.scored:,} scored", f"{outcome.reviewed:,} reviewed in full"]
    parts += [f"{outcome.compared:,} comparisons of two"] if outcome.compared else []
    parts += [f"{outcome.failed:,} failed"] if outcome.failed else []
    parts += [f"{outcome.held:,} held for a person (paperround held)"] if outcome.held else []
    parts += [f"{waiting:,} waiting"] if waiting else []
    return f"{', '.join(parts)}. {outcome.detail}".strip()


async def planned(open_desk: OpenDesk, wishes: Sequence[Wish]) -> tuple[Plan, Desk]:
    """What today would cost."""
    async with open_desk() as desk:
        return await asyncio.to_thread(plan, desk, wishes), desk


def plan_lines(made: Plan, desk: Desk) -> list[str]:
    """The plan in words."""
    budget = desk.budget
    priced = bool(budget.price_in or budget.price_out)
    limit = [f"{budget.tokens:,} tokens"] if budget.tokens is not None else []
    limit += [f"{budget.money:g} in money"] if budget.money is not None else []
    lines = [
        f"Model: {desk.server.address.model} at {desk.server.address.base_url}",
        f"First look: {made.to_score:,} papers. Full review: {made.to_read:,} of the best.",
        *([f"Comparisons of two of them: {made.to_compare:,}."] if made.to_compare else []),
        f"Expected today: {_spending(made.expected, priced)}.",
        f"Spent today so far: {_spending(made.spent, priced)}.",
        f"Budget a day: {' and '.join(limit) if limit else 'none is set; see tokens_a_day and money_a_day'}.",
    ]
    if made.waiting_for_tomorrow:
        lines.append(
            f"{made.waiting_for_tomorrow:,} of these would wait for tomorrow, those that promise least."
        )
    return lines


def _spending(spending: Spending, priced: bool) -> str:
    money = f", {spending.millionths / 1_000_000:,.2f} in money" if priced else ""
    return f"about {spending.tokens:,} tokens{money}"


# For as long as the process runs.


async def keep_reviewing(open_desk: OpenDesk, store: Store, stop: asyncio.Event) -> None:
    """Review what comes in until told to stop. A failure is a line in the log, and is tried again."""
    async with open_desk() as desk:
        said = ""
        while not stop.is_set():
            outcome = await _safe_round(desk, store, stop)
            if outcome and (sentence := _told(outcome, store)) != said and sentence:
                said = sentence
                log.info("reviewer: %s", sentence)
            with suppress(TimeoutError):
                await asyncio.wait_for(
                    stop.wait(), PAUSE_IN_TROUBLE if outcome is None or outcome.trouble else PAUSE
                )


def _told(outcome: Outcome, store: Store) -> str:
    if outcome == Outcome():
        return ""
    return outcome_sentence(outcome, sum(store.reviewing.waiting().values()))


async def _safe_round(desk: Desk, store: Store, stop: asyncio.Event) -> Outcome | None:
    try:
        wishes = await asyncio.to_thread(wishes_of, store)
        return await _until(stop, work(desk, wishes, stop))
    except PaperroundError as error:
        log.error("reviewer: %s Trying again.", error)
    except asyncio.CancelledError:
        raise
    except Exception:
        log.exception("A round of reviews failed; trying again.")
    return None


async def _until(stop: asyncio.Event, round_of_work: Coroutine[Any, Any, Outcome]) -> Outcome | None:
    """The outcome; None when calls under way did not come back in time after the stop."""
    working, stopping = asyncio.ensure_future(round_of_work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            await asyncio.wait((working,), timeout=GRACE)
        return working.result() if working.done() else None
    finally:
        stopping.cancel()
        working.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)


# Whether it works.

SAMPLE = Paper(
    "sample",
    "A Small Model for Long Texts",
    "",
    abstract="We train a small model on two public data sets of long texts. It reaches the accuracy of models that are twice as "
    "large, at a third of the cost. It was tested in English only. Code and weights are public.",
)


async def examined(desk: Desk) -> Finding:
    """Whether the server has the model, and the model answers by the schema. It costs one first look."""
    address = desk.server.address
    try:
        names = await desk.server.models()
    except ServerError:
        names = []  # Not every server lists its models; the answer below decides.
    try:
        made, used = await review(
            SAMPLE,
            SAMPLE.abstract,
            Stage.SCORE,
            depth=ReadDepth.ABSTRACT,
            server=desk.server,
            questions=desk.questions,
            now=desk.clock(),
        )
    except ReviewError as error:
        known = f" It has: {', '.join(names[:5])}." if names and address.model not in names else ""
        return Finding(Level.FAULT, "reviewer", f"{error}{known}")
    return Finding(
        Level.OK,
        "reviewer",
        f"{address.model} answers by the schema; a sample got {made.score}, for {used.all:,} tokens.",
    )
