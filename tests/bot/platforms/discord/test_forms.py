"""The form of five fields, the options of the command, tags, names of posts, and keys."""

import asyncio
from dataclasses import replace

import discord
import pytest

from bot.chat.message import ButtonAction
from bot.conversation.subscription_form import form_of
from bot.conversation.subscription_words import parse_subscribe_words
from bot.platforms.discord.forms import (
    FORM_ID_PREFIX,
    build_modal,
    command_text_of_options,
    command_text_of_values,
    read_modal,
    values_of,
)
from bot.platforms.discord.marker import embed_key, key_of
from bot.platforms.discord.tags import tags_for, title_of
from digests.subscription import Channel, DigestStyle, Preferences, Schedule, Subscription
from tests.fakes.discord_payloads import faults_of_modal

CHANNEL = Channel("discord", "1", "2")
FULL = Subscription(
    CHANNEL,
    Preferences(("vision", "cs.CL"), ("reward at top", "on"), ("audio",), 7, 7.5, DigestStyle.THREAD),
    Schedule(days=frozenset({0, 3}), time_zone="Europe/Berlin"),
)


@pytest.mark.parametrize(
    "one", [FULL, Subscription(CHANNEL), Subscription(CHANNEL, Preferences(keywords=("a",)))]
)
def test_an_unchanged_form_changes_nothing(one: Subscription) -> None:
    for base in (one, FULL):
        again = parse_subscribe_words(command_text_of_values(values_of(form_of(one))), base)
        assert (again.preferences, again.schedule) == (one.preferences, one.schedule)


def test_the_modal_is_within_discords_limits_and_names_its_channel() -> None:
    async def create_modal() -> discord.ui.Modal:
        return build_modal(values_of(form_of(FULL)) | {"domains": "x" * 5000}, "123")

    modal = asyncio.run(create_modal())
    shown = modal.to_dict()
    assert faults_of_modal(shown) == []
    assert modal.is_finished()
    assert shown["custom_id"] == f"{FORM_ID_PREFIX}123"
    boxes = [{"component": {"custom_id": "how", "value": "top 2"}}, {"component": {"custom_id": "muted"}}]
    assert read_modal({"custom_id": "form:9", "components": boxes}) == ("9", {"how": "top 2", "muted": ""})


def test_options_that_are_not_given_stay_unchanged() -> None:
    assert command_text_of_options() == ""
    changed = parse_subscribe_words(command_text_of_options(top=2), FULL)
    assert changed == replace(FULL, preferences=replace(FULL.preferences, top=2))
    quoted = parse_subscribe_words(command_text_of_options(keywords='say "no" at top, two; three'), FULL)
    assert quoted.preferences.keywords == ("say no at top", "two", "three")


def test_a_key_is_in_the_first_button_or_in_an_added_settings_button() -> None:
    bare = embed_key({"content": "x", "components": []}, "k" * 25)
    assert key_of(bare) == "k" * 25
    assert bare["components"][0]["components"][0]["custom_id"].startswith(f"{ButtonAction.SETTINGS}:")
    row = {"type": 1, "components": [{"custom_id": "discuss:cs/0112017"}, {"custom_id": "discuss:b"}]}
    both = embed_key({"components": [row]}, "key")
    assert [one["custom_id"] for one in both["components"][0]["components"]] == [
        "discuss:cs/0112017#key",
        "discuss:b",
    ]
    assert key_of({"components": [row]}) == ""
    assert key_of({}) == ""


def test_a_forum_post_has_the_title_of_its_paper_and_the_tags_of_its_domain() -> None:
    card = {
        "title": r"1. KTO: Model \*Alignment\* \[x\]" + "y" * 200,
        "description": r"-# **8.7/10** · Machine learning (cs.LG) · K. E.",
    }
    page = {"content": "", "embeds": [card]}
    assert title_of(page).startswith("1. KTO: Model *Alignment* [x]")
    assert len(title_of(page)) <= 100
    assert title_of({"content": "**Tuesday - 3 of 41**\nmore", "embeds": []}) == "Tuesday - 3 of 41"
    assert title_of({"content": "", "embeds": []}) == "Papers"
    tags = [
        {"id": "1", "name": "Vision"},
        {"id": "2", "name": "ML"},
        {"id": "3", "name": "cs.lg"},
        {"id": "4", "name": "LG", "moderated": True},
    ]
    assert tags_for(page, {"available_tags": tags}) == ["2", "3"]
    assert tags_for({"embeds": []}, {"available_tags": tags}) == []
    assert tags_for({"embeds": []}, {"available_tags": tags, "flags": 1 << 4}) == ["1"]
    assert tags_for(page, {"available_tags": [tags[1]] * 9}) == ["2"] * 5
