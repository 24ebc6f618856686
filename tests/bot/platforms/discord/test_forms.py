"""The parts of the form, the options of the command, tags, names of posts, and keys."""

import asyncio
from dataclasses import replace
from typing import Any

import discord
import pytest

from bot.chat.message import ButtonAction
from bot.conversation.subscription_form import SubscriptionForm, form_of
from bot.conversation.subscription_words import parse_subscribe_words
from bot.platforms.discord.forms import (
    FORM_ID_PREFIX,
    FORM_PARTS,
    FormTarget,
    add_form_buttons,
    build_modal,
    command_text_of_options,
    fill_in_fields,
    read_modal,
)
from bot.platforms.discord.marker import embed_key, key_of
from bot.platforms.discord.render import render
from bot.platforms.discord.tags import tags_for, title_of
from bot.present.wording import present_sentence
from digests.subscription import (
    MAX_NAME_CHARACTERS,
    Channel,
    DigestStyle,
    Preferences,
    Schedule,
    Subscription,
)
from tests.fakes.discord import fill_in_field
from tests.fakes.discord_payloads import faults_of_modal

CHANNEL = Channel("discord", "1", "2")
FULL = Subscription(
    CHANNEL,
    Preferences(("vision", "cs.CL"), ("reward at top", "on"), ("audio",), 7, 7.5, DigestStyle.THREAD),
    Schedule(days=frozenset({0, 3}), time_zone="Europe/Berlin"),
)


NAMED = replace(
    FULL,
    name="x" * MAX_NAME_CHARACTERS,
    preferences=replace(FULL.preferences, repeat=True),
    schedule=replace(FULL.schedule, every_weeks=2),
)
EMPTY_FORM = SubscriptionForm()
LONG_LIST = ", ".join(f"{number} {'x' * 95}" for number in range(15))
FORMS = [
    form_of(FULL),
    form_of(NAMED),
    form_of(Subscription(CHANNEL)),
    form_of(Subscription(CHANNEL, Preferences(("cs.CL", "vision", "nlp"), ("a",), min_score=8.25, top=33))),
    replace(form_of(FULL), domains=LONG_LIST, keywords=LONG_LIST, authors=LONG_LIST, muted=LONG_LIST),
]


def show_modal(part: str, form: SubscriptionForm) -> dict[str, Any]:
    async def create_modal() -> discord.ui.Modal:
        return build_modal(part, form, "123")

    modal = asyncio.run(create_modal())
    assert modal.is_finished()
    return dict(modal.to_dict())


@pytest.mark.parametrize("part", FORM_PARTS)
@pytest.mark.parametrize("form", FORMS)
def test_each_modal_is_within_discords_limits_and_names_its_part_and_channel(
    part: str, form: SubscriptionForm
) -> None:
    shown = show_modal(part, form)
    assert faults_of_modal(shown) == []
    assert shown["custom_id"] == f"{FORM_ID_PREFIX}{part}:123{':' if form.name else ''}{form.name}"
    assert form.name in shown["title"]


@pytest.mark.parametrize("form", FORMS)
def test_an_unchanged_form_changes_nothing(form: SubscriptionForm) -> None:
    for part in FORM_PARTS:
        modal = show_modal(part, form)
        filled = [
            {"type": 18, "component": fill_in_field(each["component"], {})} for each in modal["components"]
        ]
        read = read_modal({"custom_id": modal["custom_id"], "components": filled})
        assert read[:2] == (part, FormTarget("123", form.name))
        assert fill_in_fields(form, read[2]) == form


def test_the_buttons_of_a_form_survive_with_the_longest_name() -> None:
    target, name = FormTarget("1" * 20, "x" * MAX_NAME_CHARACTERS), "y" * MAX_NAME_CHARACTERS
    message = add_form_buttons(present_sentence("A digest."), target, can_save=True, others=["", name])
    (page,) = render(message, DigestStyle.COMPACT)
    ids = [button["custom_id"] for row in page.payload["components"] for button in row["components"]]
    assert ids == [
        *(f"form:{part}:{target}" for part in (*FORM_PARTS, "save")),
        f"settings:{target.channel}:",
        f"settings:{target.channel}:{name}",
    ]


def test_a_part_changes_its_own_fields_and_no_others() -> None:
    what = {"groups": ["robotics"], "categories": "cs.CL; math", "keywords": "", "authors": "", "muted": ""}
    changed = fill_in_fields(form_of(FULL), what)
    assert changed == replace(
        form_of(FULL), domains="robotics, cs.CL, math", keywords="", authors="", muted=""
    )
    when = {"at": "9am", "days": ["sat"], "time_zone": "Berlin", "every_weeks": "2", "style": "cards"}
    assert fill_in_fields(form_of(FULL), when) == replace(
        form_of(FULL), at="9am", days=("sat",), time_zone="Berlin", every_weeks="2", style="cards"
    )
    assert fill_in_fields(form_of(FULL), {"repeat": "yes"}) == replace(form_of(FULL), repeat="yes")
    assert fill_in_fields(form_of(FULL), {"name": "other"}) == form_of(FULL)
    assert fill_in_fields(form_of(FULL), {"min_score": ["none"]}).min_score == ""
    assert fill_in_fields(form_of(FULL), {"owner": "eve"}) == form_of(FULL)


@pytest.mark.parametrize("data", [{}, {"components": [{}]}, {"custom_id": "form:9", "components": None}])
def test_a_damaged_modal_has_no_part(data: dict[str, Any]) -> None:
    part, _, fields = read_modal(data)
    assert part not in FORM_PARTS
    assert fill_in_fields(EMPTY_FORM, fields) == EMPTY_FORM


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
