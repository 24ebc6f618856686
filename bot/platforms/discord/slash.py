"""The slash commands, and their registration with Discord once per change."""

import asyncio
import hashlib
import json
import logging
from collections.abc import Iterable
from typing import Any
from zoneinfo import available_timezones

import discord
from discord import app_commands
from discord.app_commands import AppCommandContext, AppInstallationType, Choice, Range

from bot.platforms.discord.forms import command_text_of_options
from bot.platforms.discord.listeners import DiscordListeners, Interaction
from bot.present.lookup import format_suggestion
from digests.domains import CATEGORY_NAMES, DOMAIN_GROUPS, domain_name
from digests.ports.notes import Notes

log = logging.getLogger(__name__)

MARK_COMMAND = "Mark for discussion"
MAX_CHOICES = 25
CHOICE_CHARACTERS = 100
QUERY_CHARACTERS = 300

IN_SERVERS = AppCommandContext(guild=True, dm_channel=False, private_channel=False)
INTO_SERVERS = AppInstallationType(guild=True, user=False)

PostableChannel = discord.TextChannel | discord.ForumChannel

TIME_ZONES = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/"))
COMMON_TIME_ZONES = (
    "UTC", "Europe/London", "Europe/Berlin", "Europe/Paris", "America/New_York", "America/Chicago",
    "America/Los_Angeles", "America/Sao_Paulo", "Asia/Kolkata", "Asia/Shanghai", "Asia/Tokyo", "Asia/Seoul",
    "Asia/Singapore", "Australia/Sydney",
)  # fmt: skip


class LoggingCommandTree(app_commands.CommandTree[Any]):
    """A command tree that logs an error raised before a command runs, and answers with a sentence."""

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
    """Adds all commands to the tree."""
    tree.add_command(_build_paper_command(listeners))
    tree.add_command(_build_digest_group(listeners))

    @app_commands.context_menu(name=MARK_COMMAND)
    async def mark_for_discussion(interaction: Interaction, message: discord.Message) -> None:
        await listeners.on_mark(interaction, message)

    mark_for_discussion.allowed_contexts, mark_for_discussion.allowed_installs = IN_SERVERS, INTO_SERVERS
    tree.add_command(mark_for_discussion)


def _build_paper_command(listeners: DiscordListeners) -> "app_commands.Command[Any, Any, None]":
    @app_commands.command(name="paper", description="Look a paper up, for you alone")
    @app_commands.describe(query="An arXiv id, an address, or words")
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    async def paper_command(interaction: Interaction, query: Range[str, 1, QUERY_CHARACTERS]) -> None:
        await listeners.on_paper(interaction, query)

    @paper_command.autocomplete("query")
    async def offer_papers(interaction: Interaction, typed: str) -> list[Choice[str]]:
        try:
            found = await asyncio.to_thread(listeners.answers.lookup.suggest_papers, typed, MAX_CHOICES)
        except Exception as error:  # Without an offer what is typed can still be sent.
            log.warning("nothing could be offered for /paper: %s", error)
            return []
        return [
            Choice(name=format_suggestion(one, CHOICE_CHARACTERS), value=one.paper.id)
            for one in found
            if len(one.paper.id) <= CHOICE_CHARACTERS
        ]

    return paper_command


def _build_digest_group(listeners: DiscordListeners) -> app_commands.Group:
    digest = app_commands.Group(
        name="digest",
        description="The digest of this channel",
        allowed_contexts=IN_SERVERS,
        allowed_installs=INTO_SERVERS,
    )
    _add_read_commands(digest, listeners)
    _add_change_commands(digest, listeners)
    return digest


def _add_plain_command(
    digest: app_commands.Group, listeners: DiscordListeners, name: str, description: str
) -> None:
    async def run_command(interaction: Interaction) -> None:
        await listeners.on_digest(interaction, name)

    digest.command(name=name, description=description)(run_command)


