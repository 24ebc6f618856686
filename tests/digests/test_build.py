"""Building a digest: the window of changes, and the reason of an empty digest."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest

from digests.build import DigestPolicy, build, build_unsent
from digests.model import (
    NOT_REVIEWED,
    REVIEWER,
    Digest,
    EmptyReason,
    Likeness,
    Mark,
    MarkSource,
    ReviewTexts,
    Trouble,
)
from digests.ports import Store
from digests.ports.outbox import PlannedPage
from digests.subscription import Channel, Schedule, Subscription
from digests.translation import digest_texts, list_texts
from tests.builders import NOW, TODAY, a_paper, a_review, a_store, a_subscription, save_subscription
from tests.outbox import save_plan

pytestmark = pytest.mark.usefixtures("over_both")

DAY = timedelta(days=1)
POLICY = DigestPolicy(first_lookback=timedelta(days=2), stale_after=timedelta(days=3))


def build_digest(store: Store, subscription: Subscription, now: timedelta = timedelta()) -> Digest:
    return build(subscription, (NOW + now).date(), store=store, policy=POLICY, now=NOW + now)


def import_papers(store: Store, *names: str, now: timedelta = timedelta(), score: float = 7.0) -> None:
    store.library.add([(a_paper(name), a_review(score)) for name in names], now=NOW + now)
    store.sources.record_import(now=NOW + now)


def deliver_digest(store: Store, subscription: Subscription, now: timedelta = timedelta()) -> list[str]:
    """Build an edition's digest, save its plan in the outbox, and return the ids of its papers."""
    digest = build_digest(store, subscription, now)
    claim = store.outbox.claim(subscription, digest.edition, owner="a", now=NOW + now, lease=DAY)
    assert claim
    papers = tuple(pick.scored_paper.paper.id for pick in digest.picks)
    claim = save_plan(
        store, claim, [PlannedPage(0, "k", {}, papers, in_thread=False)], watermark=digest.watermark
    )
    store.outbox.finish(claim)
    return list(papers)


def test_papers_known_since_the_last_edition_are_new_whatever_their_date() -> None:
    store = a_store()
    subscription = save_subscription(store, a_subscription())
    import_papers(store, "2401.00001")
    assert deliver_digest(store, subscription) == ["2401.00001"]
    import_papers(store, "2401.00002", now=DAY / 2)
    assert deliver_digest(store, subscription, DAY) == ["2401.00002"]
    assert deliver_digest(store, subscription, 2 * DAY) == []


def test_a_first_edition_looks_back_by_the_first_lookback() -> None:
    store = a_store()
    import_papers(store, "2401.00001", now=-5 * DAY)
    import_papers(store, "2401.00002", now=-DAY)
    assert deliver_digest(store, save_subscription(store, a_subscription())) == ["2401.00002"]


def test_the_papers_of_an_abandoned_first_edition_are_considered_again() -> None:
    store = a_store()
    import_papers(store, "2401.00001", now=-5 * DAY)
    import_papers(store, "2401.00002", now=-DAY)
    subscription = save_subscription(store, a_subscription())
    claim = store.outbox.claim(subscription, NOW.date(), owner="a", now=NOW, lease=DAY)
    assert claim
    store.outbox.abandon(claim, "the channel is full", now=NOW)
    assert deliver_digest(store, subscription, 4 * DAY) == ["2401.00002"]


def test_a_paper_with_a_new_review_is_considered_again_and_never_shown_twice() -> None:
    store = a_store()
    subscription = save_subscription(store, a_subscription(top=1))
    import_papers(store, "2401.00001", score=9.0)
    import_papers(store, "2401.00002", score=5.0)
    assert deliver_digest(store, subscription) == ["2401.00001"]
    for name in ("2401.00001", "2401.00002"):
        store.library.add([(a_paper(name, version=2), a_review(9.5))], now=NOW + DAY / 2)
    assert deliver_digest(store, subscription, DAY) == ["2401.00002"]


def test_two_channels_are_independent() -> None:
    store = a_store()
    import_papers(store, "2401.00001")
    store.subscriptions.sync_from_settings([a_subscription("one"), a_subscription("other")], now=NOW)
    one, other = store.subscriptions.list_active()
    assert deliver_digest(store, one) == deliver_digest(store, other) == ["2401.00001"]


