"""Entry points of the Discord platform. Its SDK and settings are imported only when used."""

from typing import TYPE_CHECKING

from bot.platforms.registry import AllowList, CommandPolicy, Environment, PlatformSpec, require_extra
from digests.errors import InputError

if TYPE_CHECKING:
    from bot.delivery.context import DeliveryContext
    from bot.delivery.rate_limit import RateLimits
    from bot.platforms.app import ChatApp
    from bot.platforms.discord.settings import DiscordSettings
    from bot.platforms.preview import PagePreview
    from bot.platforms.registry import Renderer
    from config.settings import Settings

MAIN_SECRET = "DISCORD_TOKEN"  # noqa: S105 (the variable's name)

MESSAGES_PER_SECOND_PER_CHANNEL = 1.0
"""Digest messages a second to one channel. Discord allows 5 in 5 seconds."""
MESSAGES_PER_SECOND = 40.0
"""Digest messages a second in all. Discord allows a bot 50 requests; the rest is for answers to people."""

INVITATION_TIMEOUT_SECONDS = 30.0


def _load_settings_model() -> "type[DiscordSettings]":
    from bot.platforms.discord.settings import DiscordSettings

    return DiscordSettings


def _load_renderer(settings: "Settings") -> "Renderer":
    from bot.platforms.discord.render import render

    return render


def _load_preview() -> "PagePreview":
    from bot.platforms.discord.preview import PREVIEW

    return PREVIEW


def _build_app(
    settings: "Settings", environment: Environment, context: "DeliveryContext"
) -> "ChatApp | None":
    from bot.platforms.discord.settings import read_discord_token

    token = read_discord_token(environment)
    if not token:
        return None
    with require_extra(MAIN_SECRET, "discord"):
        from bot.platforms.discord.app import DiscordApp
    return DiscordApp(
        settings.get_platform(_load_settings_model()),
        token,
        context.policy.timeout.total_seconds(),
        context.clock,
    )


def _load_rate_limits() -> "RateLimits":
    from bot.delivery.rate_limit import RateLimits

    return RateLimits(channel=MESSAGES_PER_SECOND_PER_CHANNEL, bot=MESSAGES_PER_SECOND)


def _build_command_policy(settings: "Settings") -> CommandPolicy:
    discord = settings.get_platform(_load_settings_model())
    role = " or who have the role for it" if discord.manager_role else ""
    return CommandPolicy(
        anyone_may_change=discord.who_may_change == "anyone",
        admins_label=f"people who may manage this server{role}",
    )


def _list_named_servers(settings: "Settings") -> tuple[str, ...]:
    return settings.get_platform(_load_settings_model()).servers


def _is_server_id(text: str) -> bool:
    from bot.platforms.discord.settings import is_discord_id

    return is_discord_id(text)


async def _fetch_invitation(settings: "Settings", environment: Environment) -> str:
    from bot.platforms.discord.settings import read_discord_token

    token = read_discord_token(environment)
    if not token:
        raise InputError("The environment has no DISCORD_TOKEN: set it to the bot's token (docs/discord.md).")
    with require_extra(MAIN_SECRET, "discord"):
        from bot.platforms.discord.app import fetch_invitation
    discord = settings.get_platform(_load_settings_model())
    return await fetch_invitation(discord, token, INVITATION_TIMEOUT_SECONDS)


SPEC = PlatformSpec(
    name="discord",
    title="Discord",
    load_settings_model=_load_settings_model,
    load_renderer=_load_renderer,
    load_preview=_load_preview,
    main_secret=MAIN_SECRET,
    secret_variables=(MAIN_SECRET,),
    secret_paths=("/webhooks/", "/interactions/"),  # An interaction's token answers in its name.
    required_secrets="DISCORD_TOKEN",
    set_up_hint="set it to the bot's token (docs/discord.md)",
    build_app=_build_app,
    load_rate_limits=_load_rate_limits,
    build_command_policy=_build_command_policy,
    fetch_invitation=_fetch_invitation,
    allow_list=AllowList(_list_named_servers, _is_server_id),
)
