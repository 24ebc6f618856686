"""The Discord app as a person sees it: a real process, over REST and gateway, against a strict Discord."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from digests.model import Style
from tests.bot.platforms.discord.processes import overdue, running
from tests.bot.platforms.processes import Bot, prepared
from tests.fakes.discord import PATIENCE, FakeDiscord, Interaction, read

Story = Callable[[FakeDiscord, Bot, str, str], Awaitable[None]]


def told(story: Story, folder: Path, *, settings: str = "", **kinds: Any) -> None:
    """Run a story: a server with Ada, who may manage it, in #papers, and the bot beside it."""

    async def run() -> None:
        async with FakeDiscord(response_seconds=PATIENCE) as discord:
            papers = discord.add_channel("papers", **kinds.get("channel", {}))
            ada = discord.add_user("ada", can_manage=True)
            if style := kinds.get("style"):
                overdue(discord, prepared(folder), papers, style, kinds.get("top", 3))
            async with running(discord, folder, settings=settings) as bot:
                await story(discord, bot, ada, papers)
            assert discord.protocol_errors == []

    asyncio.run(run())


async def answer(discord: FakeDiscord, asked: Interaction) -> str:
    """All that the person reads of an answer."""
    await discord.until(lambda: asked.responses and not asked.responses[-1].get("thinking"))
    return "\n".join(map(read, asked.responses))


def test_a_digest_comes_and_is_looked_up_marked_and_discussed(tmp_path: Path) -> None:
    async def story(discord: FakeDiscord, bot: Bot, ada: str, papers: str) -> None:
        await discord.until(lambda: len(discord.messages(papers)) == 4)
        header, *cards = discord.messages(papers)
        assert "new papers" in header["content"]
        assert [bool(message["flags"] & 1 << 12) for message in [header, *cards]] == [False, True, True, True]
        assert all("Limitations" in read(card) or "not reviewed" in read(card) for card in cards)

        asked = await discord.command("paper", user=ada, channel=papers, query="2402.01306")
        assert "KTO" in await answer(discord, asked)
        assert asked.ack == {"type": 5, "data": {"flags": 64}}

        bob = discord.add_user("bob")
        added = await discord.react(ada, cards[0])
        await discord.click("discuss:", user=bob, channel=papers, within=cards[0])
        await discord.until(lambda: "Discuss · 2" in read(cards[0]))
        queue = await discord.command("digest queue", user=ada, channel=papers)
        assert "2 voices" in await answer(discord, queue)
        await discord.unreact(ada, cards[0])
        await discord.until(lambda: "Discuss · 1" in read(cards[0]))
        await discord.click("discuss:", user=bob, channel=papers, within=cards[0])
        await discord.until(lambda: "Discuss ·" not in read(cards[0]))
        assert added["emoji"]["name"] == "🔖"

    told(story, tmp_path, style=Style.CARDS)