def test_empty_reasons_are_distinguished() -> None:
    store = a_store()
    subscription = a_subscription()
    assert build_digest(store, subscription).empty_reason is EmptyReason.NO_PAPERS
    import_papers(store, "2401.00001")
    demanding = replace(subscription, preferences=replace(subscription.preferences, min_score=9.0))
    assert build_digest(store, demanding).empty_reason is EmptyReason.UNDER_THRESHOLD
    elsewhere = replace(subscription, preferences=replace(subscription.preferences, domains=("audio",)))
    assert build_digest(store, elsewhere).empty_reason is EmptyReason.NO_MATCH
    assert build_digest(store, subscription).empty_reason is None
    store.sources.record_import(now=NOW + 5 * DAY)
    assert build_digest(store, subscription, 6 * DAY).empty_reason is EmptyReason.QUIET_DAY
    assert build_digest(store, subscription, 9 * DAY).empty_reason is EmptyReason.STALE


def test_muted_words_are_searched_for_without_keywords_too() -> None:
    store = a_store()
    store.library.add([(a_paper(abstract="A study of zebras."), a_review())], now=NOW)
    store.sources.record_import(now=NOW)
    assert build_digest(store, a_subscription(muted=("lions",))).empty_reason is None
    assert build_digest(store, a_subscription(muted=("zebras",))).empty_reason is EmptyReason.NO_MATCH


def test_a_digest_has_its_edition_and_its_channel() -> None:
    digest = build_digest(a_store(), a_subscription("here"))
    assert (digest.edition, digest.channel.channel) == (TODAY, "here")


@pytest.mark.parametrize(
    ("trouble", "subject", "waiting", "expected"),
    [
        (Trouble.OUTAGE, "arxiv", 0, EmptyReason.OUTAGE),
        (Trouble.STALE, "arxiv", 0, EmptyReason.STALE),
        (Trouble.REVIEWER_DOWN, REVIEWER, 3, EmptyReason.REVIEWER_DOWN),
        (Trouble.BUDGET_SPENT, REVIEWER, 3, EmptyReason.BUDGET_SPENT),
        (Trouble.BUDGET_SPENT, REVIEWER, 0, EmptyReason.QUIET_DAY),
        (None, "arxiv", 0, EmptyReason.QUIET_DAY),
    ],
)
def test_a_trouble_is_the_reason_of_an_empty_digest(
    trouble: Trouble | None, subject: str, waiting: int, expected: EmptyReason
) -> None:
    store = a_store()
    import_papers(store)
    store.health.report(subject, trouble, waiting_count=waiting, now=NOW - DAY / 24)
    assert build_digest(store, a_subscription()).empty_reason is expected


def test_unscored_papers_under_a_minimum_score_are_blamed_on_a_reviewer_that_is_down() -> None:
    store = a_store()
    store.library.add([(a_paper(), NOT_REVIEWED)], now=NOW)
    store.sources.record_import(now=NOW)
    demanding = a_subscription(min_score=7.0)
    assert build_digest(store, demanding).empty_reason is EmptyReason.NO_MATCH
    store.health.report(REVIEWER, Trouble.REVIEWER_DOWN, waiting_count=1, now=NOW)
    assert build_digest(store, demanding).empty_reason is EmptyReason.REVIEWER_DOWN


def test_a_health_report_older_than_a_day_is_ignored() -> None:
    store = a_store()
    import_papers(store)
    store.health.report("arxiv", Trouble.OUTAGE, now=NOW - 2 * DAY)
    assert build_digest(store, a_subscription()).empty_reason is EmptyReason.QUIET_DAY


def test_an_announcement_gap_goes_before_a_stale_source_and_after_an_outage() -> None:
    store = a_store()
    saturday, daily = timedelta(days=4), a_subscription()
    daily = replace(daily, schedule=replace(daily.schedule, days=frozenset(range(7))))
    import_papers(store, now=timedelta(days=3))
    digest = build_digest(store, daily, saturday)
    assert (digest.empty_reason, digest.next_papers_edition) == (
        EmptyReason.NO_ANNOUNCEMENT,
        date(2026, 11, 30),
    )
    store.health.report("arxiv", Trouble.STALE, now=NOW + saturday)
    assert build_digest(store, daily, saturday).empty_reason is EmptyReason.NO_ANNOUNCEMENT
    store.health.report("arxiv", Trouble.OUTAGE, now=NOW + saturday)
    assert build_digest(store, daily, saturday).empty_reason is EmptyReason.OUTAGE
    store.health.report("arxiv", None, now=NOW + saturday)
    import_papers(store, "2401.00001", now=saturday)
    demanding = replace(daily, preferences=replace(daily.preferences, min_score=9.0))
    digest = build_digest(store, demanding, saturday)
    assert (digest.empty_reason, digest.announcement_gap) == (EmptyReason.UNDER_THRESHOLD, None)


