"""Posting to Discord, the outcome of a failed post, and the search for a posted page, over real HTTP."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import discord as discord_py
import pytest
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.chat.message import Card, Heading, Message, Text
from bot.chat.port import CANNOT_ASK, FileRefusedError, Outcome, Page, PostError, PostUpdate
from bot.platforms.discord.client import DiscordPlatform
from bot.platforms.discord.forum import fit_forum
from bot.platforms.discord.rest import RestClient, use_addresses
from bot.platforms.discord.settings import DiscordSettings
from digests.model import AttachedFile, Post
from digests.subscription import Channel, DigestStyle
from tests.fakes.discord import ANNOUNCEMENT, DM, FORUM, TEXT, DiscordFault, FakeDiscord, read_text
from tests.fakes.odd import ODD_ANSWERS
from tests.fakes.wire import WAIT_SECONDS

KEY = "0123456789abcdef012345678"
LONG_AGO = datetime.now(UTC) - timedelta(days=1)

Trial = Callable[[FakeDiscord, DiscordPlatform], Awaitable[None]]


@pytest.fixture(autouse=True)
def _discords_own_addresses() -> Iterator[None]:
    """Restore the addresses of discord.py, which hold for the whole process."""
    base, gateway = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    yield
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = base, gateway


def run_trial(trial: Trial, *, seconds: float = 20, token: str = "right-token") -> None:
    async def run() -> None:
        async with FakeDiscord(rate_limits=False) as discord:
            use_addresses(DiscordSettings(api_base_url=discord.url, gateway_url=discord.gateway_url))
            rest = RestClient(token, seconds)
            try:
                await trial(discord, DiscordPlatform(rest))
            finally:
                await rest.close()
            assert discord.protocol_errors == []

    asyncio.run(run())


def locate_channel(discord: FakeDiscord, channel: str) -> Channel:
    return Channel("discord", channel, discord.channels[channel].guild)


def a_page(platform: DiscordPlatform, *cards: Card, heading: str = "Tuesday - 1 of 2 new papers") -> Page:
    return platform.render(Message(heading, (Heading(heading), *cards)), DigestStyle.COMPACT)[0]


A_CARD = Card(
    "2402.01306",
    "KTO: Model *Alignment* [x]",
    "https://arxiv.org/abs/2402.01306",
    domain="Machine learning (cs.LG)",
)


async def catch_post_error(posting: Awaitable[object]) -> PostError:
    with pytest.raises(PostError) as raised:
        await posting
    return raised.value


def test_the_same_key_posts_once_and_every_message_carries_its_key() -> None:
    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        papers = discord.add_channel("papers")
        for page in (a_page(platform), a_page(platform, A_CARD)):
            key = KEY[: -len(page.papers) or None]
            first = await platform.post(locate_channel(discord, papers), page, key=key, thread=None)
            assert await platform.post(locate_channel(discord, papers), page, key=key, thread=None) == first
            assert await platform.find(locate_channel(discord, papers), key=key, since=LONG_AGO) == first
        assert len(discord.messages_in(papers)) == 2
        assert "Settings" in read_text(discord.messages_in(papers)[0])
        assert await platform.find(locate_channel(discord, papers), key="another", since=LONG_AGO) is None

    run_trial(trial)


def test_the_newest_messages_are_searched_even_if_a_wrong_clock_calls_them_too_old() -> None:
    next_week = datetime.now(UTC) + timedelta(days=7)

    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        papers, forum = discord.add_channel("papers"), discord.add_channel("forum", FORUM)
        card = a_page(platform, A_CARD)
        first = await platform.post(locate_channel(discord, papers), a_page(platform), key=KEY, thread=None)
        below = await platform.post(locate_channel(discord, papers), card, key="below", thread=first)
        post = await platform.post(locate_channel(discord, forum), card, key="post", thread=None)
        for channel, key, receipt in ((papers, KEY, first), (papers, "below", below), (forum, "post", post)):
            assert await platform.find(locate_channel(discord, channel), key=key, since=next_week) == receipt
        for _ in range(100):
            discord.add_message(papers)
        assert await platform.find(locate_channel(discord, papers), key=KEY, since=next_week) is None

    run_trial(trial)


PICTURE = AttachedFile("scores.png", b"\x89PNG" + b"x" * 5000, "Scores of the week")


def a_page_with_picture(platform: DiscordPlatform) -> Page:
    message = Message("The week", (Heading("The week"),), PICTURE)
    return platform.render(message, DigestStyle.COMPACT)[0]


def test_a_picture_is_posted_once_with_its_message_and_its_words() -> None:
    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        papers = discord.add_channel("papers")
        channel, page = locate_channel(discord, papers), a_page_with_picture(platform)
        first = await platform.post(channel, page, key=KEY, thread=None)
        assert await platform.post(channel, page, key=KEY, thread=None) == first
        (message,) = discord.messages_in(papers)
        (attachment,) = message["attachments"]
        assert (attachment["filename"], attachment["description"]) == ("scores.png", "Scores of the week")
        assert discord.files["scores.png"] == PICTURE.content
        assert await platform.find(channel, key=KEY, since=LONG_AGO) == first
        assert discord.protocol_errors == []

    run_trial(trial)


def test_a_picture_is_sent_again_whole_after_a_failure_of_the_server() -> None:
    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        papers = discord.add_channel("papers")
        discord.fail_next("create message", DiscordFault.SERVER_ERROR, DiscordFault.RATE_LIMITED)
        await platform.post(
            locate_channel(discord, papers), a_page_with_picture(platform), key=KEY, thread=None
        )
        assert len(discord.messages_in(papers)) == 1
        assert discord.files["scores.png"] == PICTURE.content

    run_trial(trial)


@pytest.mark.parametrize("reason", ["right", "size"])
def test_a_refused_picture_is_told_and_its_page_can_be_posted_without_it(reason: str) -> None:
    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        papers = discord.add_channel("papers", denied=["attach_files"] if reason == "right" else [])
        discord.max_file_bytes = 10 * 2**20 if reason == "right" else 1000
        channel, page = locate_channel(discord, papers), a_page_with_picture(platform)
        error = await catch_post_error(platform.post(channel, page, key=KEY, thread=None))
        assert isinstance(error, FileRefusedError)
        assert ("Attach Files" if reason == "right" else "larger than Discord takes") in str(error)
        assert discord.messages_in(papers) == []
        await platform.post(channel, replace(page, file=None), key=KEY, thread=None)
        assert len(discord.messages_in(papers)) == 1

    run_trial(trial)


def test_a_refresh_or_an_edit_keeps_the_picture() -> None:
    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        papers = discord.add_channel("papers")
        channel, page = locate_channel(discord, papers), a_page_with_picture(platform)
        receipt = await platform.post(channel, page, key=KEY, thread=None)
        await platform.edit(channel, receipt, page, key=KEY)
        assert len(discord.messages_in(papers)[0]["attachments"]) == 1

    run_trial(trial)


FAULTS = [
    (DiscordFault.DROP_BEFORE, Outcome.UNKNOWN, 0), (DiscordFault.DROP_AFTER, Outcome.UNKNOWN, 1),
    (DiscordFault.UNAVAILABLE_AFTER, Outcome.UNKNOWN, 1),
    (DiscordFault.RATE_LIMITED_LONG, Outcome.NOT_POSTED, 0), (DiscordFault.BANNED, Outcome.NOT_POSTED, 0),
    (DiscordFault.GARBAGE, Outcome.UNKNOWN, 0),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "outcome", "posted"), FAULTS)
def test_a_failed_post_has_the_outcome_of_its_fault(
    fault: DiscordFault, outcome: Outcome, posted: int
) -> None:
    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        papers = discord.add_channel("papers")
        discord.fail_next("create message", fault)
        error = await catch_post_error(
            platform.post(locate_channel(discord, papers), a_page(platform), key=KEY, thread=None)
        )
        assert error.outcome is outcome
        assert len(discord.calls_of("create message")) == 1
        found = await platform.find(locate_channel(discord, papers), key=KEY, since=LONG_AGO)
        assert (found is not None) == bool(posted)

    run_trial(trial)


AGAIN = [
    DiscordFault.RATE_LIMITED, DiscordFault.GLOBALLY_LIMITED, DiscordFault.SERVER_ERROR_AFTER,
    DiscordFault.BAD_GATEWAY, DiscordFault.GATEWAY_TIMEOUT_AFTER,
]  # fmt: skip


@pytest.mark.parametrize("fault", AGAIN)
def test_a_post_is_retried_while_its_nonce_makes_that_safe(fault: DiscordFault) -> None:
    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        papers = discord.add_channel("papers")
        discord.fail_next("create message", fault)
        receipt = await platform.post(locate_channel(discord, papers), a_page(platform), key=KEY, thread=None)
        assert [message["id"] for message in discord.messages_in(papers)] == [receipt]
        assert len(discord.calls_of("create message")) == 2

    run_trial(trial)


@pytest.mark.parametrize("later", [DiscordFault.BANNED, DiscordFault.RATE_LIMITED_LONG, "shut", "away"])
def test_after_an_attempt_in_doubt_the_outcome_stays_unknown(
    later: DiscordFault | str,
) -> None:
    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        papers = discord.add_channel("papers")
        place = locate_channel(discord, papers)
        discord.fail_next("create message", DiscordFault.GATEWAY_TIMEOUT_AFTER)
        if isinstance(later, DiscordFault):
            discord.fail_next("create message", later)
        posting = asyncio.create_task(platform.post(place, a_page(platform), key=KEY, thread=None))
        await discord.wait_until(lambda: discord.messages_in(papers))
        if later == "shut":
            discord.channels[papers].denied_permissions.add("send_messages")
        if later == "away":
            await discord.__aexit__()
        assert (await catch_post_error(posting)).outcome is Outcome.UNKNOWN
        if later != "away":
            assert await platform.find(place, key=KEY, since=LONG_AGO) == discord.messages_in(papers)[0]["id"]

    run_trial(trial)


@pytest.mark.parametrize("kind", [TEXT, FORUM])
@pytest.mark.parametrize("fault", [DiscordFault.RATE_LIMITED, DiscordFault.GLOBALLY_LIMITED])
def test_a_rate_limit_beyond_the_deadline_has_refused_the_page(kind: int, fault: DiscordFault) -> None:
    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        place = locate_channel(discord, discord.add_channel("papers", kind))
        discord.limit_seconds = 5
        discord.fail_next("create message" if kind == TEXT else "create post", fault)
        error = await catch_post_error(platform.post(place, a_page(platform, A_CARD), key=KEY, thread=None))
        assert error.outcome is Outcome.NOT_POSTED
        assert "asks to wait 5 seconds" in str(error)
        await platform.post(place, a_page(platform, A_CARD), key=KEY, thread=None)

    run_trial(trial, seconds=4)


@pytest.mark.parametrize("kind", [TEXT, FORUM])
@pytest.mark.parametrize("odd", ODD_ANSWERS)
def test_an_odd_answer_to_a_post_is_an_unknown_outcome(kind: int, odd: str) -> None:
    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        place = locate_channel(discord, discord.add_channel("papers", kind))
        discord.odd_answers["create message" if kind == TEXT else "create post"] = ODD_ANSWERS[odd]
        error = await catch_post_error(platform.post(place, a_page(platform, A_CARD), key=KEY, thread=None))
        assert error.outcome is Outcome.UNKNOWN
        assert await platform.find(place, key=KEY, since=LONG_AGO)

    run_trial(trial)


@pytest.mark.parametrize("odd", ODD_ANSWERS)
def test_an_odd_answer_to_a_search_is_an_unknown_outcome(odd: str) -> None:
    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        papers, forum = discord.add_channel("papers"), discord.add_channel("forum", FORUM)
        page = a_page(platform, A_CARD)
        receipt = await platform.post(locate_channel(discord, papers), page, key=KEY, thread=None)
        await platform.post(locate_channel(discord, forum), page, key=KEY, thread=None)
        for call in ("history", "archived threads", "active threads", "edit message"):
            discord.odd_answers[call] = ODD_ANSWERS[odd]
        if odd != "a list":
            await catch_post_error(platform.find(locate_channel(discord, papers), key=KEY, since=LONG_AGO))
        await catch_post_error(platform.find(locate_channel(discord, forum), key=KEY, since=LONG_AGO))
        error = await catch_post_error(platform.edit(locate_channel(discord, papers), receipt, page, key=KEY))
        assert error.outcome is Outcome.UNKNOWN
        discord.odd_answers = {"channel": ODD_ANSWERS[odd]}
        platform.forget_channel(papers)
        error = await catch_post_error(
            platform.post(locate_channel(discord, papers), page, key="2", thread=None)
        )
        assert error.outcome is Outcome.NOT_POSTED

    run_trial(trial)


def test_a_rate_limited_forum_post_is_retried() -> None:
    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        forum = discord.add_channel("forum", FORUM)
        discord.fail_next("create post", DiscordFault.RATE_LIMITED)
        await platform.post(locate_channel(discord, forum), a_page(platform, A_CARD), key=KEY, thread=None)
        assert len(discord.threads_of(forum)) == 1

    run_trial(trial)


@pytest.mark.parametrize(
    "fault", [DiscordFault.SERVER_ERROR_AFTER, DiscordFault.GATEWAY_TIMEOUT_AFTER, DiscordFault.DROP_AFTER]
)
def test_a_forum_post_has_no_nonce_so_it_is_sent_once_and_found_by_its_key(fault: DiscordFault) -> None:
    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        forum = discord.add_channel("forum", FORUM, tags=["vision", "machine learning"])
        discord.fail_next("create post", fault)
        error = await catch_post_error(
            platform.post(locate_channel(discord, forum), a_page(platform, A_CARD), key=KEY, thread=None)
        )
        assert error.outcome is Outcome.UNKNOWN
        (post,) = discord.threads_of(forum)
        assert (
            await platform.find(locate_channel(discord, forum), key=KEY, since=LONG_AGO)
            == f"{post.id}/{post.id}"
        )
        post.is_archived = True
        assert (
            await platform.find(locate_channel(discord, forum), key=KEY, since=LONG_AGO)
            == f"{post.id}/{post.id}"
        )
        assert await platform.find(locate_channel(discord, forum), key="another", since=LONG_AGO) is None

    run_trial(trial)


def test_a_forum_takes_the_papers_of_a_digest_alone_and_the_header_above_the_first() -> None:
    header, footer = Heading("Vision · Tue 24 Nov · 2 of 9"), Text("A source is late.", is_small_print=True)
    cards = A_CARD, replace(A_CARD, title="Another")

    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        papers = locate_channel(discord, discord.add_channel("papers"))
        forum = locate_channel(discord, discord.add_channel("forum", FORUM))
        digest = Message("2 papers", (header, *cards, footer))
        for style in DigestStyle:
            pages = platform.render(digest, style)
            assert await platform.fit_pages(papers, pages) == pages
            fitting = await platform.fit_pages(forum, pages)
            assert [one.papers for one in fitting if one.papers] == [
                one.papers for one in pages if one.papers
            ]
            assert "Vision · Tue 24 Nov" in str(fitting[0].payload["content"])
            assert fitting[0].payload["flags"] == 0
        pages = await platform.fit_pages(forum, platform.render(digest, DigestStyle.CARDS))
        first = await platform.post(forum, pages[0], key=KEY, thread=None)
        await platform.post(forum, pages[1], key="second", thread=first if pages[1].in_thread else None)
        assert [post.name for post in discord.threads_of(forum.channel)] == [A_CARD.title, "Another"]
        empty = platform.render(Message("None", (Heading("Tue 24 Nov · a quiet day"),)), DigestStyle.CARDS)
        assert await platform.fit_pages(papers, empty) == empty
        assert await platform.fit_pages(forum, empty) == ()

    run_trial(trial)


def test_what_has_no_room_in_a_post_of_a_forum_does_not_become_a_post() -> None:
    header, long = Page(_a_payload("x" * 1999), ()), Page(_a_payload("y"), ("1",))
    late, thread = Page(_a_payload("z"), ()), Page(_a_payload("t"), ("2",), in_thread=True)
    assert fit_forum([header, long, late]) == (long, replace(late, in_thread=True))
    assert fit_forum([header, thread]) == (header, thread)


def _a_payload(content: str) -> dict[str, Any]:
    return {"content": content, "embeds": [], "components": [], "flags": 0}


def test_a_forum_that_requires_a_tag_gets_one_or_is_gone_with_a_remedy() -> None:
    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        forum = discord.add_channel("forum", FORUM, tags=["news"])
        bare = discord.add_channel("bare", FORUM)
        discord.channels[forum].requires_tag = discord.channels[bare].requires_tag = True
        await platform.post(locate_channel(discord, forum), a_page(platform, A_CARD), key=KEY, thread=None)
        assert discord.threads_of(forum)[0].applied_tags == [discord.channels[forum].tags[0]["id"]]
        error = await catch_post_error(
            platform.post(locate_channel(discord, bare), a_page(platform, A_CARD), key=KEY, thread=None)
        )
        assert error.outcome is Outcome.GONE
        assert "add one for papers" in str(error)

    run_trial(trial)


@pytest.mark.parametrize("denied", ["view_channel", "send_messages", "embed_links"])
def test_a_closed_channel_is_gone_and_the_sentence_names_the_missing_permission(denied: str) -> None:
    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        papers = discord.add_channel("papers", denied=[denied])
        error = await catch_post_error(
            platform.post(locate_channel(discord, papers), a_page(platform, A_CARD), key=KEY, thread=None)
        )
        assert error.outcome is Outcome.GONE
        assert papers in str(error)
        assert "give it" in str(error)

    run_trial(trial)


def test_a_deleted_channel_and_a_server_without_us_are_gone_too() -> None:
    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        papers = discord.add_channel("papers")
        place = locate_channel(discord, papers)
        await platform.post(place, a_page(platform), key=KEY, thread=None)
        discord.guilds[discord.channels[papers].guild].has_bot = False
        assert (
            await catch_post_error(platform.post(place, a_page(platform), key="k2", thread=None))
        ).outcome is Outcome.GONE
        del discord.channels[papers]
        assert (
            await catch_post_error(platform.post(place, a_page(platform), key="k3", thread=None))
        ).outcome is Outcome.GONE

    run_trial(trial)


def test_an_archived_thread_takes_the_next_card_and_a_locked_one_refuses_it() -> None:
    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        papers = discord.add_channel("papers")
        place, card = locate_channel(discord, papers), a_page(platform, A_CARD)
        first = await platform.post(place, a_page(platform), key=KEY, thread=None)
        await platform.post(place, card, key="k2", thread=first)
        thread = discord.channels[first]
        thread.is_archived = True
        await platform.post(place, card, key="k3", thread=first)
        assert (thread.is_archived, len(discord.messages_in(first))) == (False, 2)
        thread.is_locked = True
        error = await catch_post_error(platform.post(place, card, key="k4", thread=first))
        assert error.outcome in (Outcome.REFUSED, Outcome.GONE)
        assert "The thread is locked" in str(error)

    run_trial(trial)


def test_a_channel_without_readable_history_cannot_be_searched() -> None:
    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        papers = discord.add_channel("papers", denied=["read_message_history"])
        assert await platform.find(locate_channel(discord, papers), key=KEY, since=LONG_AGO) is None
        await platform.post(locate_channel(discord, papers), a_page(platform), key=KEY, thread=None)
        assert await platform.find(locate_channel(discord, papers), key=KEY, since=LONG_AGO) is CANNOT_ASK

    run_trial(trial)


def test_a_forum_without_readable_history_cannot_be_searched_and_is_not_stopped() -> None:
    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        forum = discord.add_channel("forum", FORUM, denied=["read_message_history"])
        await platform.post(locate_channel(discord, forum), a_page(platform, A_CARD), key=KEY, thread=None)
        assert await platform.find(locate_channel(discord, forum), key=KEY, since=LONG_AGO) is CANNOT_ASK

    run_trial(trial)


def test_the_archive_of_a_forum_is_searched_page_by_page() -> None:
    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        forum = discord.add_channel("forum", FORUM)
        place, card = locate_channel(discord, forum), a_page(platform, A_CARD)
        receipt = await platform.post(place, card, key=KEY, thread=None)
        (post,) = discord.threads_of(forum)
        now = datetime.now(UTC)
        post.is_archived, post.archived_at = True, now.isoformat()
        for number in range(250):
            at = (now + timedelta(seconds=number + 1)).isoformat()
            other = replace(post, id=discord.next_snowflake(), owner="1", archived_at=at, messages=[])
            discord.channels[other.id] = other
        assert await platform.find(place, key=KEY, since=LONG_AGO) == receipt

    run_trial(trial)


def test_a_forum_with_too_many_posts_to_search_cannot_be_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.platforms.discord.history.MAX_SEARCHED_POSTS", 1)

    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        place = locate_channel(discord, discord.add_channel("forum", FORUM))
        for number in range(2):
            await platform.post(place, a_page(platform, A_CARD), key=f"{number}", thread=None)
        assert await platform.find(place, key="1", since=LONG_AGO) is not CANNOT_ASK
        assert await platform.find(place, key="0", since=LONG_AGO) is CANNOT_ASK

    run_trial(trial)


def test_a_page_that_another_wrote_under_our_key_is_not_ours() -> None:
    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        papers = discord.add_channel("papers")
        await platform.post(locate_channel(discord, papers), a_page(platform), key=KEY, thread=None)
        discord.messages_in(papers)[0]["author"]["id"] = discord.add_user("another bot")
        assert await platform.find(locate_channel(discord, papers), key=KEY, since=LONG_AGO) is None

    run_trial(trial)


def test_a_deleted_thread_does_not_stop_its_channel() -> None:
    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        forum, card = discord.add_channel("forum", FORUM), a_page(platform, A_CARD)
        place = locate_channel(discord, forum)
        first = await platform.post(place, card, key=KEY, thread=None)
        del discord.channels[first.partition("/")[0]]
        for late in (
            platform.edit(place, first, card, key=KEY),
            platform.post(place, card, key="below", thread=first),
        ):
            assert (await catch_post_error(late)).outcome is Outcome.REFUSED

    run_trial(trial)


def test_an_edit_of_a_locked_forum_post_is_refused_and_the_forum_goes_on() -> None:
    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        forum, card = discord.add_channel("forum", FORUM), a_page(platform, A_CARD)
        first = await platform.post(locate_channel(discord, forum), card, key=KEY, thread=None)
        (post,) = discord.threads_of(forum)
        post.is_archived = post.is_locked = True
        error = await catch_post_error(platform.edit(locate_channel(discord, forum), first, card, key=KEY))
        assert error.outcome is Outcome.REFUSED

    run_trial(trial)


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [(DiscordFault.DROP_AFTER, Outcome.NOT_POSTED), (DiscordFault.BANNED, Outcome.NOT_POSTED)],
)
def test_a_thread_in_doubt_is_no_page_in_doubt(fault: DiscordFault, outcome: Outcome) -> None:
    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        papers, card = discord.add_channel("papers"), a_page(platform, A_CARD)
        place = locate_channel(discord, papers)
        first = await platform.post(place, a_page(platform), key=KEY, thread=None)
        discord.fail_next("create thread", fault)
        error = await catch_post_error(platform.post(place, card, key="below", thread=first))
        assert error.outcome is outcome
        await platform.post(place, card, key="below", thread=first)
        assert len(discord.messages_in(first)) == 1

    run_trial(trial)


def test_a_rate_limit_bucket_that_a_cancelled_call_emptied_is_refilled() -> None:
    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        papers = discord.add_channel("papers")
        await platform.post(locate_channel(discord, papers), a_page(platform), key=KEY, thread=None)
        http = (await platform.rest.get_client()).http
        for bucket in http._buckets.values():
            bucket.remaining, bucket.outgoing, bucket.expires = 0, 0, None
        async with asyncio.timeout(WAIT_SECONDS):
            await platform.post(locate_channel(discord, papers), a_page(platform), key="another", thread=None)
        assert len(discord.messages_in(papers)) == 2

    run_trial(trial)


def test_the_history_is_searched_page_by_page_and_in_threads() -> None:
    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        papers = discord.add_channel("papers")
        first = await platform.post(locate_channel(discord, papers), a_page(platform), key=KEY, thread=None)
        below = await platform.post(
            locate_channel(discord, papers), a_page(platform, A_CARD), key="below", thread=first
        )
        for _ in range(250):
            discord.add_message(papers)
        assert await platform.find(locate_channel(discord, papers), key=KEY, since=LONG_AGO) == first
        assert await platform.find(locate_channel(discord, papers), key="below", since=LONG_AGO) == below
        assert below.partition("/")[0] == first
        for _ in range(1000):
            discord.add_message(papers)
        assert await platform.find(locate_channel(discord, papers), key=KEY, since=LONG_AGO) is CANNOT_ASK

    run_trial(trial)


def test_an_announcement_stays_posted_if_its_publication_is_refused() -> None:
    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        news = discord.add_channel("news", ANNOUNCEMENT)
        discord.fail_next("publish", DiscordFault.RATE_LIMITED_LONG)
        receipt = await platform.post(locate_channel(discord, news), a_page(platform), key=KEY, thread=None)
        assert discord.messages_in(news)[0]["flags"] & 1 == 0
        assert await platform.find(locate_channel(discord, news), key=KEY, since=LONG_AGO) == receipt
        assert discord.messages_in(news)[0]["flags"] & 1 == 1

    run_trial(trial)


def test_an_edited_message_keeps_its_key() -> None:
    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        papers = discord.add_channel("papers")
        receipt = await platform.post(locate_channel(discord, papers), a_page(platform), key=KEY, thread=None)
        await platform.edit(
            locate_channel(discord, papers),
            receipt,
            a_page(platform, heading="It was a quiet day"),
            key=KEY,
        )
        assert "quiet day" in read_text(discord.messages_in(papers)[0])
        assert await platform.find(locate_channel(discord, papers), key=KEY, since=LONG_AGO) == receipt
        page = a_page(platform, A_CARD)
        card = await platform.post(locate_channel(discord, papers), page, key="card", thread=None)
        post = Post(locate_channel(discord, papers), card, page.papers, page.payload)
        await platform.refresh(post, PostUpdate({"2402.01306": 3}, {"2402.01306": "Version 2 came out"}))
        assert "Discuss · 3" in read_text(discord.messages_in(papers)[1])
        assert "Version 2" in read_text(discord.messages_in(papers)[1])
        gone = await catch_post_error(
            platform.edit(locate_channel(discord, papers), "123456789012345678", page, key=KEY)
        )
        assert gone.outcome is Outcome.REFUSED

    run_trial(trial)


def test_an_edit_that_has_no_buttons_takes_the_old_ones_away_and_keeps_the_key() -> None:
    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        papers = discord.add_channel("papers")
        place = locate_channel(discord, papers)
        receipt = await platform.post(place, a_page(platform, A_CARD), key=KEY, thread=None)
        assert "Discuss" in read_text(discord.messages_in(papers)[0])
        await platform.edit(place, receipt, a_page(platform, heading="It is closed"), key=KEY)
        text = read_text(discord.messages_in(papers)[0])
        assert "closed" in text
        assert "Discuss" not in text
        assert await platform.find(place, key=KEY, since=LONG_AGO) == receipt
        await platform.edit(place, receipt, a_page(platform, A_CARD), key=KEY)
        assert "Discuss" in read_text(discord.messages_in(papers)[0])
        assert await platform.find(place, key=KEY, since=LONG_AGO) == receipt

    run_trial(trial)


def test_a_person_gets_a_direct_message() -> None:
    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        ada, papers = discord.add_user("ada"), discord.add_channel("papers")
        await platform.send_direct_message(
            locate_channel(discord, papers), ada, Message("x", (Heading("Your digest stopped"),))
        )
        assert "stopped" in read_text(discord.messages_in(discord.open_dm(ada))[0])
        assert discord.channels[discord.open_dm(ada)].kind == DM
        error = await catch_post_error(
            platform.send_direct_message(locate_channel(discord, papers), "1", Message("x", (Heading("x"),)))
        )
        assert error.outcome is Outcome.REFUSED

    run_trial(trial)


def test_a_token_that_is_withdrawn_has_posted_nothing() -> None:
    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        place = locate_channel(discord, discord.add_channel("papers"))
        await platform.rest.get_client()
        discord.token = "another"
        error = await catch_post_error(platform.post(place, a_page(platform), key=KEY, thread=None))
        assert error.outcome is Outcome.NOT_POSTED
        assert error.is_access_lost
        assert "token" in str(error)

    run_trial(trial)


def test_two_first_calls_at_once_log_in_once() -> None:
    async def trial(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        one, other = await asyncio.gather(platform.rest.get_client(), platform.rest.get_client())
        assert one is other

    run_trial(trial)


def test_a_wrong_token_and_an_unreachable_server_are_explained_in_sentences() -> None:
    async def wrong(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        papers = discord.add_channel("papers", TEXT)
        error = await catch_post_error(
            platform.post(locate_channel(discord, papers), a_page(platform), key=KEY, thread=None)
        )
        assert error.outcome is Outcome.NOT_POSTED
        assert error.is_access_lost
        assert "DISCORD_TOKEN" in str(error)

    run_trial(wrong, token="wrong")

    async def away(discord: FakeDiscord, platform: DiscordPlatform) -> None:
        Route.BASE = "http://127.0.0.1:9/api/v10"
        error = await catch_post_error(
            platform.post(Channel("discord", "1"), a_page(platform), key=KEY, thread=None)
        )
        assert error.outcome is Outcome.NOT_POSTED
        assert "could not be reached" in str(error)

    run_trial(away)


def test_the_addresses_of_discord_py_change_only_by_the_settings() -> None:
    """In a process of its own: in this one other tests have set them."""
    code = (
        "from discord.gateway import DiscordWebSocket as Socket; from discord.http import Route;"
        "from bot.platforms.discord.rest import use_addresses;"
        "from bot.platforms.discord.settings import DiscordSettings; use_addresses(DiscordSettings());"
        "print(Route.BASE, Socket.DEFAULT_GATEWAY)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    fresh = DiscordSettings()
    assert shown.stdout.split() == ["https://discord.com/api/v10", fresh.gateway_url]
    assert fresh.api_base_url == "https://discord.com/api/v10"
    assert discord_py.__version__ >= "2.7.1"
