"""Settings and secret of the Discord app: `[platforms.discord]`, and the environment's DISCORD_TOKEN."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from config.problems import SettingsError, quote_value
from config.secrets import is_single_ascii_word
from config.settings import INTERNAL, SettingsTable
from config.validators import base_url_validator


def _validate_discord_id(text: str) -> str:
    if not re.fullmatch(r"[0-9]{15,20}", text):
        raise ValueError(f'is {quote_value(text)}; write the id in quotes, such as "81384788765712384"')
    return text


def _validate_optional_discord_id(text: str) -> str:
    return _validate_discord_id(text) if text else ""


def _validate_reaction_emoji(emoji: str) -> str:
    is_custom = re.fullmatch(r"<a?:\w{2,32}:[0-9]{15,20}>", emoji)
    if not is_custom and (not emoji.strip() or emoji.isascii() or len(emoji) > 16):
        raise ValueError(
            f'is {quote_value(emoji)}; write the emoji itself, such as "🔖", '
            'or one of your server as "<:name:id>"'
        )
    return emoji.strip()


DiscordId = Annotated[str, AfterValidator(_validate_discord_id)]


class DiscordSettings(SettingsTable):
    """The Discord app. Secret: `DISCORD_TOKEN`."""

    api_base_url: Annotated[
        str, AfterValidator(base_url_validator("https://discord.com/api/v10", ends_with_slash=False))
    ] = Field(
        default="https://discord.com/api/v10",
        description="Address of Discord's API.",
        json_schema_extra=INTERNAL,
    )
    gateway_url: Annotated[
        str, AfterValidator(base_url_validator("wss://gateway.discord.gg/", ("wss", "ws")))
    ] = Field(
        default="wss://gateway.discord.gg/",
        description="Address of Discord's gateway.",
        json_schema_extra=INTERNAL,
    )
    command_server_ids: Annotated[tuple[DiscordId, ...], Field(strict=False)] = Field(
        default=(),
        description="Ids of servers that get the commands, for trials. Empty: all servers.",
        json_schema_extra=INTERNAL,
    )
    mark_emoji: Annotated[str, AfterValidator(_validate_reaction_emoji)] = Field(
        default="🔖",
        description="Emoji whose reaction marks a paper for discussion: itself, or `<:name:id>`.",
    )
    who_may_change: Literal["managers", "anyone"] = Field(
        default="managers",
        description="People who may change a channel's digest: `managers` (the permission Manage Server) "
        "or `anyone`.",
    )
    messages_per_second_per_channel: float = Field(
        default=1.0,
        gt=0,
        le=1000,
        description="Most digest messages a second to one channel. Discord allows 5 in 5 seconds.",
        json_schema_extra=INTERNAL,
    )
    messages_per_second: float = Field(
        default=40.0,
        gt=0,
        le=1000,
        description="Most digest messages a second in all. Discord allows a bot 50 requests.",
        json_schema_extra=INTERNAL,
    )
    manager_role: Annotated[str, AfterValidator(_validate_optional_discord_id)] = Field(
        default="", description="Id of a role whose members may change digests too. Empty: none."
    )


def read_discord_token(environment: Mapping[str, str]) -> str:
    """Return the bot's token, empty if there is none. It is never shown.

    Raises SettingsError for text that cannot be a token.
    """
    token = environment.get("DISCORD_TOKEN", "").strip().removeprefix("Bot ").strip()
    if not is_single_ascii_word(token):
        raise SettingsError(
            "DISCORD_TOKEN holds more than a token; copy it anew from the application's page under Bot."
        )
    if token.isdigit() or token.startswith(("xoxb-", "xapp-")):
        raise SettingsError(
            "DISCORD_TOKEN holds an id or a token of another service; set it to the bot's token, which the "
            "application's page shows once under Bot, Reset Token."
        )
    return token
