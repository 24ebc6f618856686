"""Pages against simcord, an independent simulator of Discord: it accepts them with our key."""

import asyncio

import discord
import simcord
from discord.http import Route

from bot.platforms.discord.client import DiscordPlatform
from bot.platforms.discord.marker import embed_key, key_of
from bot.platforms.discord.render import render
from bot.platforms.discord.replies import message_arguments_of
from bot.platforms.discord.rest import RestClient
from digests.subscription import DigestStyle
from tests.bot.shared_cases import SHARED_CASES

KEY = "0123456789abcdef012345678"


def test_every_shared_case_is_accepted_as_a_digest_and_as_an_answer_and_pings_nobody() -> None:
    async def run() -> None:
        client = discord.Client(intents=discord.Intents(guilds=True))
        async with simcord.run(client) as env:
            guild = env.create_guild()
            for case in SHARED_CASES.values():
                channel = guild.create_text_channel("papers")
                for style in DigestStyle:
                    for page in render(case, style):
                        route = Route("POST", "/channels/{channel_id}/messages", channel_id=channel.id)
                        posted = await client.http.request(route, json=embed_key(page.payload, KEY))
                        assert key_of(posted) == KEY
                        assert not posted["mentions"]
                        assert not posted["mention_everyone"]
                        await client.get_partial_messageable(channel.id).send(**message_arguments_of(page))

    asyncio.run(run())


def test_the_simulator_refuses_messages_over_a_limit() -> None:
    async def run() -> list[int]:
        client = discord.Client(intents=discord.Intents(guilds=True))
        async with simcord.run(client) as env:
            channel = env.create_guild().create_text_channel("papers")
            codes = []
            for over in (
                {"content": "x" * 2001},
                {"embeds": [{"description": "x" * 4097}]},
                {"embeds": [{"title": "x"}] * 11},
            ):
                route = Route("POST", "/channels/{channel_id}/messages", channel_id=channel.id)
                try:
                    await client.http.request(route, json=over)
                except discord.HTTPException as error:
                    codes.append(error.status)
            return codes

    assert asyncio.run(run()) == [400, 400, 400]
    assert DiscordPlatform(RestClient("", 1)).name == "discord"
