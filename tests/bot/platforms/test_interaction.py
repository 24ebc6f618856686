"""The dispatcher that every chat platform shares, over a platform in memory."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import cast
from unittest.mock import patch

import pytest

from bot.chat.message import Message
from bot.chat.port import Outcome, PostError
from bot.conversation import marks
from bot.conversation.context import Person
from bot.conversation.fair_use import USE_LIMITS, LimitReachedError, Use
from bot.platforms.clicks import Click
from bot.platforms.interaction import InteractionDispatcher
from digests.errors import PaperroundError
from digests.model import NOT_REVIEWED, Post
from digests.ports import Store
from digests.ports.marks import QueueScope
from digests.subscription import Channel
from tests.bot.platforms.dispatchers import (
    ADA,
    a_dispatcher,
    a_dispatcher_with_deciders,
    fetch_ada,
    ignore_answer,
    refuse_to_fetch,
    save_report,
)
from tests.builders import NOW, a_paper, a_store, a_subscription, save_subscription
from tests.fakes.platform import MemoryPlatform


def test_the_owner_of_a_digest_that_has_stopped_is_notified_once(platform: MemoryPlatform) -> None:
    store = a_store()
    subscription = save_subscription(store, replace(a_subscription(), owner_id="UADA"))
    dispatcher = a_dispatcher(store, platform)
    for _ in range(2):
        asyncio.run(dispatcher.stop_subscriptions([subscription], "the channel was deleted."))
    ((person, message),) = platform.direct_messages
    assert (person, message.summary) == (
        "UADA",
        "The digest that you set up has stopped: the channel was deleted.",
    )


def test_a_mark_count_that_is_pending_at_the_end_is_shown(platform: MemoryPlatform) -> None:
    store = a_store()
    store.library.add([(a_paper(), NOT_REVIEWED)], now=NOW)
    channel, paper = a_subscription().channel, a_paper().id
    store.posts.record_shared(Post(channel, "1.0", (paper,), {"text": "x"}), now=NOW)
    dispatcher = a_dispatcher(store, platform)

    async def run() -> None:
        await dispatcher.mark_handler.toggle_mark(channel, paper, "UADA")
        await dispatcher.drain_tasks()

    asyncio.run(run())
    ((message, update),) = platform.refreshes
    assert (message, update.mark_counts) == ("1.0", {paper: 1})


def test_a_person_who_pauses_and_resumes_on_and_on_is_stopped_before_the_channel_is_full(
    platform: MemoryPlatform,
) -> None:
    store = a_store()
    channel = save_subscription(store, a_subscription()).channel
    dispatcher = a_dispatcher(store, platform)

    async def send_commands() -> list[str]:
        refusals = []
        for number in range(40):
            verb = "resume" if number % 2 else "pause"
            try:
                reply = await dispatcher.run_digest_command(verb, channel, ADA.id, f"{number}", fetch_ada)
                await dispatcher.replies.send_reply(reply, channel, "UADA", ignore_answer)
            except LimitReachedError as error:
                refusals.append(str(error))
        return refusals

    refusals = asyncio.run(send_commands())
    assert len(refusals) > 20
    assert len(platform.posted_pages.pages) == 1
    assert refusals[0].startswith("You have changed a lot just now; try again in ")


@pytest.mark.parametrize("command", ["pause", "queue", "queue done 1", "top 3", "nonsense"])
def test_a_command_beyond_the_limit_asks_neither_the_platform_nor_the_store(
    command: str, platform: MemoryPlatform
) -> None:
    channel = a_subscription().channel
    dispatcher = a_dispatcher(cast("Store", None), platform)
    dispatcher.fair_use.now = lambda: 0.0  # No token comes back while the limits are used up.
    for use in Use:
        for _ in range(USE_LIMITS[use].person.burst):
            dispatcher.fair_use.take_token(use, channel, ADA.id)
    with pytest.raises(LimitReachedError):
        asyncio.run(dispatcher.run_digest_command(command, channel, ADA.id, "i1", refuse_to_fetch))
    with pytest.raises(LimitReachedError):
        asyncio.run(dispatcher.lookups.look_up_paper("2401.00001", channel, ADA.id, ignore_answer))


def test_a_flood_of_reactions_is_applied_up_to_the_limit_and_then_read_once(
    platform: MemoryPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marks, "DELAY_SECONDS", 0)
    monkeypatch.setattr(marks, "MAX_DELAYED_MESSAGES", 2)
    channel = a_subscription().channel
    dispatcher = a_dispatcher(cast("Store", None), platform)
    dispatcher.fair_use.now = lambda: 0.0
    burst, read, both_are_read = USE_LIMITS[Use.REACTION].person.burst, list[str](), asyncio.Event()

    async def react(message: str) -> bool:
        async def reconcile() -> None:
            read.append(message)
            if len(read) == 2:
                both_are_read.set()
            raise OSError("away")

        return dispatcher.takes_reaction(channel, message, ADA.id, reconcile)

    async def run() -> None:
        applied = [await react("1.0") for _ in range(burst + 10)]
        assert applied == [True] * burst + [False] * 10
        for message in ("2.0", "3.0"):
            await react(message)
        await both_are_read.wait()
        await dispatcher.drain_tasks()

    asyncio.run(run())
    assert read == ["1.0", "2.0"]


SECOND_TIME = "This came a second time, and was done the first time."


@pytest.mark.parametrize("kind", ["discuss", "share", "menu", "pause"])
def test_an_interaction_that_comes_again_changes_nothing_a_second_time(
    kind: str, platform: MemoryPlatform
) -> None:
    store = a_store()
    store.library.add([(a_paper(), NOT_REVIEWED)], now=NOW)
    channel, paper = save_subscription(store, a_subscription()).channel, a_paper().id

    async def interact(dispatcher: InteractionDispatcher, interaction_id: str) -> None:
        if kind == "menu":
            await dispatcher.toggle_mark_on_message(
                channel, "2.0", paper, ADA.id, interaction_id, ignore_answer
            )
        elif kind == "pause":
            reply = await dispatcher.run_digest_command(kind, channel, ADA.id, interaction_id, fetch_ada)
            await dispatcher.replies.send_reply(reply, channel, "UADA", ignore_answer)
        else:
            click = Click(kind, paper, channel, ADA.id, interaction_id, fetch_ada)
            await dispatcher.clicks.handle_click(click, ignore_answer)

    def describe_state() -> tuple[object, ...]:
        subscription = store.subscriptions.find(channel)
        marks = dict(store.marks.mark_counts(channel, [paper]))
        return marks, subscription and subscription.is_running, len(platform.posted_pages.pages)

    before = describe_state()
    asyncio.run(interact(a_dispatcher(store, platform), "i1"))
    after = describe_state()
    assert after != before
    with pytest.raises(PaperroundError, match=SECOND_TIME):
        asyncio.run(interact(a_dispatcher(store, platform), "i1"))
    assert describe_state() == after
    asyncio.run(interact(a_dispatcher(store, platform), "i2"))


async def give_commands(
    dispatcher: InteractionDispatcher, channel: Channel, *commands: tuple[str, str]
) -> None:
    """Give each command as the person with the id before it."""
    for number, (person_id, text) in enumerate(commands):

        async def fetch_person(person_id: str = person_id) -> Person:
            return Person(person_id, person_id.lower(), is_admin=True)

        reply = await dispatcher.run_digest_command(text, channel, person_id, f"{number}", fetch_person)
        await dispatcher.replies.send_reply(reply, channel, person_id, ignore_answer)


def test_a_persons_changes_in_a_row_are_one_message(platform: MemoryPlatform) -> None:
    store = a_store()
    channel = save_subscription(store, a_subscription()).channel
    asyncio.run(
        give_commands(
            a_dispatcher(store, platform), channel, ("ADA", "pause"), ("ADA", "resume"), ("ADA", "off")
        )
    )
    ((_, _, page),) = platform.posted_pages.pages
    assert "ada paused this channel's digest" in str(page.payload)


def test_a_change_by_another_person_is_a_message_of_its_own(platform: MemoryPlatform) -> None:
    store = a_store()
    channel = save_subscription(store, a_subscription()).channel
    commands = ("ADA", "pause"), ("BOB", "resume"), ("ADA", "pause")
    asyncio.run(give_commands(a_dispatcher(store, platform), channel, *commands))
    assert len(platform.posted_pages.pages) == 3


def test_a_change_of_another_kind_is_a_message_of_its_own(platform: MemoryPlatform) -> None:
    store = a_store()
    channel = save_subscription(store, a_subscription()).channel
    commands = ("pause", "meet thu 16:00", "meet fri 16:00", "resume")
    asyncio.run(give_commands(a_dispatcher(store, platform), channel, *(("ADA", text) for text in commands)))
    changes, meetings, later = (str(page.payload) for _, _, page in platform.posted_pages.pages)
    assert "paused" in changes
    assert "every Friday" in meetings
    assert "resumed" in later


def test_each_change_of_who_leads_is_a_message_of_its_own(platform: MemoryPlatform) -> None:
    store = a_store()
    channel = save_subscription(store, a_subscription()).channel
    commands = [("ADA", "meet thu 16:00"), ("BOB", "meet join"), ("ADA", "meet take"), ("ADA", "meet swap")]
    asyncio.run(give_commands(a_dispatcher(store, platform), channel, *commands))
    _, own, following = (str(page.payload) for _, _, page in platform.posted_pages.pages)
    assert "Ada leads" in own
    assert "leads now; ada handed it on" in following, "an edit would tell nobody"


def test_a_mark_by_command_names_the_paper(platform: MemoryPlatform) -> None:
    store = a_store()
    store.library.add([(a_paper(title="KTO"), NOT_REVIEWED)], now=NOW)
    channel, paper = save_subscription(store, a_subscription()).channel, a_paper().id
    dispatcher = a_dispatcher(store, platform)

    async def mark_twice() -> list[str]:
        replies = [
            await dispatcher.run_digest_command(f"mark {paper}", channel, "UADA", name, fetch_ada)
            for name in ("i1", "i2")
        ]
        return [reply.message.summary for reply in replies]

    first, second = asyncio.run(mark_twice())
    assert first == "Marked for discussion: “KTO”; /digest queue shows the list."
    assert second == "You had marked “KTO”; your mark is taken back."


def test_a_notice_that_cannot_be_edited_is_posted_again(platform: MemoryPlatform) -> None:
    def refuse_edit() -> None:
        raise PostError("The message was deleted.", Outcome.REFUSED)

    store = a_store()
    channel = save_subscription(store, a_subscription()).channel
    platform.before_edit = refuse_edit
    asyncio.run(give_commands(a_dispatcher(store, platform), channel, ("ADA", "pause"), ("ADA", "resume")))
    assert len(platform.posted_pages.pages) == 2


def test_a_mark_by_command_is_the_persons_own(platform: MemoryPlatform) -> None:
    store = a_store()
    store.library.add([(a_paper(), NOT_REVIEWED)], now=NOW)
    channel, paper = save_subscription(store, a_subscription()).channel, a_paper().id
    asyncio.run(give_commands(a_dispatcher(store, platform), channel, ("ADA", f"mark {paper}")))
    queued = store.marks.discussion_queue(
        QueueScope(channel.platform, channel.workspace, channel.channel),
        since=NOW - timedelta(days=1),
        now=NOW,
        limit=9,
    )
    assert [(each.paper, each.mark_count) for each in queued] == [(paper, 1)]


# Reports about a review.


def test_the_deciders_of_the_workspace_hear_once_a_day_of_a_doubted_paper(platform: MemoryPlatform) -> None:
    dispatcher = a_dispatcher_with_deciders(platform)
    assert "it is kept" in save_report(dispatcher).summary
    assert "it is kept" in save_report(dispatcher, interaction="i2", person=Person("UBOB", "bob")).summary
    assert [person for person, _ in platform.direct_messages] == ["UCID", "UEVE"]


def test_a_direct_message_that_fails_loses_no_report(platform: MemoryPlatform) -> None:
    async def fail(channel: Channel, person: str, message: Message) -> None:
        raise PostError("the person takes no messages", Outcome.REFUSED)

    dispatcher = a_dispatcher_with_deciders(platform)
    with patch.object(MemoryPlatform, "send_direct_message", side_effect=fail):
        assert "it is kept" in save_report(dispatcher).summary
    assert len(dispatcher.answers.store.review_reports.list_open(9)) == 1


def test_a_report_that_is_sent_twice_is_kept_once(platform: MemoryPlatform) -> None:
    dispatcher = a_dispatcher_with_deciders(platform)
    save_report(dispatcher)
    with pytest.raises(PaperroundError, match="second time"):
        save_report(dispatcher)


def test_a_flood_of_reports_ends_with_a_sentence(platform: MemoryPlatform) -> None:
    dispatcher = a_dispatcher_with_deciders(platform)
    for number in range(USE_LIMITS[Use.REPORT].person.burst):
        save_report(dispatcher, interaction=f"{number}")
    with pytest.raises(LimitReachedError, match="You have reported a lot"):
        save_report(dispatcher, interaction="one more")
    assert len(platform.direct_messages) == 2
