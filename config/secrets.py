"""The secrets of the platforms and of the reviewer, out of the environment and nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from config.settings import SettingsError


@dataclass(frozen=True, slots=True)
class SlackSecrets:
    """What proves that the app is the app. Empty where the environment has none; never shown."""

    bot_token: str = field(default="", repr=False)
    app_token: str = field(default="", repr=False)
    signing_secret: str = field(default="", repr=False)


def read_slack_secrets(environment: Mapping[str, str]) -> SlackSecrets:
    """The three of Slack. Raises SettingsError for a token that stands where another kind belongs."""
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
            "SLACK_SIGNING_SECRET holds a token; set it to the Signing Secret, which the app's page shows under "
            "Basic Information, App Credentials."
        )
    return secrets


def _require_token_kind(variable: str, token: str, prefix: str, name: str, place: str) -> None:
    """Every kind of Slack token begins with its own letters; what it is instead is told without showing it."""
    if not token or token.startswith(prefix):
        return
    kinds = {"xoxb-": "a bot token", "xapp-": "an app-level token", "xoxp-": "a user token"}
    kind = next((kind for letters, kind in kinds.items() if token.startswith(letters)), "something else")
    raise SettingsError(
        f"{variable} holds {kind}; set it to {name}, which begins with {prefix} and stands on the app's page under {place}."
    )


def read_reviewer_key(environment: Mapping[str, str]) -> str:
    """The key of the reviewer's server, or nothing: a server of one's own asks for none."""
    key = environment.get("PAPERROUND_REVIEWER_KEY", "").strip()
    if any(sign.isspace() for sign in key) or not key.isascii():
        raise SettingsError("PAPERROUND_REVIEWER_KEY holds more than a key; set it to the key alone.")
    return key


def read_discord_token(environment: Mapping[str, str]) -> str:
    """The bot's token, or nothing. Raises SettingsError for what cannot be one; it is never shown."""
    token = environment.get("DISCORD_TOKEN", "").strip().removeprefix("Bot ").strip()
    if token and (any(sign.isspace() for sign in token) or not token.isascii()):
        raise SettingsError(
            "DISCORD_TOKEN holds more than a token; copy it anew from the application's page under Bot."
        )
    if token.isdigit() or token.startswith(("xoxb-", "xapp-")):
        raise SettingsError(
            "DISCORD_TOKEN holds an id or a token of another service; set it to the bot's token, which the "
            "application's page shows once under Bot, Reset Token."
        )
    return token
