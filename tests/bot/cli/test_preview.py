"""Preview: exactly what would be posted, for the channel and the day that are asked about."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bot.cli.preview import PreviewRequest, preview_digest
from bot.services import Services, build_services, configured_subscriptions
from config.settings import Settings, SubscriptionSettings
from config.settings import StoreSettings as StoreSettings
from digests.errors import InputError
from digests.model import Digest
from digests.ports.outbox import PlannedPage
from digests.subscription import DigestStyle
from tests.builders import NOW, TODAY, a_paper, a_review
from tests.outbox import save_plan

DAY = timedelta(days=1)


def a_house(folder: Path, *channels: dict[str, Any]) -> Services:
    settings = Settings(
        store=StoreSettings(url=f"sqlite:///{folder / 'p.db'}"),
        subscriptions=tuple(SubscriptionSettings(**channel) for channel in channels),
    )
    house = build_services(settings, Console(), clock=lambda: NOW)
    for days in (2, 1, 0):
        papers = [
            (a_paper(f"240{days + 1}.0000{n}", primary_category="cs.CV"), a_review(9 - n)) for n in range(3)
        ]
        house.store.library.add(papers, now=NOW - days * DAY)
    return house


def picked(digest: Digest) -> list[str]:
    return [pick.scored_paper.paper.id for pick in digest.picks]


def test_a_preview_without_settings_uses_default_preferences(tmp_path: Path) -> None:
    digest = preview_digest(PreviewRequest(), a_house(tmp_path))
    assert (digest.edition, digest.considered, len(digest.picks)) == (TODAY, 9, 5)


def test_the_first_channel_of_the_platform_is_meant_unless_another_is_named(tmp_path: Path) -> None:
    house = a_house(
        tmp_path,
        {"platform": "console", "channel": "one", "top": 1},
        {"platform": "slack", "channel": "two", "top": 2},
        {"platform": "slack", "channel": "three", "top": 3},
    )
    asked = {
        "console": PreviewRequest("console"),
        "slack": PreviewRequest("slack"),
        "discord": PreviewRequest("discord"),
        "named": PreviewRequest("slack", channel="three"),
    }
    found = {name: preview_digest(one, house).channel.channel for name, one in asked.items()}
    assert found == {"console": "one", "slack": "two", "discord": "one", "named": "three"}
    with pytest.raises(InputError, match="one, two, three"):
        preview_digest(PreviewRequest(channel="four"), house)


def test_preview_options_override_the_channels_preferences(tmp_path: Path) -> None:
    house = a_house(tmp_path, {"platform": "console", "channel": "one", "domains": ["language"]})
    assert preview_digest(PreviewRequest(), house).picks == ()
    digest = preview_digest(PreviewRequest(style=DigestStyle.COMPACT, top=2, domain="vision"), house)
    assert (len(digest.picks), digest.preferences.style) == (2, DigestStyle.COMPACT)


def test_a_preview_of_a_past_day_ends_with_that_day(tmp_path: Path) -> None:
    house = a_house(tmp_path)
    yesterday = preview_digest(PreviewRequest(day=TODAY - DAY), house)
    assert all(paper.startswith(("2402", "2403")) for paper in picked(yesterday))
    assert preview_digest(PreviewRequest(day=TODAY - 9 * DAY), house).picks == ()


def test_a_preview_leaves_out_papers_the_channel_was_shown(tmp_path: Path) -> None:
    house = a_house(tmp_path, {"platform": "console", "channel": "one", "top": 2})
    house.store.subscriptions.sync_from_settings(configured_subscriptions(house.settings), now=NOW - DAY)
    (subscription,) = house.store.subscriptions.list_active()
    first = picked(preview_digest(PreviewRequest(), house))
    claim = house.store.outbox.claim(subscription, TODAY - DAY, owner="a", now=NOW, lease=DAY)
    assert claim
    page = PlannedPage(0, "k", {}, tuple(first), in_thread=False)
    save_plan(house.store, claim, [page], watermark=0)
    assert not set(first) & set(picked(preview_digest(PreviewRequest(), house)))