def test_considered_and_scored_papers_are_counted() -> None:
    store = a_store()
    import_papers(store, "2401.00001")
    store.library.add([(a_paper("2401.00002"), NOT_REVIEWED)], now=NOW)
    digest = build_digest(store, a_subscription(top=1))
    assert (digest.considered, digest.scored, len(digest.picks)) == (2, 1, 1)


def test_a_trouble_starts_in_the_channels_time_zone() -> None:
    store = a_store()
    store.health.report("arxiv", Trouble.OUTAGE, now=NOW - DAY / 24)
    berlin = replace(a_subscription(), schedule=Schedule(time_zone="Europe/Berlin"))
    assert f"{build_digest(store, berlin).troubles[0].since:%H:%M}" == "09:00"


def test_a_digest_without_any_score_or_rank_says_that_it_is_no_ranking() -> None:
    store = a_store()
    store.library.add([(a_paper("2401.00001"), NOT_REVIEWED)], now=NOW)
    assert build_digest(store, a_subscription()).is_unscored
    assert not build_digest(store, a_subscription(domains=("audio",))).is_unscored
    store.library.add([(a_paper("2401.00002"), a_review(None, rank=3))], now=NOW)
    assert not build_digest(store, a_subscription()).is_unscored


def test_a_digest_that_is_not_delivered_asks_for_likeness_to_what_its_channel_marked() -> None:
    store = a_store()
    asked: list[tuple[str, ...]] = []
    store.library.add([(a_paper("2401.00001"), NOT_REVIEWED)], now=NOW)
    ours, other = a_subscription(), replace(a_subscription(), channel=Channel("slack", "C9", "T1"))
    store.marks.set_mark(Mark(ours.channel, "", "2402.01306", "UADA", MarkSource.BUTTON, NOW), True)

    def find_likeness(marked: Sequence[str], after_seq: int) -> Mapping[str, Likeness]:
        asked.append(tuple(marked))
        return {"2401.00001": Likeness("2402.01306", "KTO", 0.5)}

    reasons = [
        build_unsent(
            each, TODAY, store=store, policy=POLICY, now=NOW, find_likeness=find_likeness
        ).picks[0].reason
        for each in (ours, other)
    ]  # fmt: skip
    assert reasons == ["like “KTO”, which you marked", ""]
    assert asked == [("2402.01306",)]


def test_likeness_to_a_marked_paper_is_the_reason_of_a_pick() -> None:
    store = a_store()
    store.library.add([(a_paper("2401.00001"), NOT_REVIEWED)], now=NOW)
    likeness = {"2401.00001": Likeness("2402.01306", "KTO", 0.5)}
    digest = build(a_subscription(), TODAY, store=store, policy=POLICY, now=NOW, likeness=likeness)
    assert digest.picks[0].reason == "like “KTO”, which you marked"


def test_a_digest_in_a_language_takes_the_translations_of_its_present_reviews() -> None:
    store = a_store()
    import_papers(store, "2401.00001", "2401.00002", "2401.00003")
    source = digest_texts(list_texts(a_review(7.0)))
    german = ReviewTexts("Es läuft.", ("Nur Englisch ist geprüft",))
    store.translations.save("2401.00001", "de", source, german, now=NOW)
    store.translations.save("2401.00002", "de", "of another review", german, now=NOW)
    store.translations.save("2401.00003", "de", source, ReviewTexts(""), now=NOW)

    def translations(language: str) -> dict[str, ReviewTexts | None]:
        digest = build_digest(store, a_subscription(language, language=language))
        return {pick.scored_paper.paper.id: pick.translation for pick in digest.picks}

    assert translations("de") == {"2401.00001": german, "2401.00002": None, "2401.00003": None}
    assert set(translations("fr").values()) == set(translations("").values()) == {None}
