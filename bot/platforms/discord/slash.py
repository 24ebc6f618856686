"""The slash commands, and the entry in a message's menu."""

import logging
from typing import Any

import discord
from discord import app_commands
from discord.app_commands import AppCommandContext, AppInstallationType, Choice, Range

from bot.conversation.notes import MAX_NOTE_CHARACTERS
from bot.platforms.discord.completion import (
    CHOICE_CHARACTERS,
    MAX_CHOICES,
    offer_days,
    offer_domains,
    offer_time_zones,
)
from bot.platforms.discord.forms import command_text_of_options
from bot.platforms.discord.listeners import DiscordListeners
from bot.platforms.discord.replies import Interaction
from bot.platforms.discord.slash_groups import add_meeting_group, add_personal_group, add_plain_command
from bot.present.citations import ExportFormat
from bot.present.lookup import format_suggestion
from digests.subscription import MAX_NAME_CHARACTERS

log = logging.getLogger(__name__)

MARK_COMMAND = "Mark for discussion"
"""Name of the entry in a message's menu that marks its paper."""
NOTE_COMMAND = "Keep as note"
"""Name of the entry that keeps a message as a note about its paper."""
QUERY_CHARACTERS = 300
"""Longest text after /paper."""

WITH_BOT = AppCommandContext(guild=True, dm_channel=True, private_channel=False)
"""Places of a command that needs a channel's digest: servers, and direct messages with the bot."""
IN_SERVERS = AppCommandContext(guild=True, dm_channel=False, private_channel=False)
"""Places of a command about what people of a server say to each other."""
INTO_SERVERS = AppInstallationType(guild=True, user=False)

PostableChannel = discord.TextChannel | discord.ForumChannel


class LoggingCommandTree(app_commands.CommandTree[Any]):
    """A command tree that logs an error before a command runs, and does not raise it.

    The person who used a command in an outdated form gets a sentence. So does a stranger, for whom no command
    runs and nothing is suggested.
    """

    async def interaction_check(self, interaction: Interaction, /) -> bool:
        admitted: bool = await self.client.listeners.commands.admit(interaction)
        return admitted

    async def on_error(self, interaction: Interaction, error: app_commands.AppCommandError, /) -> None:
        log.warning("a command could not be run: %s", error)
        if isinstance(error, app_commands.CommandSignatureMismatch | app_commands.CommandNotFound):
            text = "This command has changed. Reload Discord (Ctrl+R), and try again."
            if (
                not interaction.response.is_done()
                and interaction.type is not discord.InteractionType.autocomplete
            ):
                await interaction.response.send_message(text, ephemeral=True)


def add_commands(tree: LoggingCommandTree, listeners: DiscordListeners) -> None:
    """Add all commands and the menu entry to the tree. They call the listeners."""
    tree.add_command(_build_paper_command(listeners))
    tree.add_command(_build_digest_group(listeners))

    @app_commands.context_menu(name=MARK_COMMAND)
    async def mark_for_discussion(interaction: Interaction, message: discord.Message) -> None:
        await listeners.menus.on_mark(interaction, message)

    mark_for_discussion.allowed_contexts, mark_for_discussion.allowed_installs = WITH_BOT, INTO_SERVERS
    tree.add_command(mark_for_discussion)

    @app_commands.context_menu(name=NOTE_COMMAND)
    async def keep_as_note(interaction: Interaction, message: discord.Message) -> None:
        await listeners.menus.on_note(interaction, message)

    keep_as_note.allowed_contexts, keep_as_note.allowed_installs = IN_SERVERS, INTO_SERVERS
    tree.add_command(keep_as_note)


