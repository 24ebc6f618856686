"""Today's edition at once: of the channel that is meant, never twice, and what came of it in a sentence."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bot.chat.port import Outcome, PostError
from bot.cli.digest_now import post_todays_edition, preview_todays_edition
from bot.services import Services, build_services, configured_subscriptions
from config.settings import Settings, SubscriptionSettings
from config.settings import StoreSettings as StoreSettings
from digests.errors import InputError, PaperroundError
from digests.ports.outbox import DeliveryState
from digests.subscription import Channel
from tests.builders import NOW, TODAY, a_paper, a_review, a_subscription
from tests.fakes.platform import MemoryPlatform, PostedPages

EARLY = NOW - timedelta(hours=2)
NAME = "The edition of 2026-11-24 for console:here"


def a_house(
    folder: Path,
    *channels: dict[str, Any],
    now: datetime = NOW,
    before: Callable[[], None] = lambda: None,
) -> Services:
    """Three papers are known, and the console is a board; without channels there is `here`."""
    named = channels or ({"platform": "console", "channel": "here", "at": "09:00"},)
    settings = Settings(
        store=StoreSettings(url=f"sqlite:///{folder / 'p.db'}"),
        subscriptions=tuple(SubscriptionSettings(**channel) for channel in named),
    )
    house = build_services(settings, Console(quiet=True), clock=lambda: now)
    house.store.library.add([(a_paper(f"2401.0000{n}"), a_review(9 - n)) for n in range(3)], now=EARLY)
    platforms = {"console": MemoryPlatform(PostedPages(), before_post=before)}
    return replace(house, delivery_context=replace(house.delivery_context, platforms=platforms))


def post(house: Services, channel: str = "here") -> str:
    return asyncio.run(post_todays_edition(channel, house, {}))


def away() -> None:
    raise PostError("Slack is away.", Outcome.NOT_POSTED)


def test_an_ambiguous_channel_is_refused_and_its_full_name_is_not(tmp_path: Path) -> None:
    two = [{"platform": "console", "workspace": place, "channel": "vision"} for place in ("T1", "T2")]
    house = a_house(tmp_path, *two)
    both = "There are 2 channels 'vision': console:T1:vision, console:T2:vision. Give the full name of one."
    for _ in range(2):
        with pytest.raises(InputError) as refused:
            preview_todays_edition("vision", house)
        assert str(refused.value) == both
        with pytest.raises(InputError, match="There are 2 channels"):
            post(house, "vision")
        assert house.store.delivery_reports.channel_statuses() == []
    assert "posted, in 4 messages" in post(house, "console:T2:vision")
    with pytest.raises(InputError, match="There are 2 channels"):
        post(house, "vision")
    assert preview_todays_edition("console:T1:vision", house)[0].startswith(
        "The edition of 2026-11-24 for console:T1:vision"
    )


def test_a_channel_of_the_settings_without_its_workspace_is_the_one_in_the_store(tmp_path: Path) -> None:
    house = a_house(tmp_path)
    known = replace(a_subscription("here"), channel=Channel("console", "here", "T1"))
    house.store.subscriptions.change(known.channel, known, by="U1", now=EARLY)
    assert (
        preview_todays_edition("here", house)[0] == "The edition of 2026-11-24 for console:T1:here would be:"
    )


def test_a_dry_run_after_posting_says_that_nothing_would_be_sent(tmp_path: Path) -> None:
    house = a_house(tmp_path)
    said, digest = preview_todays_edition("here", house)
    assert (said, digest is not None and len(digest.picks)) == (f"{NAME} would be:", 3)
    post(house)
    assert preview_todays_edition("here", house) == (
        f"{NAME} was posted before; nothing would be sent.",
        None,
    )


def test_an_edition_posted_early_is_next_due_tomorrow(tmp_path: Path) -> None:
    house = a_house(tmp_path, now=EARLY)
    post(house)
    (stands,) = house.store.delivery_reports.channel_statuses()
    assert (stands.edition, stands.state) == (TODAY, DeliveryState.POSTED)
    assert (stands.next_edition, stands.next_due_at) == (TODAY + timedelta(days=1), NOW + timedelta(days=1))
    assert "was posted before" in post(house)
    assert house.store.delivery_reports.channel_statuses() == [stands]


def test_an_unposted_edition_says_whether_a_running_bot_retries_it(tmp_path: Path) -> None:
    house = a_house(tmp_path, before=away)
    with pytest.raises(PaperroundError) as waits:
        post(house)
    assert str(waits.value) == f"{NAME} is not posted yet; “paperround run” tries again: Slack is away."


@pytest.mark.parametrize("state", ["paused by U1", "stopped"])
def test_a_paused_channel_is_not_said_to_be_retried(tmp_path: Path, state: str) -> None:
    house = a_house(tmp_path, before=away)
    house.store.subscriptions.sync_from_settings(configured_subscriptions(house.settings), now=EARLY)
    (one,) = house.store.subscriptions.list_active()
    if state == "stopped":
        one = replace(one, channel=Channel("console", "there"))
        house.store.subscriptions.change(one.channel, one, by="U1", now=EARLY)
        house.store.subscriptions.stop(one.channel, "It is archived.")
    else:
        house.store.subscriptions.change(one.channel, replace(one, paused_by="U1"), by="U1", now=EARLY)
    with pytest.raises(PaperroundError, match=f"does not try again, since the channel is {state}"):
        post(house, one.channel.channel)
