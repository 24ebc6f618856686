"""Settings of the Slack app from `[platforms.slack]`, and its secrets from the environment's SLACK_*
variables."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from config.problems import SettingsError, describe_removed_key, quote_value
from config.settings import ProxyAddress, RequiredText, SettingsTable
from config.validators import base_url_validator


def _validate_command(name: str) -> str:
    """Return the command's name. Raises ValueError if Slack would not take it."""
    if not re.fullmatch(r"/[a-z0-9_-]{1,31}", name):
        raise ValueError(
            f"is {quote_value(name)}; write a slash and up to 31 small letters, digits, - or _, "
            'such as "/paper"'
        )
    return name


def _validate_emoji_name(name: str) -> str:
    """Return the emoji's name without colons. Raises ValueError if it is no name of an emoji."""
    bare = name.strip(":")
    if not re.fullmatch(r"[a-z0-9_+'-]{1,100}", bare):
        raise ValueError(
            f'is {quote_value(name)}; write the emoji\'s name without colons, such as "bookmark"'
        )
    return bare


class SlackSettings(SettingsTable):
    """Settings of the Slack app. Secrets: `SLACK_BOT_TOKEN`, `SLACK_APP_TOKEN`, `SLACK_SIGNING_SECRET`."""

    former_keys: ClassVar[Mapping[str, str]] = {
        "messages_a_second": describe_removed_key("5 for each workspace"),
        "messages_a_second_a_channel": describe_removed_key("1"),
        "messages_per_second": describe_removed_key("5 for each workspace"),
        "messages_per_second_per_channel": describe_removed_key("1"),
    }

    transport: Literal["auto", "socket", "http"] = Field(
        default="auto",
        description="Connection to Slack: `socket`, `http`, or `auto` (socket with `SLACK_APP_TOKEN`, else "
        "http).",
    )
    http_host: RequiredText = Field(
        default="127.0.0.1",
        description="Address that http listens on. If it is left out, `PAPERROUND_HTTP_HOST` is taken first.",
    )
    http_port: int = Field(
        default=3000, ge=1, le=65535, description="Port that http listens on. Events come to `/slack/events`."
    )
    proxy: ProxyAddress = Field(default="", description="HTTP proxy for calls to Slack. Empty: none.")
    paper_command: Annotated[str, AfterValidator(_validate_command)] = Field(
        default="/paper", description="Name of the command that looks papers up."
    )
    digest_command: Annotated[str, AfterValidator(_validate_command)] = Field(
        default="/digest", description="Name of the command for the channel's digest."
    )
    mark_emoji: Annotated[str, AfterValidator(_validate_emoji_name)] = Field(
        default="bookmark", description="Name of the emoji whose reaction marks a paper for discussion."
    )
    who_may_change: Literal["anyone", "admins"] = Field(
        default="anyone",
        description="People who may change a channel's digest: `anyone` in it, or workspace `admins`.",
    )
    quotes_in_cards: bool = Field(
        default=True,
        description="Adds the passages that show a paper's limitations to its card in a digest, collapsed.",
    )
    unfurl_arxiv: bool = Field(
        default=True, description="Adds a short card to an arXiv link that somebody pastes."
    )
    api_base_url: Annotated[str, AfterValidator(base_url_validator("https://slack.com/api/"))] = Field(
        default="https://slack.com/api/",
        description="Address of Slack's web API. For tests and proxies.",
    )


@dataclass(frozen=True, slots=True)
class SlackSecrets:
    """Tokens and signing secret of the app, each empty if the environment has none. `repr` hides them."""

    bot_token: str = field(default="", repr=False)
    app_token: str = field(default="", repr=False)
    signing_secret: str = field(default="", repr=False)


def read_slack_secrets(environment: Mapping[str, str]) -> SlackSecrets:
    """Read the app's secrets. Raises SettingsError if a variable holds a secret of another kind."""
    secrets = SlackSecrets(
        bot_token=environment.get("SLACK_BOT_TOKEN", "").strip(),
        app_token=environment.get("SLACK_APP_TOKEN", "").strip(),
        signing_secret=environment.get("SLACK_SIGNING_SECRET", "").strip(),
    )
    _require_token_kind(
        "SLACK_BOT_TOKEN", secrets.bot_token, "xoxb-", "the Bot User OAuth Token", "OAuth & Permissions"
    )
    _require_token_kind(
        "SLACK_APP_TOKEN", secrets.app_token, "xapp-", "an App-Level Token", "Basic Information"
    )
    if secrets.signing_secret.startswith("xox") or secrets.signing_secret.startswith("xapp-"):
        raise SettingsError(
            "SLACK_SIGNING_SECRET holds a token; set it to the Signing Secret, "
            "which the app's page shows under Basic Information, App Credentials."
        )
    return secrets


def _require_token_kind(variable: str, token: str, prefix: str, name: str, place: str) -> None:
    """Raise SettingsError if a token is set and does not begin with `prefix`. The message omits the token.

    `name` is the name of the right token, and `place` the section of the app's page that shows it.
    """
    if not token or token.startswith(prefix):
        return
    kinds = {"xoxb-": "a bot token", "xapp-": "an app-level token", "xoxp-": "a user token"}
    kind = next((kind for letters, kind in kinds.items() if token.startswith(letters)), "something else")
    raise SettingsError(
        f"{variable} holds {kind}; "
        f"set it to {name}, which begins with {prefix} and stands on the app's page under {place}."
    )
