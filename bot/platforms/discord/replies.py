"""Answers to interactions.

An interaction is acknowledged before any work is done, because Discord waits only three seconds.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from io import BytesIO
from typing import Any

import aiohttp
import discord

from bot.chat.message import Message
from bot.chat.port import Page
from bot.platforms.discord.buttons import SELECT
from bot.platforms.discord.render import render
from bot.platforms.interaction import InteractionDispatcher
from bot.platforms.responses import Responder, choose_reply_style, explain_errors
from bot.present.lookup import remove_share_button

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
    """Acknowledge an interaction, run the work, and send its responses. No error is raised.

    An error of the work is answered with a sentence, and one of a call to Discord is only logged. With
    `skip_ack` the work itself sends the first response, such as a form. With `in_place` the person sees no
    waiting state, and a response with `replace` takes the place of the clicked message.
    `dispatcher.drain_tasks` waits for the work.
    """
    reply_count = 0

    async def respond(message: Message, *, replace: bool = False) -> None:
        nonlocal reply_count
        reply_count += 1
        completes_ack = reply_count == 1 and (replace or not in_place)
        await _send_response(interaction, message, completes_ack=completes_ack)

    with dispatcher.tasks.track_task():
        try:
            if not skip_ack:
                await interaction.response.defer(ephemeral=True, thinking=not in_place)
            # An answer that Discord refuses is only logged: it would refuse a second one too.
            async with explain_errors(respond, passing=(discord.DiscordException, aiohttp.ClientError)):
                await work(respond)
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            log.warning("an answer was not taken: %s", error)
        except Exception:
            log.exception("an answer could not be given")


async def _send_response(interaction: Interaction, message: Message, *, completes_ack: bool) -> None:
    """Send a message that only this person sees, in up to `MAX_REPLY_PAGES` pages; the rest is left out.

    With `completes_ack` the first page replaces the waiting state or the clicked message; every other page is
    a message of its own. The share button is left out in direct messages, and where only the person has
    installed the app: nothing can be posted to the channel there. A file comes with the first page, unless it
    is larger than Discord takes there. Raises errors of discord.py and aiohttp.
    """
    if interaction.guild_id is None or not interaction.is_guild_integration():
        message = remove_share_button(message)
    if message.file is None or len(message.file.content) > interaction.filesize_limit:
        message = message.drop_file()
    for number, page in enumerate(render(message, choose_reply_style(message))[:MAX_REPLY_PAGES]):
        arguments = message_arguments_of(page)
        if message.file and number == 0:
            arguments["file"] = discord.File(BytesIO(message.file.content), message.file.name)
        if not interaction.response.is_done():
            await interaction.response.send_message(ephemeral=True, **arguments)
        elif completes_ack and number == 0:
            files = [file] if (file := arguments.pop("file", None)) else []
            await interaction.edit_original_response(
                **{"content": None, "embeds": [], "view": None, **arguments, "attachments": files}
            )
        else:
            await interaction.followup.send(ephemeral=True, **arguments)


def message_arguments_of(page: Page) -> dict[str, Any]:
    """Return a page as arguments of discord.py's methods that send a message."""
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
    """Return rows of buttons and menus as a view.

    discord.py does not keep it: clicks are handled by the custom_id.
    """
    view = discord.ui.View(timeout=None)
    for number, row in enumerate(rows):
        for component in row["components"]:
            build = _build_select if component["type"] == SELECT else _build_button
            view.add_item(build(component, number))
    view.stop()
    return view


def _build_button(button: Mapping[str, Any], row: int) -> "discord.ui.Button[Any]":
    return discord.ui.Button(
        style=discord.ButtonStyle(button["style"]),
        label=button["label"],
        custom_id=button["custom_id"],
        emoji=(button.get("emoji") or {}).get("name"),
        row=row,
    )


def _build_select(select: Mapping[str, Any], row: int) -> "discord.ui.Select[Any]":
    options = [
        discord.SelectOption(label=option["label"], value=option["value"]) for option in select["options"]
    ]
    return discord.ui.Select(
        custom_id=select["custom_id"], placeholder=select["placeholder"], options=options, row=row
    )
