"""`paperround digest --now`: one channel's edition of today, never twice, with its outcome in a sentence."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bot.chat.port import Outcome, PostError
from bot.cli.digest_now import post_todays_edition, preview_todays_edition
from bot.cli.preview import PreviewRequest, preview_digest
from bot.delivery.worker import deliver_due_editions
from bot.services import Services, build_answers, build_services, list_configured_subscriptions
from config.settings import Settings, StoreSettings, SubscriptionSettings
from digests.errors import InputError, PaperroundError
from digests.model import Likeness, Mark, MarkSource
from digests.ports.outbox import DeliveryState
from digests.subscription import Channel
from tests.builders import NOW, TODAY, a_paper, a_review, a_subscription
from tests.fakes.platform import MemoryPlatform, PostedPages

EARLY = NOW - timedelta(hours=2)
NAME = "The edition of 2026-11-24 for console:here"


def build_test_services(
    folder: Path,
    *channels: dict[str, Any],
    now: datetime = NOW,
    before: Callable[[], None] = lambda: None,
) -> Services:
    """Build services with three papers and an in-memory console. Without channels there is `here`."""
    entries = channels or ({"platform": "console", "channel": "here", "at": "09:00"},)
    settings = Settings(
        store=StoreSettings(url=f"sqlite:///{folder / 'p.db'}"),
        subscriptions=tuple(SubscriptionSettings(**channel) for channel in entries),
    )
    services = build_services(settings, Console(quiet=True), clock=lambda: now)
    services.store.library.add([(a_paper(f"2401.0000{n}"), a_review(9 - n)) for n in range(3)], now=EARLY)
    platforms = {"console": MemoryPlatform(PostedPages(), before_post=before)}
    return replace(services, delivery_context=replace(services.delivery_context, platforms=platforms))


def post_now(services: Services, channel: str = "here") -> str:
    return asyncio.run(post_todays_edition(channel, services, {}))


def raise_platform_away() -> None:
    raise PostError("Slack is away.", Outcome.NOT_POSTED)


def test_an_unknown_domain_of_the_settings_is_named_with_its_table(tmp_path: Path) -> None:
    good, bad = ({"platform": "console", "channel": each, "domains": [each]} for each in ("vision", "visoin"))
    with pytest.raises(InputError, match="subscriptions, number 2: Unknown domain 'visoin'"):
        build_test_services(tmp_path, good, bad)


def test_an_unknown_language_of_the_settings_is_named_with_its_table(tmp_path: Path) -> None:
    bad = {"platform": "console", "channel": "vision", "language": "klingon"}
    with pytest.raises(InputError, match="subscriptions, number 1: “klingon” is no language here: write en"):
        build_test_services(tmp_path, bad)


def test_an_ambiguous_channel_is_refused_and_its_full_name_is_not(tmp_path: Path) -> None:
    two = [{"platform": "console", "workspace": place, "channel": "vision"} for place in ("T1", "T2")]
    services = build_test_services(tmp_path, *two)
    both = "There are 2 channels 'vision': console:T1:vision, console:T2:vision. Give the full name of one."
    for _ in range(2):
        with pytest.raises(InputError) as refused:
            preview_todays_edition("vision", services)
        assert str(refused.value) == both
        with pytest.raises(InputError, match="There are 2 channels"):
            post_now(services, "vision")
        assert services.store.delivery_reports.channel_statuses() == []
    assert "posted, in 4 messages" in post_now(services, "console:T2:vision")
    with pytest.raises(InputError, match="There are 2 channels"):
        post_now(services, "vision")
    assert preview_todays_edition("console:T1:vision", services)[0].startswith(
        "The edition of 2026-11-24 for console:T1:vision"
    )


def test_a_channel_of_the_settings_without_a_workspace_matches_the_stored_channel(tmp_path: Path) -> None:
    services = build_test_services(tmp_path)
    known = replace(a_subscription("here"), channel=Channel("console", "here", "T1"))
    services.store.subscriptions.change(known.channel, known, by="U1", now=EARLY)
    assert (
        preview_todays_edition("here", services)[0]
        == "The edition of 2026-11-24 for console:T1:here would be:"
    )


def test_a_dry_run_after_posting_says_that_nothing_would_be_sent(tmp_path: Path) -> None:
    services = build_test_services(tmp_path)
    sentence, digest = preview_todays_edition("here", services)
    assert (sentence, digest is not None and len(digest.picks)) == (f"{NAME} would be:", 3)
    post_now(services)
    assert preview_todays_edition("here", services) == (
        f"{NAME} was posted before; nothing would be sent.",
        None,
    )


def test_an_edition_posted_early_is_next_due_tomorrow(tmp_path: Path) -> None:
    services = build_test_services(tmp_path, now=EARLY)
    post_now(services)
    (status,) = services.store.delivery_reports.channel_statuses()
    assert (status.edition, status.state) == (TODAY, DeliveryState.POSTED)
    assert (status.next_edition, status.next_due_at) == (TODAY + timedelta(days=1), NOW + timedelta(days=1))
    assert "was posted before" in post_now(services)
    assert services.store.delivery_reports.channel_statuses() == [status]


def test_an_unposted_edition_says_whether_a_running_bot_retries_it(tmp_path: Path) -> None:
    services = build_test_services(tmp_path, before=raise_platform_away)
    with pytest.raises(PaperroundError) as waits:
        post_now(services)
    assert str(waits.value) == f"{NAME} is not posted yet; “paperround run” tries again: Slack is away."


@pytest.mark.parametrize("state", ["paused by U1", "stopped"])
def test_a_paused_channel_is_not_said_to_be_retried(tmp_path: Path, state: str) -> None:
    services = build_test_services(tmp_path, before=raise_platform_away)
    services.store.subscriptions.sync_from_settings(
        list_configured_subscriptions(services.settings), now=EARLY
    )
    (subscription,) = services.store.subscriptions.list_active()
    if state == "stopped":
        subscription = replace(subscription, channel=Channel("console", "there"))
        services.store.subscriptions.change(subscription.channel, subscription, by="U1", now=EARLY)
        services.store.subscriptions.stop(subscription.channel, "It is archived.")
    else:
        services.store.subscriptions.change(
            subscription.channel, replace(subscription, paused_by="U1"), by="U1", now=EARLY
        )
    with pytest.raises(PaperroundError, match=f"does not try again, since the channel is {state}"):
        post_now(services, subscription.channel.channel)


TWO_DIGESTS = (
    {"platform": "console", "channel": "here", "at": "09:00", "top": 1},
    {"platform": "console", "channel": "here", "at": "09:00", "top": 2, "name": "Friday  Agents"},
)


def list_papers(services: Services) -> dict[str, list[str]]:
    """Return the papers of the newest edition of each digest, by the digest's full name."""
    reports = services.store.delivery_reports
    return {
        each.full_name: [
            paper for report in reports.history(each, 1) for page in report.pages for paper in page.papers
        ]
        for each in services.store.subscriptions.list_active()
    }


