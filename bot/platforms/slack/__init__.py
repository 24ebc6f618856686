"""The Slack platform's entry in the registry.

Slack's libraries, and the models of the settings, are imported only when a function needs them.
"""

from typing import TYPE_CHECKING

from bot.platforms.registry import AllowList, CommandPolicy, Environment, PlatformSpec, require_extra

if TYPE_CHECKING:
    from bot.delivery.context import DeliveryContext
    from bot.delivery.rate_limit import RateLimits
    from bot.platforms.app import ChatApp
    from bot.platforms.preview import PagePreview
    from bot.platforms.registry import Renderer
    from bot.platforms.slack.settings import SlackSettings
    from config.settings import Settings

HTTP_HOST_VARIABLE = "PAPERROUND_HTTP_HOST"
"""Address that http listens on if the settings name none. Our container sets it."""

MAIN_SECRET = "SLACK_BOT_TOKEN"  # noqa: S105 (a variable's name, no secret)

MESSAGES_PER_SECOND_PER_CHANNEL = 1.0
"""Slack's limit for chat.postMessage."""
MESSAGES_PER_SECOND_PER_WORKSPACE = 5.0
"""Slack allows several hundred messages a minute in a workspace."""
HISTORY_REQUESTS_PER_MINUTE = 40
"""Of the 50 or more that Slack allows in a workspace. An app that is distributed outside of its Marketplace
may make one (https://docs.slack.dev/apis/web-api/rate-limits)."""


MAX_ID_CHARACTERS = 30
"""Longest id of a workspace that is taken. Slack's have eleven characters, and it promises no length."""


def _load_settings_model() -> "type[SlackSettings]":
    from bot.platforms.slack.settings import SlackSettings

    return SlackSettings


def _load_renderer(settings: "Settings") -> "Renderer":
    from bot.platforms.slack.render import omit_quotes, render

    if settings.get_platform(_load_settings_model()).quotes_in_cards:
        return render
    return lambda message, style: render(omit_quotes(message), style)


def _load_preview() -> "PagePreview":
    from bot.platforms.slack.preview import PREVIEW

    return PREVIEW


def _build_app(
    settings: "Settings", environment: Environment, context: "DeliveryContext"
) -> "ChatApp | None":
    """Build the app, or return None without a bot token and without the secrets of an install by a link.

    Raises SettingsError for a secret of the wrong kind, and InputError if no transport is set up or the
    libraries are not installed.
    """
    from bot.platforms.slack.settings import read_slack_secrets

    secrets, slack = read_slack_secrets(environment), settings.get_platform(_load_settings_model())
    if (
        host := environment.get(HTTP_HOST_VARIABLE, "").strip()
    ) and "http_host" not in slack.model_fields_set:
        slack = slack.model_copy(update={"http_host": host})
    if not secrets.bot_token and not secrets.is_installed_by_link:
        return None
    with require_extra("SLACK_CLIENT_ID" if secrets.is_installed_by_link else MAIN_SECRET, "slack"):
        from bot.platforms.slack.app import SlackApp, transport_of
    transport_of(slack, secrets)
    timeout = context.policy.timeout.total_seconds()
    return SlackApp(slack, secrets, timeout, context.clock, context.store)


def _load_rate_limits() -> "RateLimits":
    from bot.delivery.rate_limit import RateLimits

    return RateLimits(
        channel=MESSAGES_PER_SECOND_PER_CHANNEL,
        workspace=MESSAGES_PER_SECOND_PER_WORKSPACE,
        history=HISTORY_REQUESTS_PER_MINUTE,
    )


def _build_command_policy(settings: "Settings") -> CommandPolicy:
    slack = settings.get_platform(_load_settings_model())
    return CommandPolicy(
        paper_command=slack.paper_command,
        digest_command=slack.digest_command,
        anyone_may_change=slack.who_may_change == "anyone",
    )


def _is_installed_by_link(settings: "Settings") -> bool:
    return bool(settings.get_platform(_load_settings_model()).public_url)


def _is_workspace_id(text: str) -> bool:
    """Return True for the id of a workspace (T…) or an organization (E…)."""
    has_form = text.isascii() and text.isalnum() and text == text.upper()
    return has_form and text[0] in "TE" and 1 < len(text) <= MAX_ID_CHARACTERS


def _render_manifest(settings: "Settings", url: str) -> str:
    from bot.platforms.slack.manifest import render_manifest_yaml

    return render_manifest_yaml(settings.get_platform(_load_settings_model()), url)


SPEC = PlatformSpec(
    name="slack",
    title="Slack",
    load_settings_model=_load_settings_model,
    load_renderer=_load_renderer,
    load_preview=_load_preview,
    main_secret=MAIN_SECRET,
    secret_variables=(MAIN_SECRET, "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_CLIENT_SECRET"),
    secret_prefixes=("xoxb-", "xoxp-", "xoxe-", "xoxe.", "xapp-"),
    secret_paths=("hooks.slack.com/",),  # Whoever has a response_url can post with it for half an hour.
    required_secrets="SLACK_BOT_TOKEN, and SLACK_APP_TOKEN or SLACK_SIGNING_SECRET (for many workspaces "
    "SLACK_CLIENT_ID, SLACK_CLIENT_SECRET, SLACK_SIGNING_SECRET and PAPERROUND_TOKEN_KEYS)",
    set_up_hint="set it, with SLACK_APP_TOKEN or SLACK_SIGNING_SECRET (docs/slack.md)",
    build_app=_build_app,
    load_rate_limits=_load_rate_limits,
    build_command_policy=_build_command_policy,
    render_manifest=_render_manifest,
    allow_list=AllowList(lambda settings: (), _is_workspace_id, _is_installed_by_link),
    thread_field="thread_ts",
    noisy_loggers=("slack_sdk", "slack_bolt"),
)
