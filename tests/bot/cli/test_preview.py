"""`paperround preview`: the digest that would be posted to one channel on one day."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bot.cli.demo import read_sample_papers
from bot.cli.preview import PreviewRequest, preview_digest, to_payload_json
from bot.platforms.registry import find_settings_models
from bot.services import Services, build_services, list_configured_subscriptions
from bot.web.preview_page import render_digest_page
from config.load import load_settings
from config.settings import DigestSettings, Settings, StoreSettings, SubscriptionSettings
from digests.errors import InputError
from digests.model import Digest
from digests.ports.outbox import PlannedPage
from digests.subscription import DigestStyle
from tests.bot.golden_cases import GOLDEN_CASES
from tests.builders import NOW, TODAY, a_paper, a_review
from tests.outbox import save_plan

DAY = timedelta(days=1)


def build_test_services(folder: Path, *channels: dict[str, Any]) -> Services:
    settings = Settings(
        store=StoreSettings(url=f"sqlite:///{folder / 'p.db'}"),
        subscriptions=tuple(SubscriptionSettings(**channel) for channel in channels),
    )
    services = build_services(settings, Console(), clock=lambda: NOW)
    for days in (2, 1, 0):
        papers = [
            (a_paper(f"240{days + 1}.0000{n}", primary_category="cs.CV"), a_review(9 - n)) for n in range(3)
        ]
        services.store.library.add(papers, now=NOW - days * DAY)
    return services


def list_picked_ids(digest: Digest) -> list[str]:
    return [pick.scored_paper.paper.id for pick in digest.picks]


def test_a_preview_without_settings_uses_default_preferences(tmp_path: Path) -> None:
    digest = preview_digest(PreviewRequest(), build_test_services(tmp_path))
    assert (digest.edition, digest.considered, len(digest.picks)) == (TODAY, 9, 5)


def test_a_preview_takes_the_first_channel_of_the_platform_unless_another_is_named(tmp_path: Path) -> None:
    services = build_test_services(
        tmp_path,
        {"platform": "console", "channel": "one", "top": 1},
        {"platform": "slack", "channel": "two", "top": 2},
        {"platform": "slack", "channel": "three", "top": 3},
    )
    requests = {
        "console": PreviewRequest("console"),
        "slack": PreviewRequest("slack"),
        "discord": PreviewRequest("discord"),
        "named": PreviewRequest("slack", channel="three"),
    }
    found = {name: preview_digest(request, services).channel.channel for name, request in requests.items()}
    assert found == {"console": "one", "slack": "two", "discord": "one", "named": "three"}
    with pytest.raises(InputError, match="one, two, three"):
        preview_digest(PreviewRequest(channel="four"), services)


def test_preview_options_override_the_channels_preferences(tmp_path: Path) -> None:
    services = build_test_services(
        tmp_path, {"platform": "console", "channel": "one", "domains": ["language"]}
    )
    assert preview_digest(PreviewRequest(), services).picks == ()
    digest = preview_digest(PreviewRequest(style=DigestStyle.COMPACT, top=2, domain="vision"), services)
    assert (len(digest.picks), digest.preferences.style) == (2, DigestStyle.COMPACT)


def test_a_preview_of_a_past_day_ends_with_that_day(tmp_path: Path) -> None:
    services = build_test_services(tmp_path)
    yesterday = preview_digest(PreviewRequest(day=TODAY - DAY), services)
    assert all(paper.startswith(("2402", "2403")) for paper in list_picked_ids(yesterday))
    assert preview_digest(PreviewRequest(day=TODAY - 9 * DAY), services).picks == ()


def test_a_preview_leaves_out_papers_the_channel_was_shown(tmp_path: Path) -> None:
    services = build_test_services(tmp_path, {"platform": "console", "channel": "one", "top": 2})
    services.store.subscriptions.sync_from_settings(
        list_configured_subscriptions(services.settings), now=NOW - DAY
    )
    (subscription,) = services.store.subscriptions.list_active()
    first = list_picked_ids(preview_digest(PreviewRequest(), services))
    claim = services.store.outbox.claim(subscription, TODAY - DAY, owner="a", now=NOW, lease=DAY)
    assert claim
    page = PlannedPage(0, "k", {}, tuple(first), in_thread=False)
    save_plan(services.store, claim, [page], watermark=0)
    assert not set(first) & set(list_picked_ids(preview_digest(PreviewRequest(), services)))


def test_a_wish_for_vision_is_answered_by_its_best_scored_papers(tmp_path: Path) -> None:
    settings = Settings(
        store=StoreSettings(url=f"sqlite:///{tmp_path / 'p.db'}"), digest=DigestSettings(max_age_days=0)
    )
    services = build_services(settings, Console(), clock=lambda: NOW)
    papers = [scored for _, scored in read_sample_papers(NOW)]
    services.store.library.add(papers, now=NOW)
    digest = preview_digest(PreviewRequest(domain="vision", top=3, style=DigestStyle.COMPACT), services)
    vision = ("cs.CV", "eess.IV", "cs.GR")
    best = sorted(
        (review.score for paper, review in papers if review.score and set(vision) & set(paper.categories)),
        reverse=True,
    )
    assert [pick.scored_paper.review.score for pick in digest.picks] == best[:3] == [9.2, 9.1, 9.0]
    assert all(pick.scored_paper.paper.primary_category in vision for pick in digest.picks)


def test_a_preview_shows_quotes_only_if_the_settings_do(tmp_path: Path) -> None:
    digest = GOLDEN_CASES["quoted"]()
    for shows in (True, False):
        platforms = f"[platforms.slack]\nquotes_in_cards = {str(shows).lower()}\n"
        (tmp_path / "paperround.toml").write_text(platforms)
        settings = load_settings(tmp_path / "paperround.toml", {}, find_settings_models())
        assert ("container" in to_payload_json(digest, "slack", settings)) is shows
        assert ("<details>" in render_digest_page(digest, settings)) is shows
