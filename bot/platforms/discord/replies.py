"""Answers to interactions.

An interaction is acknowledged before any work is done, because Discord waits only three seconds.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import aiohttp
import discord

from bot.chat.message import Message
from bot.chat.port import Page
from bot.platforms.discord.render import render
from bot.platforms.interaction import InteractionDispatcher, Responder
from bot.present.lookup import remove_share_button
from digests.subscription import DigestStyle

log = logging.getLogger(__name__)

Interaction = discord.Interaction[Any]

MAX_REPLY_PAGES = 4
"""Pages of a reply. A user-installed app may send five messages after an interaction."""


async def answer_interaction(
    interaction: Interaction,
    work: Callable[[Responder], Awaitable[None]],
    dispatcher: InteractionDispatcher,
    *,
    skip_ack: bool = False,
    in_place: bool = False,
) -> None:
    """Acknowledges, runs the work and answers. An error is logged, and answered with a sentence.

    `at_once` leaves the first response to the work; `in_place` replaces the message that was tapped.
    """
    reply_count = 0

    async def respond(message: Message, *, replace: bool = False) -> None:
        nonlocal reply_count
        reply_count += 1
        first = reply_count == 1 and (replace or not in_place)
        await _send_response(interaction, message, fill=first)

    with dispatcher.track_task():
        try:
            if not skip_ack:
                await interaction.response.defer(ephemeral=True, thinking=not in_place)
            # Discord did not take an answer: another one it would not take either.
            async with dispatcher.explain_errors(
                respond, passing=(discord.DiscordException, aiohttp.ClientError)
            ):
                await work(respond)
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            log.warning("an answer was not taken: %s", error)
        except Exception:
            log.exception("an answer could not be given")


async def _send_response(interaction: Interaction, message: Message, *, fill: bool) -> None:
    """Replies to the person only. The first page completes the acknowledgement; the others follow it."""
    if interaction.guild_id is None or not interaction.is_guild_integration():
        message = remove_share_button(message)
    style = DigestStyle.CARDS if len(message.cards) == 1 else DigestStyle.COMPACT
    for number, page in enumerate(render(message, style)[:MAX_REPLY_PAGES]):
        arguments = message_arguments_of(page)
        if not interaction.response.is_done():
            await interaction.response.send_message(ephemeral=True, **arguments)
        elif fill and number == 0:
            await interaction.edit_original_response(
                **{"content": None, "embeds": [], "view": None, **arguments}
            )
        else:
            await interaction.followup.send(ephemeral=True, **arguments)


def message_arguments_of(page: Page) -> dict[str, Any]:
    """Returns a page as arguments of discord.py's send methods."""
    payload = page.payload
    arguments: dict[str, Any] = {"allowed_mentions": discord.AllowedMentions.none()}
    if payload["content"]:
        arguments["content"] = payload["content"]
    if payload["embeds"]:
        arguments["embeds"] = [discord.Embed.from_dict(embed) for embed in payload["embeds"]]
    if payload["components"]:
        arguments["view"] = _build_view(payload["components"])
    return arguments


def _build_view(rows: Iterable[Mapping[str, Any]]) -> discord.ui.View:
    """Builds a stopped view: buttons are handled by custom_id, so discord.py need not keep it."""
    view = discord.ui.View(timeout=None)
    for number, row in enumerate(rows):
        for button in row["components"]:
            view.add_item(
                discord.ui.Button(
                    style=discord.ButtonStyle(button["style"]),
                    label=button["label"],
                    custom_id=button["custom_id"],
                    emoji=(button.get("emoji") or {}).get("name"),
                    row=number,
                )
            )
    view.stop()
    return view
