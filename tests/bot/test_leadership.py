"""Work with a lead: begun when the lead is there, ended at once when it is lost, taken up again when it comes back."""

import asyncio
import threading
from dataclasses import dataclass, field

import pytest

from bot.leadership import run_while_leading
from digests.errors import StoreError
from digests.ports.leadership import LeaderLock
from digests.store import open_store


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.leadership.POLL_SECONDS", 0.01)


@dataclass
class Given:
    """A lead that is lost when a test says so."""

    lost: bool = False
    released: bool = False

    def is_held(self) -> bool:
        return not self.lost

    def release(self) -> None:
        self.released = True


@dataclass
class Giving:
    """Gives the answers of a test, one after the other; the last one for ever."""

    answers: list[Given | StoreError | None]
    asked: threading.Event = field(default_factory=threading.Event)
    times: int = 0

    def acquire(self, role: str) -> LeaderLock | None:
        self.times += 1
        self.asked.set()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, StoreError):
            raise answer
        return answer


@dataclass
class Work:
    """Says when it begins, and whether it is under way."""

    begins: asyncio.Queue[bool] = field(default_factory=asyncio.Queue)
    under_way: bool = False

    async def __call__(self, ended: asyncio.Event) -> None:
        self.begins.put_nowait(True)
        self.under_way = True
        await ended.wait()
        self.under_way = False


def test_the_work_starts_with_the_lead_and_ends_with_the_stop() -> None:
    async def scenario() -> None:
        lead, work, stop = Given(), Work(), asyncio.Event()
        giving = Giving([None, StoreError("The store is away."), lead])
        leading = asyncio.create_task(run_while_leading("slack", work, leadership=giving, stop=stop))
        await work.begins.get()
        assert (giving.times, lead.released) == (3, False)
        stop.set()
        await leading
        assert (work.under_way, lead.released) == (False, True)

    asyncio.run(scenario())


def test_a_lost_lead_stops_the_work_and_the_next_one_restarts_it() -> None:
    async def scenario() -> None:
        first, second, work, stop = Given(), Given(), Work(), asyncio.Event()
        leading = asyncio.create_task(
            run_while_leading("slack", work, leadership=Giving([first, None, second]), stop=stop)
        )
        await work.begins.get()
        first.lost = True
        await work.begins.get()
        assert (first.released, second.released) == (True, False)
        stop.set()
        await leading

    asyncio.run(scenario())


def test_a_process_that_never_leads_stops_on_demand() -> None:
    async def scenario() -> None:
        giving, work, stop = Giving([None]), Work(), asyncio.Event()
        leading = asyncio.create_task(run_while_leading("slack", work, leadership=giving, stop=stop))
        await asyncio.to_thread(giving.asked.wait)
        stop.set()
        await leading
        assert work.begins.empty()

    asyncio.run(scenario())


def test_failed_work_releases_the_lead() -> None:
    async def failing(ended: asyncio.Event) -> None:
        raise OSError("the port is taken")

    async def scenario() -> None:
        lead = Given()
        with pytest.raises(OSError, match="the port is taken"):
            await run_while_leading("slack", failing, leadership=Giving([lead]), stop=asyncio.Event())
        assert lead.released

    asyncio.run(scenario())


def test_two_processes_over_one_store_lead_one_after_the_other() -> None:
    async def scenario() -> None:
        leadership, work, stop = open_store("sqlite://").leadership, Work(), asyncio.Event()

        async def alone(ended: asyncio.Event) -> None:
            assert not work.under_way
            await work(stop)

        both = [
            run_while_leading("slack", alone, leadership=leadership, stop=asyncio.Event()) for _ in range(2)
        ]
        working = asyncio.gather(*both)
        await work.begins.get()
        stop.set()
        await working
        assert work.begins.qsize() == 1

    asyncio.run(scenario())
