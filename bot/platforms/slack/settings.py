"""Settings of the Slack app from `[platforms.slack]`, and its secrets from the environment's SLACK_*
variables."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from config.problems import SettingsError, describe_removed_key, quote_value
from config.secrets import TOKEN_KEYS_VARIABLE, read_token_keys
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


def _validate_public_url(url: str) -> str:
    """Return the address without a slash at its end. Raises ValueError if browsers could not use it.

    Only this machine may be without https: Slack sends browsers back with a secret code.
    """
    bare = url.rstrip("/")
    found = re.fullmatch(r"(https?)://([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{1,45}\])(:[0-9]{1,5})?", bare)
    is_local = bool(found and found[2] in ("127.0.0.1", "localhost", "[::1]"))
    if bare and not (found and (found[1] == "https" or is_local)):
        raise ValueError(
            f'is {quote_value(url)}; write https:// and the host alone, such as "https://bot.example.org"'
        )
    return bare


def _validate_emoji_name(name: str) -> str:
    """Return the emoji's name without colons. Raises ValueError if it is no name of an emoji."""
    bare = name.strip(":")
    if not re.fullmatch(r"[a-z0-9_+'-]{1,100}", bare):
        raise ValueError(
            f'is {quote_value(name)}; write the emoji\'s name without colons, such as "bookmark"'
        )
    return bare


class SlackSettings(SettingsTable):
    """Settings of the Slack app. Its secrets are in the environment alone: see slack.md."""

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
    public_url: Annotated[str, AfterValidator(_validate_public_url)] = Field(
        default="",
        description="Address under which browsers reach http, such as `https://bot.example.org`. For an "
        "install by a link: `/slack/install` there installs the app in a workspace.",
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
    """Secrets of the app, each empty if the environment has none. `repr` hides them.

    With `client_id` and `client_secret` workspaces install the app from a link; `token_keys` encrypt their
    tokens.
    """

    bot_token: str = field(default="", repr=False)
    app_token: str = field(default="", repr=False)
    signing_secret: str = field(default="", repr=False)
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    token_keys: tuple[str, ...] = field(default=(), repr=False)

    @property
    def is_installed_by_link(self) -> bool:
        """True if workspaces install the app from its link, in place of one bot token."""
        return bool(self.client_id)


def read_slack_secrets(environment: Mapping[str, str]) -> SlackSecrets:
    """Read the app's secrets. Raises SettingsError if a variable holds a secret of another kind."""
    secrets = SlackSecrets(
        bot_token=environment.get("SLACK_BOT_TOKEN", "").strip(),
        app_token=environment.get("SLACK_APP_TOKEN", "").strip(),
        signing_secret=environment.get("SLACK_SIGNING_SECRET", "").strip(),
        client_id=environment.get("SLACK_CLIENT_ID", "").strip(),
        client_secret=environment.get("SLACK_CLIENT_SECRET", "").strip(),
        token_keys=read_token_keys(environment),
    )
    _require_link_secrets(secrets)
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


def _require_link_secrets(secrets: SlackSecrets) -> None:
    """Raise SettingsError if the secrets of an install by a link are not complete, or beside other ones."""
    if bool(secrets.client_id) != bool(secrets.client_secret):
        missing = "SLACK_CLIENT_SECRET" if secrets.client_id else "SLACK_CLIENT_ID"
        raise SettingsError(
            f"{missing} is not set: an install by a link needs both SLACK_CLIENT_ID and SLACK_CLIENT_SECRET, "
            "which the app's page shows under Basic Information, App Credentials."
        )
    if not secrets.client_id:
        return
    if secrets.bot_token or secrets.app_token:
        extra = "SLACK_BOT_TOKEN" if secrets.bot_token else "SLACK_APP_TOKEN"
        raise SettingsError(
            f"{extra} is for a single workspace, and SLACK_CLIENT_ID for an install by a link: unset one of "
            "them. A workspace that had a token installs the app from the link, and keeps its digests."
        )
    if not secrets.token_keys:
        raise SettingsError(
            f"SLACK_CLIENT_ID is set, but {TOKEN_KEYS_VARIABLE} is not, which encrypts the workspaces' "
            "tokens: “paperround keys new” prints a key for it."
        )


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