def _add_read_commands(digest: app_commands.Group, listeners: DiscordListeners) -> None:
    _add_plain_command(digest, listeners, "today", "The best papers now, for you alone")
    _add_plain_command(digest, listeners, "help", "What you can type, with examples")

    @digest.command(name="top", description="The best papers of another domain or time, for you alone")
    @app_commands.describe(
        papers="How many", domain="A category such as cs.CL, or a group", span="How far back"
    )
    @app_commands.choices(
        span=[Choice(name=span, value=span) for span in ("today", "this week", "this month")]
    )
    @app_commands.autocomplete(domain=_offer_domains)
    async def show_top(
        interaction: Interaction,
        papers: Range[int, 1, 20] | None = None,
        domain: Range[str, 1, 100] | None = None,
        span: Choice[str] | None = None,
    ) -> None:
        parts = ["top", str(papers or ""), f"in {domain}" if domain else "", span.value if span else ""]
        await listeners.on_digest(interaction, " ".join(filter(None, parts)))

    @digest.command(name="queue", description="What people want to discuss, most wanted first")
    @app_commands.describe(done="The place or id of a paper that was discussed: it is taken off")
    async def show_queue(interaction: Interaction, done: Range[str, 1, 100] | None = None) -> None:
        await listeners.on_digest(interaction, f"queue done {done}" if done else "queue")


def _add_change_commands(digest: app_commands.Group, listeners: DiscordListeners) -> None:
    @digest.command(
        name="subscribe", description="Bring a channel a digest; without options a form is opened"
    )
    @app_commands.describe(
        channel="The channel; this one when left out",
        domains="Categories such as cs.CL, or groups, with commas",
        keywords="Words that make a paper wanted in any domain, with commas",
        leave_out="Domains or words that keep a paper out",
        top="The most papers in a digest",
        min_score="The lowest score, 0 to 10", at="The local time, such as 09:00",
        days="weekdays, daily, or such as mon, thu",
        time_zone="Such as Europe/Berlin", style="How it is laid out",
    )  # fmt: skip
    @app_commands.choices(
        style=[
            Choice(name="One message a paper", value="cards"),
            Choice(name="All in one message", value="compact"),
            Choice(name="The papers in a thread", value="thread"),
        ]
    )
    @app_commands.autocomplete(domains=_offer_domains, time_zone=_offer_time_zones, days=_offer_days)
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
    ) -> None:
        words = command_text_of_options(
            domains or "", keywords or "", leave_out or "", days or "", time_zone or "",
            top=top, min=f"{min_score:g}" if min_score is not None else None,
            at=at, style=style.value if style else None,
        )  # fmt: skip
        if words:
            await listeners.on_digest(interaction, f"subscribe {words}", channel)
        else:
            await listeners.on_settings(interaction, channel)

    @digest.command(name="settings", description="See or change the channel's digest in a form")
    async def open_settings(interaction: Interaction) -> None:
        await listeners.on_settings(interaction)

    _add_plain_command(digest, listeners, "held", "Suspect papers that wait for a decision")
    _add_plain_command(digest, listeners, "pause", "No digests until someone resumes them")
    _add_plain_command(digest, listeners, "resume", "Digests come again")
    _add_plain_command(digest, listeners, "unsubscribe", "End the channel's digest")


# What is offered while it is typed.


