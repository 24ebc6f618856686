"""A person's own digest in Discord: a real process against a strict fake."""

import asyncio
from pathlib import Path
from typing import Any

from bot.platforms.discord.servers import FOREIGN_OWNER
from digests.model import Post
from digests.ports import Store
from digests.ports.marks import QueueScope
from digests.ports.people import Subject, SubjectKind
from digests.ports.workspaces import WorkspaceState
from digests.subscription import Channel, DigestStyle, Subscription
from tests.bot.platforms.discord.processes import (
    add_overdue_channel,
    create_patient_discord,
    run_bot,
    wait_for_answer,
)
from tests.bot.platforms.processes import BotProcess, add_overdue_subscription, prepare_store
from tests.builders import NOW
from tests.fakes.discord import FakeDiscord, read_text

DIRECT_MESSAGES_INTENT = 1 << 12

LONG_AGO = NOW.replace(year=2000)


def direct_channel(discord: FakeDiscord, user: str) -> Channel:
    return Channel("discord", discord.open_dm(user), is_direct=True)


def add_overdue_digest(store: Store, discord: FakeDiscord, user: str, style: DigestStyle) -> None:
    """Give a person a digest in direct messages that is due now."""
    add_overdue_subscription(store, direct_channel(discord, user), style, owner=user)


def marked_papers(store: Store, scope: QueueScope) -> list[str]:
    return [each.paper for each in store.marks.discussion_queue(scope, since=LONG_AGO, now=LONG_AGO, limit=9)]


async def answer_to(discord: FakeDiscord, command: str, *, user: str, channel: str, **options: Any) -> str:
    typed = await discord.run_command(command, user=user, channel=channel, **options)
    return await wait_for_answer(discord, typed)


async def click(discord: FakeDiscord, custom_id: str, *, user: str, channel: str) -> str:
    """Click a button with a value that its person made up, and return the answer."""
    row = {"type": 1, "components": [{"type": 2, "style": 2, "label": "x", "custom_id": custom_id}]}
    within = {**discord.add_message(channel), "components": [row]}
    clicked = await discord.click_button(custom_id, user=user, channel=channel, within=within)
    return await wait_for_answer(discord, clicked)


def own_posts(store: Store, channel: str) -> list[Post]:
    posts = store.posts.list_recent("discord", LONG_AGO, 20)
    return [post for post in posts if post.channel.channel == channel]