def _build_paper_command(listeners: DiscordListeners) -> "app_commands.Command[Any, Any, None]":
    """Return /paper, which works in servers, direct messages and for a user-installed app."""

    @app_commands.command(name="paper", description="Look a paper up, for you alone")
    @app_commands.describe(query="An arXiv id, an address, or words")
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    async def paper_command(interaction: Interaction, query: Range[str, 1, QUERY_CHARACTERS]) -> None:
        await listeners.commands.on_paper(interaction, query)

    @paper_command.autocomplete("query")
    async def offer_papers(interaction: Interaction, typed: str) -> list[Choice[str]]:
        try:
            suggestions = await listeners.commands.suggest_papers(interaction, typed, MAX_CHOICES)
        except Exception as error:  # The command works without suggestions.
            log.warning("no papers could be suggested for /paper: %s", error)
            return []
        return [
            Choice(name=format_suggestion(scored, CHOICE_CHARACTERS), value=scored.paper.id)
            for scored in suggestions
            if len(scored.paper.id) <= CHOICE_CHARACTERS
        ]

    return paper_command


def _build_digest_group(listeners: DiscordListeners) -> app_commands.Group:
    digest = app_commands.Group(
        name="digest",
        description="The digests of papers here",
        allowed_contexts=WITH_BOT,
        allowed_installs=INTO_SERVERS,
    )
    add_plain_command(digest, listeners, "today", "The best papers now, for you alone")
    add_plain_command(digest, listeners, "yesterday", "The best papers of the day before, for you alone")
    add_plain_command(digest, listeners, "help", "What you can type, with examples")
    _add_top_command(digest, listeners)
    _add_queue_command(digest, listeners)
    _add_export_command(digest, listeners)
    _add_subscribe_command(digest, listeners)
    _add_digest_commands(digest, listeners)
    _add_paper_commands(digest, listeners)
    _add_settings_command(digest, listeners)
    _add_group_command(digest, listeners)
    add_plain_command(digest, listeners, "held", "Suspect papers that wait for a decision")
    add_plain_command(digest, listeners, "list", "All digests here")
    _add_naming_command(digest, listeners, "pause", "No digests until someone resumes them")
    _add_naming_command(digest, listeners, "resume", "Digests come again")
    _add_naming_command(digest, listeners, "unsubscribe", "End a digest")
    add_meeting_group(digest, listeners)
    add_personal_group(digest, listeners)
    return digest


def _add_naming_command(
    digest: app_commands.Group, listeners: DiscordListeners, name: str, description: str
) -> None:
    """Add a /digest command about one digest of the channel: its main one, or the one that is named."""

    @app_commands.describe(digest_name="The digest's name; without one: the main digest")
    @app_commands.rename(digest_name="name")
    async def run_command(
        interaction: Interaction, digest_name: Range[str, 1, MAX_NAME_CHARACTERS] | None = None
    ) -> None:
        await listeners.commands.on_digest(interaction, f"{name} {digest_name}" if digest_name else name)

    digest.command(name=name, description=description)(run_command)


def _add_top_command(digest: app_commands.Group, listeners: DiscordListeners) -> None:
    @digest.command(name="top", description="The best papers of another domain or time, for you alone")
    @app_commands.describe(
        papers="How many",
        domain="A category such as cs.CL, or a group",
        span="How far back",
        words="Words and filters, such as: about diffusion since March min:8",
    )
    @app_commands.choices(
        span=[Choice(name=span, value=span) for span in ("today", "this week", "this month")]
    )
    @app_commands.autocomplete(domain=offer_domains)
    async def show_top(
        interaction: Interaction,
        papers: Range[int, 1, 20] | None = None,
        domain: Range[str, 1, 100] | None = None,
        span: Choice[str] | None = None,
        words: Range[str, 1, 200] | None = None,
    ) -> None:
        parts = (
            "top",
            str(papers or ""),
            f"in {domain}" if domain else "",
            words,
            span.value if span else "",
        )
        await listeners.commands.on_digest(interaction, " ".join(filter(None, parts)))


