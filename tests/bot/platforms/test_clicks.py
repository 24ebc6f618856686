"""Clicks on buttons, over a platform in memory."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import time, timedelta
from typing import cast

import pytest

from bot.chat.message import Button, ButtonAction, Buttons, Message
from bot.conversation.context import Person
from bot.conversation.fair_use import USE_LIMITS, LimitReachedError, Use
from bot.platforms.clicks import Click
from digests.errors import PaperroundError
from digests.meetings.model import Candidate, MeetingPlan
from digests.model import Mark, MarkSource, QueueOutcome
from digests.ports import Store
from digests.subscription import Schedule
from tests.bot.platforms.dispatchers import (
    ADA,
    CHANNEL,
    a_dispatcher,
    a_dispatcher_with_deciders,
    fetch_ada,
    ignore_answer,
    refuse_to_fetch,
    save_report,
)
from tests.builders import NOW, a_paper, a_review, a_store, a_subscription, save_subscription
from tests.fakes.platform import MemoryPlatform


@pytest.mark.parametrize("action", [*ButtonAction, "an old one"])
def test_a_click_beyond_the_limit_asks_neither_the_platform_nor_the_store(
    action: str, platform: MemoryPlatform
) -> None:
    channel = a_subscription().channel
    dispatcher = a_dispatcher(cast("Store", None), platform)
    dispatcher.fair_use.now = lambda: 0.0  # No token comes back while the limits are used up.
    for use in Use:
        for _ in range(USE_LIMITS[use].person.burst):
            dispatcher.fair_use.take_token(use, channel, ADA.id)
    click = Click(action, "1", channel, ADA.id, "i1", refuse_to_fetch)
    with pytest.raises(LimitReachedError):
        asyncio.run(dispatcher.clicks.handle_click(click, ignore_answer))


def test_the_next_papers_of_a_digest_are_shown_to_the_person_alone(platform: MemoryPlatform) -> None:
    store = a_store()
    papers = [(a_paper(f"2401.0000{n}", published=NOW.date()), a_review(9 - n / 10)) for n in range(8)]
    store.library.add(papers, now=NOW - timedelta(hours=1))
    subscription = save_subscription(store, a_subscription(top=2))
    dispatcher, answers = a_dispatcher(store, platform), list[Message]()

    async def respond(message: Message, *, replace: bool = False) -> None:
        assert not replace, "the digest would be replaced for everybody"
        answers.append(message)

    value = f"{NOW.date()}.0.{store.library.latest_sequence()}.0"
    click = Click(ButtonAction.NEXT, value, subscription.channel, "UADA", "i1", refuse_to_fetch)
    asyncio.run(dispatcher.clicks.handle_click(click, respond))
    assert [card.paper for card in answers[0].cards] == [f"2401.0000{n}" for n in range(5)]
    assert [card.number for card in answers[0].cards] == [None] * 5
    assert answers[0].blocks[-1] == Buttons((Button(ButtonAction.NEXT, "Next 3", value[:-1] + "5"),))


def test_a_shared_card_shows_how_many_marked_its_paper_before(platform: MemoryPlatform) -> None:
    store = a_store()
    store.library.add([(a_paper(), a_review())], now=NOW)
    channel, paper = save_subscription(store, a_subscription()).channel, a_paper().id
    store.marks.set_mark(Mark(channel, "", paper, "UBOB", MarkSource.BUTTON, NOW), True)
    click = Click(ButtonAction.SHARE, paper, channel, "UADA", "i1", fetch_ada)
    asyncio.run(a_dispatcher(store, platform).clicks.handle_click(click, ignore_answer))
    ((_, _, page),) = platform.posted_pages.pages
    assert page.papers == (paper,)
    ((_, update),) = platform.refreshes
    assert update.mark_counts == {paper: 1}


def test_the_answer_to_a_look_up_shows_how_many_marked_the_paper(platform: MemoryPlatform) -> None:
    store, shown = a_store(), list[Message]()
    store.library.add([(a_paper(), a_review())], now=NOW)
    channel, paper = save_subscription(store, a_subscription()).channel, a_paper().id
    for person in ("UBOB", "UEVE"):
        store.marks.set_mark(Mark(channel, "", paper, person, MarkSource.BUTTON, NOW), True)

    async def respond(message: Message, *, replace: bool = False) -> None:
        shown.append(message)

    click = Click(ButtonAction.SHOW, paper, channel, "UADA", "i1", fetch_ada)
    asyncio.run(a_dispatcher(store, platform).clicks.handle_click(click, respond))
    assert [card.mark_count for card in shown[0].cards] == [2]


def test_a_person_of_another_workspace_reads_nothing_of_what_the_readers_say(
    platform: MemoryPlatform,
) -> None:
    dispatcher = a_dispatcher_with_deciders(platform)
    save_report(dispatcher)

    def read_review(*, is_own: bool) -> str:
        answers: list[Message] = []

        async def respond(message: Message, *, replace: bool = False) -> None:
            answers.append(message)

        async def is_own_person() -> bool:
            return is_own

        click = Click(ButtonAction.REVIEW, a_paper().id, CHANNEL, "UBOB", "", refuse_to_fetch, is_own_person)
        asyncio.run(dispatcher.clicks.handle_click(click, respond))
        return str(answers)

    assert "Too high." in read_review(is_own=True)
    stranger = read_review(is_own=False)
    assert "Too high." not in stranger
    assert "reader here" not in stranger


def test_votes_and_turns_of_a_meeting_are_taken_by_buttons(platform: MemoryPlatform) -> None:
    store = a_store()
    store.library.add([(a_paper(), a_review())], now=NOW)
    subscription = save_subscription(store, a_subscription())
    plan = MeetingPlan(Schedule(time(16), frozenset({3})))
    meeting = store.meeting_plans.save(subscription.id, plan, by="Ada", by_id="", now=NOW)
    store.meetings.open_poll(meeting.id, [Candidate(a_paper().id)])
    dispatcher, answers = a_dispatcher(store, platform), list[str]()

    async def respond(message: Message, *, replace: bool = False) -> None:
        answers.append(message.summary)

    def click(action: ButtonAction, value: str, interaction: str) -> None:
        channel = subscription.channel
        asyncio.run(
            dispatcher.clicks.handle_click(
                Click(action, value, channel, ADA.id, interaction, fetch_ada), respond
            )
        )

    click(ButtonAction.VOTE, f"{meeting.id}:0", "i1")
    click(ButtonAction.LEAD, str(meeting.id), "i2")
    stored = store.meeting_plans.find(subscription.channel)
    assert stored
    assert (stored.votes, stored.presenter) == ({ADA.id: a_paper().id}, ADA.id)
    assert answers[0].startswith("You voted for “")
    assert answers[1] == "You lead on Thursday 3 December."
    (notice,) = platform.posted_pages.pages
    assert "Ada leads on Thursday 3 December." in str(notice)
    with pytest.raises(PaperroundError, match="a second time"):
        click(ButtonAction.LEAD, str(meeting.id), "i2")


def test_an_answer_about_a_discussion_is_refused_to_a_stranger_and_counts_once(
    platform: MemoryPlatform,
) -> None:
    store = a_store()
    store.library.add([(a_paper(), a_review())], now=NOW)
    channel, paper = a_subscription().channel, a_paper().id
    dispatcher = a_dispatcher(store, platform)
    scope = dispatcher.answers.discussions.choose_scope(channel)
    store.queue_decisions.decide(paper, scope, QueueOutcome.DISCUSSED, by="", by_id="", now=NOW)
    answers: list[str] = []

    async def respond(message: Message, *, replace: bool = False) -> None:
        answers.append(message.summary)

    async def refuse() -> Person:
        raise PaperroundError("a stranger")

    def click(interaction: str, fetch_person: Callable[[], Awaitable[Person]] = fetch_ada) -> None:
        clicked = Click(ButtonAction.WORTH_IT, paper, channel, ADA.id, interaction, fetch_person)
        asyncio.run(dispatcher.clicks.handle_click(clicked, respond))

    with pytest.raises(PaperroundError, match="a stranger"):
        click("i0", refuse)
    assert store.discussions.count_answers(scope, [paper]) == {}
    click("i1")
    with pytest.raises(PaperroundError, match="a second time"):
        click("i1")
    click("i2")
    assert [" 1 of 1." in answer for answer in answers] == [True, True]


def test_the_record_of_a_paper_is_for_people_of_the_workspace(platform: MemoryPlatform) -> None:
    store = a_store()
    store.library.add([(a_paper(), a_review())], now=NOW)
    channel, paper = a_subscription().channel, a_paper().id
    dispatcher = a_dispatcher(store, platform)
    scope = dispatcher.answers.discussions.choose_scope(channel)
    store.queue_decisions.decide(paper, scope, QueueOutcome.DISCUSSED, by="", by_id="", now=NOW)
    answers: list[str] = []

    async def respond(message: Message, *, replace: bool = False) -> None:
        answers.append(str(message.blocks))

    async def is_own() -> bool:
        return True

    async def is_foreign() -> bool:
        return False

    for number, is_own_person in enumerate((is_own, is_foreign)):
        click = Click(ButtonAction.SHOW, paper, channel, ADA.id, f"i{number}", fetch_ada, is_own_person)
        asyncio.run(dispatcher.clicks.handle_click(click, respond))
    assert ["Discussed here on" in answer for answer in answers] == [True, False]
