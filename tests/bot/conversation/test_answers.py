"""Answers to look-ups of papers that the library lacks."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from bot.chat.message import Card, Heading, Message
from bot.conversation.answers import Answers
from bot.conversation.marks import MarkEmojis
from bot.conversation.paper_fetch_queue import PaperFetchQueue
from bot.platforms.interaction import InteractionDispatcher
from bot.services import build_answers, build_services
from config.settings import Settings, SourceSettings
from config.settings import StoreSettings as StoreSettings
from digests.build import DigestPolicy
from digests.errors import SourceError
from digests.model import Paper
from digests.ports import Store
from digests.subscription import Channel
from tests.builders import NOW, a_paper, a_store, find_by_id
from tests.fakes.feeds import FakeFeeds, FeedFault
from tests.fakes.platform import MemoryPlatform, PostedPages
from tests.fakes.wire import WAIT_SECONDS

PAPERS = Channel("slack", "C1", "T1")


class AnswerRecorder:
    """A person who keeps the answers."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def __call__(self, message: Message, *, replace: bool = False) -> None:
        self.messages.append(message)


async def look_up(answers: Answers, text: str) -> Message:
    dispatcher = InteractionDispatcher(
        answers, MemoryPlatform(PostedPages()), MarkEmojis("🔖", ()), answers.clock, confirms_undo=False
    )
    recorder = AnswerRecorder()
    await dispatcher.lookups.look_up_paper(text, PAPERS, "UADA", recorder)
    (message,) = recorder.messages
    return message


def asked(store: Store, fetch: Callable[[str], Paper | None] | None, text: str) -> str:
    async def fetch_papers(ids: Sequence[str]) -> dict[str, Paper]:
        assert fetch
        return {paper: found for paper in ids if (found := fetch(paper))}

    queue = PaperFetchQueue(fetch_papers, store, lambda: NOW, WAIT_SECONDS) if fetch else None
    answers = Answers(store, find_by_id(store), DigestPolicy(), lambda: NOW, fetch_queue=queue)
    return asyncio.run(look_up(answers, text)).summary


def test_an_unknown_id_is_fetched_shown_without_a_score_and_queued_for_review() -> None:
    store = a_store()
    assert (
        asked(store, lambda paper: a_paper(paper, title="New here"), "https://arxiv.org/abs/2401.00001v2")
        == "New here"
    )
    (request,) = store.paper_requests.list_open(9, 9)
    assert (request.paper, request.platform, request.workspace, request.person) == (
        "2401.00001", "slack", "T1", "UADA"
    )  # fmt: skip
    assert asked(store, lambda paper: pytest.fail("it is known now"), "2401.00001") == "New here"


def test_an_unreachable_arxiv_queues_the_paper_and_says_so() -> None:
    store = a_store()

    def fetch(paper: str) -> Paper | None:
        raise SourceError("No.")

    assert asked(store, fetch, "2401.00001") == "2401.00001 is not known here yet"
    assert store.paper_requests.list_unknown(9) == ["2401.00001"]


def test_an_id_unknown_to_arxiv_is_answered_and_not_queued() -> None:
    store = a_store()
    assert asked(store, lambda paper: None, "2401.99999") == "arXiv does not know 2401.99999"
    assert store.paper_requests.list_unknown(9) == []


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("diffusion", "Nothing found for “diffusion”"),
        ("https://example.org/paper", "This page is no paper that is known here"),
        ("web:0123456789abcdef", "This page is no paper that is known here"),
    ],
)
def test_only_arxiv_ids_are_fetched(words: str, answer: str) -> None:
    assert asked(a_store(), lambda paper: pytest.fail("asked"), words) == answer


def test_each_of_two_unknown_ids_is_fetched_and_both_are_listed() -> None:
    store = a_store()
    assert "Which paper" in asked(store, lambda paper: a_paper(paper), "2401.00001 and 2401.00002?")
    assert set(store.library.get(["2401.00001", "2401.00002"])) == {"2401.00001", "2401.00002"}


def test_an_unknown_id_is_not_found_without_an_arxiv_source() -> None:
    assert asked(a_store(), None, "2401.00001") == "2401.00001 is not known here"


def test_a_lookup_at_arxiv_ends_at_its_timeout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over HTTP, as it runs: the turn is given back."""
    monkeypatch.setattr("bot.services.LOOKUP_TIMEOUT_SECONDS", 1.0)
    monkeypatch.setattr("bot.services.ARXIV_GAP", timedelta())

    async def run() -> None:
        async with FakeFeeds(clock=lambda: datetime.now(UTC)) as feeds:
            source = SourceSettings(
                kind="arxiv",
                categories=("cs.LG",),
                rss_url=feeds.rss_url,
                oai_url=feeds.oai_url,
                query_url=feeds.query_url,
            )
            url = f"sqlite:///{tmp_path / 'p.db'}"
            settings = Settings(
                store=StoreSettings(url=url),
                sources=(source,),
            )
            people = build_answers(build_services(settings, Console(quiet=True)), "slack")
            known = next(
                day
                for ago in range(9)
                if (
                    day := feeds.announcements_on(
                        feeds.today_in_new_york.fromordinal(feeds.today_in_new_york.toordinal() - ago)
                    )
                )
            )
            feeds.fail_next("/api/query", FeedFault.DRIP)
            waiting = await look_up(people, known[0].id)
            assert "not known here yet" in waiting.summary
            assert people.fetch_queue
            assert people.fetch_queue._task
            await people.fetch_queue._task
            feeds.clear_faults()  # It is still there if a slow machine ended the request before it arrived.
            people.fetch_queue.timeout = WAIT_SECONDS  # Arxiv answers now, however slow this machine is.
            reply = await look_up(people, known[0].id)
            assert reply.summary == known[0].title
            card = reply.blocks[0]
            assert isinstance(card, Card)
            assert (card.score, card.review_line) == ("No review yet", "")
            nothing = await look_up(people, "2401.99999")
            assert nothing.blocks[0] == Heading("arXiv does not know 2401.99999")

    asyncio.run(run())