def _add_queue_command(digest: app_commands.Group, listeners: DiscordListeners) -> None:
    @digest.command(name="queue", description="What people want to discuss, most wanted first")
    @app_commands.describe(
        page="The page, from 1",
        done="The place or id of a paper that was discussed: it is taken off",
        passed="The place or id of a paper that is not to be discussed: off until it is marked again",
        postpone="The place or id of a paper for later: at the end of the list for a week",
        remove="The place or id of a paper that is to stay off the list",
        back="The id of a paper that was taken off: it is put back",
    )
    @app_commands.rename(passed="pass")
    async def show_queue(
        interaction: Interaction,
        page: Range[int, 1, 250] | None = None,
        done: Range[str, 1, 100] | None = None,
        passed: Range[str, 1, 100] | None = None,
        postpone: Range[str, 1, 100] | None = None,
        remove: Range[str, 1, 100] | None = None,
        back: Range[str, 1, 100] | None = None,
    ) -> None:
        chosen = {"done": done, "pass": passed, "postpone": postpone, "remove": remove, "back": back}
        decisions = [f"{verb} {entry}" for verb, entry in chosen.items() if entry]
        await listeners.commands.on_digest(interaction, f"queue {next(iter(decisions), page or 1)}")


def _add_export_command(digest: app_commands.Group, listeners: DiscordListeners) -> None:
    @digest.command(name="export", description="Papers as a file for a reference manager, for you alone")
    @app_commands.describe(what="Which papers", form="The format; without one: Markdown")
    @app_commands.rename(form="as")
    @app_commands.choices(
        what=[
            Choice(name="To discuss", value="queue"),
            Choice(name="Discussed", value="discussions"),
            Choice(name="Marked", value="marks"),
        ],
        form=[Choice(name=each.label, value=each.value) for each in ExportFormat],
    )
    async def export_papers(
        interaction: Interaction, what: Choice[str], form: Choice[str] | None = None
    ) -> None:
        await listeners.commands.on_digest(
            interaction, f"export {what.value} {form.value if form else ''}".strip()
        )


def _add_subscribe_command(digest: app_commands.Group, listeners: DiscordListeners) -> None:
    @digest.command(name="subscribe", description="Bring a digest here; without options a form is opened")
    @app_commands.describe(
        channel="The channel; this one when left out",
        domains="Categories such as cs.CL, or groups, with commas",
        keywords="Words that make a paper wanted in any domain, with commas",
        leave_out="Domains or words that keep a paper out",
        top="The most papers in a digest",
        min_score="The lowest score, 0 to 10", at="The local time, such as 09:00",
        days="weekdays, daily, or such as mon, thu",
        time_zone="A city, or such as Europe/Berlin", style="How it is laid out",
        confirm="True: change the digest that the channel has; without, ask first",
    )  # fmt: skip
    @app_commands.choices(
        style=[
            Choice(name="One message a paper", value="cards"),
            Choice(name="All in one message", value="compact"),
            Choice(name="The papers in a thread", value="thread"),
        ]
    )
    @app_commands.autocomplete(domains=offer_domains, time_zone=offer_time_zones, days=offer_days)
    async def subscribe_channel(
        interaction: Interaction,
        channel: PostableChannel | None = None,
        domains: Range[str, 1, 300] | None = None,
        keywords: Range[str, 1, 300] | None = None,
        leave_out: Range[str, 1, 300] | None = None,
        top: Range[int, 1, 50] | None = None,
        min_score: Range[float, 0, 10] | None = None,
        at: Range[str, 1, 10] | None = None,
        days: Range[str, 1, 60] | None = None,
        time_zone: Range[str, 1, 60] | None = None,
        style: Choice[str] | None = None,
        confirm: bool = False,
    ) -> None:
        words = command_text_of_options(
            domains or "", keywords or "", leave_out or "", days or "", time_zone or "",
            top=top, min=f"{min_score:g}" if min_score is not None else None,
            at=at, style=style.value if style else None,
        )  # fmt: skip
        if words:
            await listeners.commands.on_digest(
                interaction, f"subscribe {words}{' yes' if confirm else ''}", channel
            )
        else:
            await listeners.digest_forms.on_settings(interaction, channel, "")