def test_a_digest_is_posted_by_its_name_and_the_others_leave_out_its_papers(tmp_path: Path) -> None:
    services = build_test_services(tmp_path, *TWO_DIGESTS)
    name = "console:here#friday agents"
    assert f"for {name} is posted" in post_now(services, "here#friday agents")
    assert "posted before; nothing was sent" in post_now(services, name)
    assert "for console:here is posted" in post_now(services)
    assert list_papers(services) == {"console:here": ["2401.00002"], name: ["2401.00000", "2401.00001"]}
    with pytest.raises(InputError, match="these do: console:here, console:here#friday agents"):
        post_now(services, "here#vision")


def test_digests_of_one_channel_that_are_due_at_once_show_no_paper_twice(tmp_path: Path) -> None:
    services = build_test_services(tmp_path, *TWO_DIGESTS)
    configured = list_configured_subscriptions(services.settings)
    services.store.subscriptions.sync_from_settings(configured, now=EARLY)
    asyncio.run(deliver_due_editions(services.delivery_context))
    shown = list_papers(services)
    assert {name: len(papers) for name, papers in shown.items()} == {
        "console:here": 1,
        "console:here#friday agents": 2,
    }
    assert sorted(paper for papers in shown.values() for paper in papers) == [
        f"2401.0000{number}" for number in range(3)
    ]


def test_a_dry_run_a_preview_and_today_have_the_likeness_of_the_post(tmp_path: Path) -> None:
    services = build_test_services(tmp_path)
    (subscription,) = list_configured_subscriptions(services.settings)
    marked = Mark(subscription.channel, "", "2402.01306", "U1", MarkSource.BUTTON, NOW)
    services.store.marks.set_mark(marked, True)

    def find_likeness(marked: Sequence[str], after_seq: int) -> Mapping[str, Likeness]:
        likeness = Likeness("2402.01306", "KTO", 0.5)
        return {paper.id: likeness for paper in services.store.library.candidates(0, 10**6, with_text=False)}

    context = replace(services.delivery_context, find_likeness=find_likeness)
    services = replace(services, delivery_context=context)
    _, dry_run = preview_todays_edition("here", services)
    assert dry_run
    preview = preview_digest(PreviewRequest(channel="here"), services)
    today = build_answers(services, "console").subscriptions.show_today(subscription.channel).message
    reasons = [[pick.reason for pick in digest.picks] for digest in (dry_run, preview)]
    reasons.append([card.reason for card in today.cards])
    assert all("like “KTO”, which you marked" in reason for each in reasons for reason in each)
    assert len(reasons[0]) == len(reasons[1]) == len(reasons[2]) > 0
