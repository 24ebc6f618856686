"""Build the digest of one subscription for one edition."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from digests.empty import (
    ON_TIME,
    Lateness,
    find_edition_gap,
    find_empty_reason,
    find_next_papers_edition,
    make_late_notice,
)
from digests.feedback import (
    MAX_OPINIONS,
    NO_FEEDBACK,
    OPINION_AGE,
    ChannelFeedback,
    choose_seeds,
    summarize_opinions,
)
from digests.model import Candidate, Digest, HealthReport, Heartbeat, Likeness, Pick, Selection
from digests.pick import PickPolicy, pick
from digests.ports import Store
from digests.ports.likeness import MARK_AGE, MAX_MARKED_PAPERS, LikenessFinder
from digests.subscription import Preferences, Subscription
from digests.translation import digest_texts, list_texts
from digests.window import Window, compute_windows

MAX_REPORT_AGE = timedelta(days=1)
"""Age from which a health report is ignored: its subject may have left the settings."""


@dataclass(frozen=True, slots=True)
class DigestPolicy:
    """Rules that hold for every channel's digest.

    `first_lookback` is the age of the oldest papers in a channel's first digest, counted from its due time.
    If no fetch succeeded for `stale_after`, although arXiv announced papers, an empty digest says that the
    sources are stale and not that the day is quiet. `heartbeat` is the setting for status messages.
    Without `has_sources`, papers are only imported, and no message speaks of sources.
    """

    pick_policy: PickPolicy = field(default_factory=PickPolicy)
    first_lookback: timedelta = timedelta(days=3)
    stale_after: timedelta = timedelta(days=3)
    heartbeat: Heartbeat = Heartbeat.QUIET_DAYS
    has_sources: bool = True


def build(
    subscription: Subscription,
    edition: date,
    *,
    store: Store,
    policy: DigestPolicy,
    now: datetime,
    lateness: Lateness = ON_TIME,
    window: Window | None = None,
    likeness: Mapping[str, Likeness] | None = None,
    feedback: ChannelFeedback = NO_FEEDBACK,
) -> Digest:
    """Build a channel's digest for one edition: its picks, or the reason why there are none.

    Reads the store and writes nothing. `lateness` decides the late notice and, without a `window`, the papers
    that are considered. Without a `window`, the one of this edition is computed first; with one, papers shown
    since it was computed are not noticed.

    `likeness` and `feedback` are the arguments of `pick`. Raises InputError for an unknown domain in the
    preferences, and StoreError.
    """
    if window is None:
        (window,) = compute_windows(
            [(subscription, edition, lateness)], store=store, first_lookback=policy.first_lookback, now=now
        )
    schedule, preferences = subscription.schedule, subscription.preferences
    candidates = _load_candidates(store, window, preferences)
    selection = pick(
        candidates, preferences, window.shown_papers, edition, policy.pick_policy, likeness, feedback
    )
    troubles = _load_troubles(store, schedule.time_zone, now)
    last_import = store.sources.last_import() if not selection.choices else None
    gap = find_edition_gap(schedule, edition, now) if not selection.considered else None
    return Digest(
        channel=subscription.channel,
        name=subscription.name,
        preferences=preferences,
        edition=edition,
        picks=_load_picks(selection, store, preferences.language),
        considered=selection.considered,
        left_out=selection.left_out,
        watermark=window.to_seq,
        empty_reason=find_empty_reason(selection, troubles, gap, last_import, now, policy.stale_after),
        last_import=last_import,
        scored=sum(candidate.score is not None for candidate in candidates),
        troubles=troubles,
        announcement_gap=gap,
        next_papers_edition=find_next_papers_edition(schedule, gap) if gap else None,
        heartbeat=policy.heartbeat,
        late_notice=make_late_notice(schedule, edition, lateness, window.skipped_count, now),
        after_seq=window.after_seq,
        max_age=policy.pick_policy.max_age,
        has_sources=policy.has_sources,
        effects=selection.effects,
    )


def build_unsent(
    subscription: Subscription,
    edition: date,
    *,
    store: Store,
    policy: DigestPolicy,
    now: datetime,
    find_likeness: LikenessFinder,
    window: Window | None = None,
) -> Digest:
    """Build a digest that is not delivered, in the order of one that is: with marks and feedback.

    The arguments and errors are those of `build`. Reads the store and writes nothing.
    """
    if window is None:
        (window,) = compute_windows(
            [(subscription, edition, ON_TIME)], store=store, first_lookback=policy.first_lookback, now=now
        )
    channel = subscription.channel
    marked = store.marks.marked_papers([channel], since=now - MARK_AGE, limit=MAX_MARKED_PAPERS)
    opinions = store.feedback.list_opinions([channel], since=now - OPINION_AGE, limit=MAX_OPINIONS)
    feedback = summarize_opinions(opinions.get(channel, ()), is_direct=channel.is_direct)
    seeds = choose_seeds(marked.get(channel, ()), feedback)
    return build(
        subscription,
        edition,
        store=store,
        policy=policy,
        now=now,
        window=window,
        likeness=find_likeness(seeds, window.after_seq) if seeds else None,
        feedback=feedback,
    )


def _load_candidates(store: Store, window: Window, preferences: Preferences) -> Sequence[Candidate]:
    with_text = bool(preferences.keywords or preferences.muted)  # Texts are most of the bytes.
    return store.library.candidates(
        window.after_seq, window.to_seq, with_text=with_text, with_authors=bool(preferences.authors)
    )


def _load_troubles(store: Store, time_zone: str, now: datetime) -> tuple[HealthReport, ...]:
    """Return the troubles reported within `MAX_REPORT_AGE`, with their start in the channel's time zone."""
    zone = ZoneInfo(time_zone)
    return tuple(
        replace(report, since=report.since.astimezone(zone))
        for report in store.health.troubles(now - MAX_REPORT_AGE)
    )


def _load_picks(selection: Selection, store: Store, language: str) -> tuple[Pick, ...]:
    """Return the picks. A translation that is not there, or not of the present review, is left out."""
    scored_papers = store.library.get([choice.id for choice in selection.choices])
    sources = {
        paper: digest_texts(list_texts(scored.review)) for paper, scored in scored_papers.items() if language
    }
    found = store.translations.find(language, sources) if language else {}
    translations = {paper: texts for paper, texts in found.items() if texts.tldr}
    return tuple(
        Pick(scored_papers[choice.id], choice.reason, translations.get(choice.id))
        for choice in selection.choices
    )
