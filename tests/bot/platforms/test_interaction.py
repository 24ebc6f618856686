"""The dispatcher that every chat platform shares, over a platform in memory."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import time, timedelta
from typing import cast
from unittest.mock import patch

import pytest

from bot.chat.message import Button, ButtonAction, Buttons, Message
from bot.chat.port import Outcome, PostError
from bot.conversation import marks
from bot.conversation.answers import Answers
from bot.conversation.context import Person
from bot.conversation.fair_use import USE_LIMITS, LimitReachedError, Use
from bot.conversation.marks import MarkEmojis
from bot.conversation.reports import ReportFields
from bot.platforms.clicks import Click
from bot.platforms.interaction import InteractionDispatcher
from digests.build import DigestPolicy
from digests.errors import PaperroundError
from digests.meetings.model import Candidate, MeetingPlan
from digests.model import NOT_REVIEWED, Mark, MarkSource, Post, QueueOutcome
from digests.ports import Store
from digests.ports.marks import QueueScope
from digests.subscription import Channel, Schedule
from tests.builders import NOW, a_paper, a_review, a_store, a_subscription, find_nothing, save_subscription
from tests.fakes.platform import MemoryPlatform, PostedPages


@pytest.fixture
def platform() -> MemoryPlatform:
    return MemoryPlatform(PostedPages())


ADA = Person("UADA", "Ada", is_admin=True)
CHANNEL = Channel("slack", "C1", "T1")


async def fetch_ada() -> Person:
    return ADA


async def refuse_to_fetch() -> Person:
    raise AssertionError("the platform was asked for a person")


async def ignore_answer(message: Message, *, replace: bool = False) -> None:
    """Stand for a person who reads nothing."""


def a_dispatcher(store: Store, platform: MemoryPlatform) -> InteractionDispatcher:
    answers = Answers(store, find_nothing, DigestPolicy(), lambda: NOW)
    return InteractionDispatcher(answers, platform, MarkEmojis("🔖", ()), lambda: NOW, confirms_undo=False)


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


def save_report(
    dispatcher: InteractionDispatcher,
    *,
    interaction: str = "i1",
    channel: Channel = CHANNEL,
    person: Person = ADA,
) -> Message:
    async def fetch_person() -> Person:
        return person

    async def run() -> Message:
        fields = ReportFields(a_paper().id, "score", "wrong", "Too high.")
        answer = await dispatcher.save_report(fields, channel, person.id, interaction, fetch_person)
        await dispatcher.drain_tasks()
        return answer

    return asyncio.run(run())


def a_dispatcher_with_deciders(platform: MemoryPlatform) -> InteractionDispatcher:
    store = a_store()
    store.library.add([(a_paper(), a_review())], now=NOW)
    dispatcher = a_dispatcher(store, platform)
    deciders = frozenset({"slack:T1:UEVE", "slack:T1:UCID", "slack:T2:UOTHER"})
    dispatcher.answers = replace(dispatcher.answers, deciders=deciders)
    return dispatcher


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
