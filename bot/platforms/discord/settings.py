"""Settings and secret of the Discord app: `[platforms.discord]`, and the environment's DISCORD_TOKEN."""

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from config.problems import SettingsError, describe_removed_key, describe_renamed_key, quote_value
from config.secrets import is_single_ascii_word
from config.settings import SettingsTable
from config.validators import base_url_validator


def is_discord_id(text: str) -> bool:
    """Return True for a text that has the form of a Discord id."""
    return bool(re.fullmatch("[0-9]{15,20}", text))


def _validate_discord_id(text: str) -> str:
    if not is_discord_id(text):
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

    former_keys: ClassVar[Mapping[str, str]] = {
        "messages_a_second": describe_removed_key("40"),
        "messages_a_second_a_channel": describe_removed_key("1"),
        "messages_per_second": describe_removed_key("40"),
        "messages_per_second_per_channel": describe_removed_key("1"),
        "sync": describe_renamed_key("command_server_ids"),
    }

    servers: Annotated[tuple[DiscordId, ...], Field(strict=False)] = Field(
        default=(),
        description="Ids of servers that are always served, with those of `[[subscriptions]]` and those that "
        "`paperround workspaces` lists. Without any, the first server is served.",
    )
    command_server_ids: Annotated[tuple[DiscordId, ...], Field(strict=False)] = Field(
        default=(),
        description="Ids of servers that get the commands, for a trial. Empty: all servers.",
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
    manager_role: Annotated[str, AfterValidator(_validate_optional_discord_id)] = Field(
        default="", description="Id of a role whose members may change digests too. Empty: none."
    )
    api_base_url: Annotated[
        str, AfterValidator(base_url_validator("https://discord.com/api/v10", ends_with_slash=False))
    ] = Field(
        default="https://discord.com/api/v10",
        description="Address of Discord's API. For tests and proxies.",
    )
    gateway_url: Annotated[
        str, AfterValidator(base_url_validator("wss://gateway.discord.gg/", ("wss", "ws")))
    ] = Field(
        default="wss://gateway.discord.gg/",
        description="Address of Discord's gateway. For tests and proxies.",
    )


def read_discord_token(environment: Mapping[str, str]) -> str:
    """Return the bot's token, or an empty string if there is none. Never log it.

    A leading "Bot " is dropped. Raises SettingsError for text that cannot be a token.
    """
    token = environment.get("DISCORD_TOKEN", "").strip().removeprefix("Bot ").strip()
    if not is_single_ascii_word(token):
        raise SettingsError(
            "DISCORD_TOKEN holds more than a token; copy it again from the application's page under Bot."
        )
    if token.isdigit() or token.startswith(("xoxb-", "xapp-")):
        raise SettingsError(
            "DISCORD_TOKEN holds an id or a token of another service; set it to the bot's token, which the "
            "application's page shows once under Bot, Reset Token."
        )
    return token