def _add_digest_commands(digest: app_commands.Group, listeners: DiscordListeners) -> None:
    """Add the commands that change a digest in words."""

    @digest.command(name="add", description="Bring one more digest here, with a name")
    @app_commands.describe(name="Such as: friday agents", words="Such as: agents on fri top 10 every 2 weeks")
    async def add_digest(
        interaction: Interaction, name: Range[str, 1, MAX_NAME_CHARACTERS], words: Range[str, 1, 1000]
    ) -> None:
        await listeners.commands.on_digest(interaction, f"add {_quote_name(name)} {words}")

    @digest.command(name="set", description="Change one thing of the digest, and leave the rest")
    @app_commands.describe(words="Such as: top 5 at 9am in Berlin")
    async def change_digest(interaction: Interaction, words: Range[str, 1, 1000]) -> None:
        await listeners.commands.on_digest(interaction, f"set {words}")

    @digest.command(name="rename", description="Give a digest another name")
    @app_commands.describe(digest_name="The digest's name", new_name="Such as: agents")
    @app_commands.rename(digest_name="name", new_name="to")
    async def rename_digest(
        interaction: Interaction,
        digest_name: Range[str, 1, MAX_NAME_CHARACTERS],
        new_name: Range[str, 1, MAX_NAME_CHARACTERS],
    ) -> None:
        await listeners.commands.on_digest(
            interaction, f"rename {_quote_name(digest_name)} to {_quote_name(new_name)}"
        )


def _add_paper_commands(digest: app_commands.Group, listeners: DiscordListeners) -> None:
    """Add the commands about one paper."""

    @digest.command(name="mark", description="Put a paper on the queue, or take your mark back")
    @app_commands.describe(paper="An arXiv id or an address")
    async def mark_paper(interaction: Interaction, paper: Range[str, 1, 300]) -> None:
        await listeners.commands.on_digest(interaction, f"mark {paper}")

    @digest.command(name="note", description="Keep a note about a paper, or show notes")
    @app_commands.describe(
        paper="An arXiv id or an address; alone: the notes about it here",
        text="The note; without one: show notes",
    )
    async def write_note(
        interaction: Interaction,
        paper: Range[str, 1, 300] | None = None,
        text: Range[str, 1, MAX_NOTE_CHARACTERS] | None = None,
    ) -> None:
        words = "".join((paper or "").split())  # The text follows the first space.
        await listeners.commands.on_digest(interaction, f"note {words} {text or '' if words else ''}".strip())

    @digest.command(name="feedback", description="What people here want more or fewer of")
    @app_commands.describe(
        more="The id of a paper: more like it",
        less="The id of a paper: fewer like it",
        reset="True: delete what everybody said here",
    )
    async def show_feedback(
        interaction: Interaction,
        more: Range[str, 1, 300] | None = None,
        less: Range[str, 1, 300] | None = None,
        reset: bool = False,
    ) -> None:
        words = "reset yes" if reset else f"more {more}" if more else f"less {less}" if less else ""
        await listeners.commands.on_digest(interaction, f"feedback {words}".strip())


def _add_settings_command(digest: app_commands.Group, listeners: DiscordListeners) -> None:
    @digest.command(name="settings", description="See or change a digest in a form")
    @app_commands.describe(digest_name="The digest's name; without one: the main digest")
    @app_commands.rename(digest_name="name")
    async def open_settings(
        interaction: Interaction, digest_name: Range[str, 1, MAX_NAME_CHARACTERS] | None = None
    ) -> None:
        await listeners.digest_forms.on_settings(interaction, name=digest_name)


def _add_group_command(digest: app_commands.Group, listeners: DiscordListeners) -> None:
    @digest.command(name="group", description="With whom the queue is shared, and whether")
    @app_commands.describe(
        join="The group's name: agree to share the queue, as an admin",
        leave="The group's name: share it no more",
    )
    async def show_group(
        interaction: Interaction,
        join: Range[str, 1, 100] | None = None,
        leave: Range[str, 1, 100] | None = None,
    ) -> None:
        change = f"join {join}" if join else f"leave {leave}" if leave else ""
        await listeners.commands.on_digest(interaction, f"group {change}".strip())


def _quote_name(name: str) -> str:
    """Put a digest's name in quotes, without those that it has, so that it is read as one."""
    return f'"{name.translate(_NO_QUOTES)}"'


_NO_QUOTES = str.maketrans("", "", '"“”„')