def _find_matching(typed: str, names: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Returns the choices that contain the typed text. Those that begin with it come first."""
    wanted = typed.strip().casefold()
    found = [pair for pair in names if wanted in pair[0].casefold()]
    found.sort(key=lambda pair: not pair[0].casefold().startswith(wanted))
    return found[:MAX_CHOICES]


async def _offer_domains(interaction: Interaction, typed: str) -> list[Choice[str]]:
    """Completes the last entry of a comma-separated list and keeps the others."""
    *before, last = typed.split(",")
    kept = "".join(f"{one.strip()}, " for one in before)
    names = [(group, group) for group in DOMAIN_GROUPS] + [
        (domain_name(name), name) for name in CATEGORY_NAMES
    ]
    found = [(kept + label, kept + value) for label, value in _find_matching(last, names)]
    return _to_choices(found)


async def _offer_time_zones(interaction: Interaction, typed: str) -> list[Choice[str]]:
    zones = TIME_ZONES if typed.strip() else COMMON_TIME_ZONES
    spoken = typed.replace(" ", "_")
    return _to_choices(
        _find_matching(
            spoken, [(zone, zone) for zone in ("UTC", *zones)] if typed else [(z, z) for z in zones]
        )
    )


async def _offer_days(interaction: Interaction, typed: str) -> list[Choice[str]]:
    names = ("weekdays", "daily", "weekends", "mon", "mon, wed, fri", "mon, thu", "fri")
    return _to_choices(_find_matching(typed, [(name, name) for name in names]))


def _to_choices(pairs: Iterable[tuple[str, str]]) -> list[Choice[str]]:
    return [
        Choice(name=label, value=value)
        for label, value in pairs
        if len(label) <= CHOICE_CHARACTERS and len(value) <= CHOICE_CHARACTERS
    ]


# Buttons.


class AnyButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"(?P<wanted>[^:#]*):?(?P<value>[^#]*)(?:#.*)?"
):
    """Handles every button by its custom_id alone, including those sent by older versions."""

    def __init__(self, item: "discord.ui.Button[Any]", action: str, value: str) -> None:
        super().__init__(item)
        self.action, self.value = action, value

    @classmethod
    async def from_custom_id(cls, interaction: Interaction, item: Any, match: Any, /) -> "AnyButton":
        return cls(item, match["wanted"], match["value"])

    async def callback(self, interaction: Interaction) -> None:
        await interaction.client.listeners.on_button(interaction, self.action, self.value)


# Telling Discord.

NOTE_PREFIX = "discord commands"


async def sync_commands(tree: LoggingCommandTree, guild_ids: tuple[str, ...], notes: Notes) -> None:
    """Registers changed commands with Discord, and removes them where they are no longer wanted.

    They go to the given servers, or to all if none is given. A failure is logged.
    """
    synced = await asyncio.to_thread(_read_synced_versions, tree, notes)
    current_version = hashlib.sha256(json.dumps(_list_definitions(tree), sort_keys=True).encode()).hexdigest()
    scopes = guild_ids or ("",)
    for scope in dict.fromkeys((*scopes, *synced)):
        version = current_version if scope in scopes else ""
        if synced.get(scope, "") == version:
            continue
        try:
            await _send_definitions(tree, scope, _list_definitions(tree) if version else [])
        except discord.HTTPException as error:
            log.error(
                "Discord did not take the commands%s: %s", f" for server {scope}" if scope else "", error
            )
            continue
        synced[scope] = version
        log.info("Discord knows the commands now%s", f", in server {scope}" if scope else "")
    stored = {scope: version for scope, version in synced.items() if version}
    await asyncio.to_thread(notes.write, _note_name_of(tree), json.dumps(stored))


def _note_name_of(tree: LoggingCommandTree) -> str:
    return f"{NOTE_PREFIX} {tree.client.application_id}"


def _read_synced_versions(tree: LoggingCommandTree, notes: Notes) -> dict[str, str]:
    """Returns the registered version by server; "" stands for all servers."""
    return dict(json.loads(notes.read(_note_name_of(tree)) or "{}"))


def _list_definitions(tree: LoggingCommandTree) -> list[dict[str, Any]]:
    return [dict(command.to_dict(tree)) for command in tree.get_commands()]


async def _send_definitions(tree: LoggingCommandTree, scope: str, definitions: list[Any]) -> None:
    http, application = tree.client.http, tree.client.application_id
    if application is None:
        raise RuntimeError("log in before the commands are told of")
    if scope:
        await http.bulk_upsert_guild_commands(application, int(scope), payload=definitions)
    else:
        await http.bulk_upsert_global_commands(application, payload=definitions)
