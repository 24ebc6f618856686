"""The app's manifest: what Slack's limits allow, what the settings say, and what lies in config/."""

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bot.conversation.answers import Answers
from bot.platforms.slack.client import SlackPlatform
from bot.platforms.slack.listeners import SlackListeners
from bot.platforms.slack.manifest import build_manifest, render_manifest_yaml, scopes_of
from bot.platforms.slack.session import open_session
from bot.platforms.slack.settings import SlackSettings
from bot.platforms.slack.workspaces import SlackWorkspaces
from digests.build import DigestPolicy
from digests.store import open_store
from tests.builders import find_nothing
from tests.fakes.slack import FakeSlack

WRITTEN = Path(__file__).parents[4] / "config" / "slack-manifest.yaml"
URL = "https://papers.example/slack/events"
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def test_the_file_in_config_is_the_output_of_the_command() -> None:
    assert WRITTEN.read_text(encoding="utf-8") == render_manifest_yaml(SlackSettings())


def test_every_length_is_within_slacks_limits() -> None:
    manifest = build_manifest(SlackSettings(digest_command="/" + "d" * 31), URL)
    about, features = manifest["display_information"], manifest["features"]
    assert len(about["name"]) <= 35
    assert len(about["description"]) <= 140
    assert 174 <= len(about["long_description"]) <= 4000
    assert re.fullmatch("[a-z0-9._-]{1,80}", features["bot_user"]["display_name"])
    assert len(features["shortcuts"]) <= 10
    assert all(len(command["command"]) <= 32 for command in features["slash_commands"])
    assert all(len(command["usage_hint"]) <= 1000 for command in features["slash_commands"])
    assert len(manifest["settings"]["event_subscriptions"]["bot_events"]) <= 100


def test_socket_mode_needs_no_address_and_http_has_it_in_four_places() -> None:
    assert '_url":' not in json.dumps(build_manifest(SlackSettings()))
    assert build_manifest(SlackSettings())["settings"]["socket_mode_enabled"] is True
    manifest = build_manifest(SlackSettings(), URL)
    assert manifest["settings"]["socket_mode_enabled"] is False
    assert manifest["settings"]["event_subscriptions"]["request_url"] == URL
    assert manifest["settings"]["interactivity"]["request_url"] == URL
    assert manifest["settings"]["interactivity"]["message_menu_options_url"] == URL
    assert {command["url"] for command in manifest["features"]["slash_commands"]} == {URL}


def test_names_and_rights_follow_the_settings() -> None:
    manifest = build_manifest(
        SlackSettings(paper_command="/lookup", digest_command="/daily", unfurl_arxiv=False)
    )
    assert [command["command"] for command in manifest["features"]["slash_commands"]] == ["/lookup", "/daily"]
    assert "unfurl_domains" not in manifest["features"]
    assert "link_shared" not in manifest["settings"]["event_subscriptions"]["bot_events"]
    assert not {"links:read", "links:write"} & set(manifest["oauth_config"]["scopes"]["bot"])


@dataclass
class Registered:
    """Registers listeners as Bolt's app does, and records their events."""

    handlers: dict[str, list[object]] = field(default_factory=lambda: defaultdict(list))

    def __getattr__(self, kind: str) -> Callable[[object], Callable[[object], None]]:
        def register(what: object) -> Callable[[object], None]:
            self.handlers[kind].append(what)
            return lambda listener: None

        return register


@pytest.mark.parametrize(
    "settings",
    [SlackSettings(), SlackSettings(paper_command="/lookup", digest_command="/daily", unfurl_arxiv=False)],
)
def test_the_manifest_and_the_listeners_name_the_same_events(settings: SlackSettings) -> None:
    app = Registered()
    answers = Answers(open_store("sqlite://"), find_nothing, DigestPolicy(), lambda: NOON)

    async def register() -> None:
        async with open_session(1) as session:
            platform = SlackPlatform(SlackWorkspaces("", settings, session, lambda: NOON))
            SlackListeners(answers, platform, settings, lambda: NOON).register_handlers(app)  # type: ignore[arg-type]

    asyncio.run(register())
    link = settings.model_copy(update={"public_url": "https://bot.example.org"})
    manifest = build_manifest(link, "https://bot.example.org/slack/events")
    events = manifest["settings"]["event_subscriptions"]["bot_events"]
    # Slack names the events of direct messages "message.im", and sends them as "message".
    announced = {*(event.partition(".")[0] for event in events), "link_shared"}
    assert {event for event in app.handlers["event"] if isinstance(event, str)} == announced
    assert app.handlers["command"] == [one["command"] for one in manifest["features"]["slash_commands"]]
    assert app.handlers["shortcut"] == [one["callback_id"] for one in manifest["features"]["shortcuts"]]


def test_an_app_for_many_workspaces_has_the_address_that_browsers_come_back_to() -> None:
    link = SlackSettings(public_url="https://bot.example.org/")
    manifest = build_manifest(link, "https://bot.example.org/slack/events")
    assert manifest["oauth_config"]["redirect_urls"] == ["https://bot.example.org/slack/oauth_redirect"]
    assert manifest["settings"]["org_deploy_enabled"]
    single = build_manifest(SlackSettings())
    assert "redirect_urls" not in single["oauth_config"]
    assert not single["settings"]["org_deploy_enabled"]


def test_the_rights_to_read_a_history_are_optional() -> None:
    scopes = build_manifest(SlackSettings())["oauth_config"]["scopes"]
    assert {"channels:history", "groups:history"} <= set(scopes["bot_optional"])
    assert set(scopes["bot_optional"]) <= set(scopes["bot"])


@pytest.mark.parametrize(
    "address", ["http://bot.example.org", "bot.example.org", "https://bot.example.org/path", "https://"]
)
def test_a_public_address_that_browsers_could_not_use_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match="https://"):
        SlackSettings(public_url=address)


def test_every_scope_has_a_reason_and_no_scenario_needs_more() -> None:
    assert all(scopes_of(SlackSettings()).values())
    assert FakeSlack().scopes == set(scopes_of(SlackSettings()))  # It refuses what these do not allow.


def test_the_yaml_reads_back_as_the_manifest() -> None:
    for settings, url in ((SlackSettings(), ""), (SlackSettings(unfurl_arxiv=False), URL)):
        lines = [
            line for line in render_manifest_yaml(settings, url).splitlines() if not line.startswith("#")
        ]
        assert read_yaml(iter([*lines, ""]))[0] == build_manifest(settings, url)


def read_yaml(lines: Iterator[str], indent: int = 0, line: str | None = None) -> tuple[Any, str]:
    """Read mappings and lists by indent, with values as JSON. Returns the value and the next line."""
    found: Any = None
    line = next(lines) if line is None else line
    while line.startswith(" " * indent) and line.strip() and not line[indent:].startswith(" "):
        text = line.strip()
        if text.startswith("- "):
            found = found or []
            rest = text[2:]
            if re.match(r"\w+:", rest):
                item, line = read_yaml(lines, indent + 2, " " * (indent + 2) + rest)
            else:
                item, line = json.loads(rest), next(lines)
            found.append(item)
            continue
        found = found if found is not None else {}
        key, _, value = text.partition(":")
        if value:
            found[key], line = json.loads(value), next(lines)
        else:
            found[key], line = read_yaml(lines, indent + 2)
    return found, line