def test_a_person_gets_a_digest_of_their_own_and_its_marks_are_theirs_alone(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with create_patient_discord() as discord:
            ada, bob = discord.add_user("ada"), discord.add_user("bob", can_manage=True)
            papers, here = discord.add_channel("papers"), discord.open_dm(ada)
            store = prepare_store(tmp_path)
            add_overdue_channel(discord, store, papers)  # By it the server is served.
            add_overdue_digest(store, discord, ada, DigestStyle.THREAD)
            async with run_bot(discord, tmp_path) as bot:
                await bot.wait_for_log("delivered", here)
                (message,) = discord.messages_in(here)  # A direct message has no thread.
                await ask_for_a_number(discord, bot, ada)
                await mark_privately(discord, bot, ada, papers, message)
                await try_to_change_it(discord, store, bob, papers, ada)
                await forget_it(discord, store, ada)

    asyncio.run(scenario())


async def ask_for_a_number(discord: FakeDiscord, bot: BotProcess, ada: str) -> None:
    """A number in the conversation is the paper of the own digest there."""
    here = discord.open_dm(ada)
    (post,) = own_posts(bot.store, here)
    title = bot.store.library.get(post.papers)[post.papers[0]].paper.title
    typed = discord.add_message(here, "1", author=ada)
    await discord.dispatch_event("MESSAGE_CREATE", typed, DIRECT_MESSAGES_INTENT)
    await discord.wait_until(lambda: discord.messages_in(here)[-1]["id"] != typed["id"])
    assert title in read_text(discord.messages_in(here)[-1])


async def mark_privately(
    discord: FakeDiscord, bot: BotProcess, ada: str, papers: str, message: dict[str, Any]
) -> None:
    here = discord.open_dm(ada)
    own = QueueScope("discord", "", here, is_direct=True)
    await discord.add_reaction(ada, message, "1️⃣")
    await bot.wait_until(lambda store: marked_papers(store, own))
    assert marked_papers(bot.store, QueueScope("discord", discord.channels[papers].guild)) == []
    (post,) = own_posts(bot.store, here)
    title = bot.store.library.get(post.papers)[post.papers[0]].paper.title
    assert title in await answer_to(discord, "digest queue", user=ada, channel=here)
    assert "Nothing to discuss yet" in await answer_to(discord, "digest queue", user=ada, channel=papers)


async def try_to_change_it(discord: FakeDiscord, store: Store, bob: str, papers: str, ada: str) -> None:
    """A manager with forged values does not reach it, from a channel or from their own conversation."""
    here = discord.open_dm(ada)
    assert "Done" in await answer_to(discord, "digest set", user=ada, channel=here, words="top 7")
    messages = discord.messages_in(here)
    await discord.wait_until(lambda: "this conversation's digest" in read_text(messages[-1]))
    for place in (papers, discord.open_dm(bob)):
        assert "undone" in await click(discord, "undo:3", user=bob, channel=place)
        for part in ("what", "save"):
            said = await click(discord, f"form:{part}:{here}", user=bob, channel=place)
            assert "no such channel" in said, said
    said = await answer_to(discord, "digest set", user=bob, channel=here, words="top 9")
    assert "another person's" in said
    stored = store.subscriptions.find(direct_channel(discord, ada))
    assert stored
    assert (stored.preferences.top, stored.owner_id) == (7, ada)


async def forget_it(discord: FakeDiscord, store: Store, ada: str) -> None:
    here = discord.open_dm(ada)
    said = await answer_to(discord, "digest me forget", user=ada, channel=here)
    assert "Your own digest would be deleted too" in said
    assert "1 own digest" in await answer_to(
        discord, "digest me forget", user=ada, channel=here, confirm=True
    )
    assert store.subscriptions.list_of_channel(direct_channel(discord, ada)) == []
    assert own_posts(store, here) == []
    assert store.people.count_records(Subject(SubjectKind.CHANNEL, "discord", "", here)) == {}


def test_a_digest_is_subscribed_by_people_of_a_served_server_alone(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with create_patient_discord() as discord:
            papers, ada = discord.add_channel("papers"), discord.add_user("ada")
            elsewhere = discord.add_guild("Elsewhere", has_bot=False)
            eve = discord.add_user("eve", guilds=[elsewhere])
            store = prepare_store(tmp_path)
            add_overdue_channel(discord, store, papers)
            async with run_bot(discord, tmp_path, settings='who_may_change = "managers"') as bot:
                await bot.wait_for_log("Discord is connected, in")
                await discord.wait_until(lambda: discord.commands)
                said = await answer_to(
                    discord, "digest subscribe", user=eve, channel=discord.open_dm(eve), top=3
                )
                assert "you are in none of them" in said
                here = discord.open_dm(ada)
                assert "Done" in await answer_to(discord, "digest subscribe", user=ada, channel=here, top=3)
                await bot.wait_until(lambda store: find_own(store, here))
            stored = find_own(store, here)
            assert stored
            assert stored.channel.is_direct
            assert (stored.owner_id, stored.preferences.style) == (ada, DigestStyle.COMPACT)
            assert store.subscriptions.find(Channel("discord", discord.open_dm(eve))) is None

    asyncio.run(scenario())


def test_the_digest_of_a_person_who_is_in_no_served_server_any_more_stops(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with create_patient_discord() as discord:
            papers, ada = discord.add_channel("papers"), discord.add_user("ada")
            denied = discord.add_guild("Elsewhere")
            eve = discord.add_user("eve", guilds=[denied])
            store = prepare_store(tmp_path)
            add_overdue_channel(discord, store, papers)
            store.workspaces.decide("discord", denied, WorkspaceState.DENIED, now=NOW)
            for person in (ada, eve):
                add_overdue_digest(store, discord, person, DigestStyle.COMPACT)
            async with run_bot(discord, tmp_path) as bot:
                await bot.wait_for_log("delivered", discord.open_dm(ada))
                await bot.wait_until(lambda store: stop_reason_of(store, discord.open_dm(eve)))
            assert stop_reason_of(store, discord.open_dm(eve)) == FOREIGN_OWNER
            assert stop_reason_of(store, discord.open_dm(ada)) == ""

    asyncio.run(scenario())


def stop_reason_of(store: Store, channel: str) -> str:
    stored = find_own(store, channel)
    return stored.stop_reason if stored else "no digest"


def find_own(store: Store, channel: str) -> Subscription | None:
    return store.subscriptions.find(Channel("discord", channel))


def test_a_person_who_takes_no_messages_stops_the_digest_with_a_sentence(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with create_patient_discord() as discord:
            ada = discord.add_user("ada")
            discord.closed_dms.add(ada)
            store = prepare_store(tmp_path)
            add_overdue_digest(store, discord, ada, DigestStyle.COMPACT)
            async with run_bot(discord, tmp_path) as bot:
                await bot.wait_for_log("Given up")
            stored = store.subscriptions.find(direct_channel(discord, ada))
            assert stored
            assert stored.stop_reason.startswith("This person takes no direct messages from Paperround")

    asyncio.run(scenario())
