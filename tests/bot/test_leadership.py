"""Leader work: started with the lead, stopped when it is lost, restarted when it comes back."""

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
class FakeLock:
    """A leader lock that a test can take away."""

    lost: bool = False
    released: bool = False

    def is_held(self) -> bool:
        return not self.lost

    def release(self) -> None:
        self.released = True


@dataclass
class FakeLeadership:
    """Returns the answers of a test one after the other, and repeats the last one."""

    answers: list[FakeLock | StoreError | None]
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
    """Records each start, and whether it is running."""

    begins: asyncio.Queue[bool] = field(default_factory=asyncio.Queue)
    is_running: bool = False

    async def __call__(self, ended: asyncio.Event) -> None:
        self.begins.put_nowait(True)
        self.is_running = True
        await ended.wait()
        self.is_running = False


def test_the_work_starts_with_the_lead_and_ends_with_the_stop() -> None:
    async def scenario() -> None:
        lead, work, stop = FakeLock(), Work(), asyncio.Event()
        leadership = FakeLeadership([None, StoreError("The store is away."), lead])
        leading = asyncio.create_task(run_while_leading("slack", work, leadership=leadership, stop=stop))
        await work.begins.get()
        assert (leadership.times, lead.released) == (3, False)
        stop.set()
        await leading
        assert (work.is_running, lead.released) == (False, True)

    asyncio.run(scenario())


def test_a_lost_lead_stops_the_work_and_the_next_one_restarts_it() -> None:
    async def scenario() -> None:
        first, second, work, stop = FakeLock(), FakeLock(), Work(), asyncio.Event()
        leading = asyncio.create_task(
            run_while_leading("slack", work, leadership=FakeLeadership([first, None, second]), stop=stop)
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
        leadership, work, stop = FakeLeadership([None]), Work(), asyncio.Event()
        leading = asyncio.create_task(run_while_leading("slack", work, leadership=leadership, stop=stop))
        await asyncio.to_thread(leadership.asked.wait)
        stop.set()
        await leading
        assert work.begins.empty()

    asyncio.run(scenario())


def test_failed_work_releases_the_lead() -> None:
    async def failing(ended: asyncio.Event) -> None:
        raise OSError("the port is taken")

    async def scenario() -> None:
        lead = FakeLock()
        with pytest.raises(OSError, match="the port is taken"):
            await run_while_leading("slack", failing, leadership=FakeLeadership([lead]), stop=asyncio.Event())
        assert lead.released

    asyncio.run(scenario())


def test_two_processes_over_one_store_lead_one_after_the_other() -> None:
    async def scenario() -> None:
        leadership, work, stop = open_store("sqlite://").leadership, Work(), asyncio.Event()

        async def alone(ended: asyncio.Event) -> None:
            assert not work.is_running
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
