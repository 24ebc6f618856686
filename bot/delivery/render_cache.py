"""Rendered digests, shared by the channels whose digests are equal."""

import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.chat.port import Page, Platform
from bot.present.digest import present_digest
from bot.present.empty import describe_remedy
from digests.build import DigestPolicy, build
from digests.empty import Lateness
from digests.feedback import MAX_OPINIONS, OPINION_AGE, Opinion, choose_seeds, summarize_opinions
from digests.model import REVIEWER, EmptyReason, Heartbeat, PostedState
from digests.ports import Store
from digests.ports.likeness import MARK_AGE, MAX_MARKED_PAPERS, LikenessFinder, find_no_likeness
from digests.ports.outbox import Claim
from digests.subscription import DigestStyle, Subscription
from digests.window import Window, compute_windows

MAX_CACHED_DIGESTS = 64
"""Digests in the cache. A page takes about 10 kB, and few sets of preferences are due in one minute."""


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """A claim whose digest is wanted, and the platform that renders it."""

    claim: Claim
    platform: Platform
    merge_missed: bool
    """True when the digest also covers the missed editions before it."""

    @property
    def lateness(self) -> Lateness:
        """Due time and first missed edition of the claim.

        There is no due time for a digest that was finished as empty and gets late papers.
        """
        due_at = None if self.claim.late_until else self.claim.due_at
        return Lateness(due_at, self.claim.first_missed, self.merge_missed)

    @property
    def is_follow_up(self) -> bool:
        """True when the channel was already sent a message that this digest is empty."""
        return bool(self.claim.late_until and self.claim.pages)


@dataclass(frozen=True, slots=True)
class RenderedDigest:
    """A digest as pages of its platform.

    `watermark` is the newest sequence number it considered. `empty_reason` is None for a digest with picks.
    `posted_states` gives, by paper id, the facts that it states. `may_get_scores` is True for one without any
    score, unless the reviewer is in trouble. `remedy` is a sentence for the operator. There are no pages when
    `empty_reason` is set and empty digests are not announced.
    """

    pages: tuple[Page, ...]
    watermark: int
    empty_reason: EmptyReason | None
    posted_states: Mapping[str, PostedState]
    may_get_scores: bool = False
    remedy: str = ""


@dataclass(slots=True)
class RenderCache:
    """Cache of rendered digests. Beyond `MAX_CACHED_DIGESTS` the least recently used one is dropped.

    The key holds everything that a digest depends on: platform, channel or direct message, name, preferences,
    schedule, edition, lateness, the flag of a follow-up, the channel's window with the papers it was shown,
    the papers that its people marked and what they say of papers, the newest change of any paper, and the
    minute, because the state of the sources is part of a digest.
    """

    _digests: OrderedDict[Hashable, RenderedDigest] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get_digests(
        self,
        requests: Sequence[RenderRequest],
        *,
        store: Store,
        policy: DigestPolicy,
        now: datetime,
        find_likeness: LikenessFinder = find_no_likeness,
    ) -> list[RenderedDigest]:
        """Return the digests of several claims, in their order, from the cache or newly rendered.

        Reads all their windows at once. Raises InputError if the preferences of one name an unknown domain,
        and StoreError; then no digest is returned. Blocks; safe to call from several threads.
        """
        # Read before the windows: a later change must change the key of the next request.
        last_change = store.library.latest_sequence()
        windows = compute_windows(
            [(request.claim.subscription, request.claim.edition, request.lateness) for request in requests],
            store=store,
            first_lookback=policy.first_lookback,
            now=now,
        )
        freshness = last_change, now.replace(second=0, microsecond=0)
        marked = store.marks.marked_papers(
            {request.claim.subscription.channel for request in requests},
            since=now - MARK_AGE,
            limit=MAX_MARKED_PAPERS,
        )
        opinions = store.feedback.list_opinions(
            {request.claim.subscription.channel for request in requests},
            since=now - OPINION_AGE,
            limit=MAX_OPINIONS,
        )
        # From here on nothing is read for each channel: ten thousand may be due in one minute.
        inputs = [
            _DigestInput(
                request,
                window,
                marked.get(request.claim.subscription.channel, ()),
                opinions.get(request.claim.subscription.channel, ()),
            )
            for request, window in zip(requests, windows, strict=True)
        ]
        return [self._get_or_render(each, freshness, store, policy, now, find_likeness) for each in inputs]

    def _get_or_render(
        self,
        digest_input: "_DigestInput",
        freshness: Hashable,
        store: Store,
        policy: DigestPolicy,
        now: datetime,
        find_likeness: LikenessFinder,
    ) -> RenderedDigest:
        request = digest_input.request
        subscription = request.claim.subscription
        key = (
            request.platform.name,
            subscription.name,
            subscription.preferences,
            _choose_style(subscription),
            subscription.channel.is_direct,
            subscription.schedule,
            request.claim.edition,
            request.lateness,
            request.is_follow_up,
            digest_input.window,
            digest_input.marked_papers,
            digest_input.opinions,
            freshness,
        )
        with self._lock:  # Concurrent requests with one key render once.
            rendered = self._digests.get(key)
            if rendered is None:
                rendered = self._digests[key] = _render_digest(
                    digest_input, store, policy, now, find_likeness
                )
            self._digests.move_to_end(key)
            while len(self._digests) > MAX_CACHED_DIGESTS:
                self._digests.popitem(last=False)
        return rendered


@dataclass(frozen=True, slots=True)
class _DigestInput:
    """A request with the window of its edition, and what people of its channel marked and say of papers."""

    request: RenderRequest
    window: Window
    marked_papers: tuple[str, ...]
    opinions: tuple[Opinion, ...]


def _render_digest(
    digest_input: _DigestInput,
    store: Store,
    policy: DigestPolicy,
    now: datetime,
    find_likeness: LikenessFinder,
) -> RenderedDigest:
    request, window = digest_input.request, digest_input.window
    subscription = request.claim.subscription
    feedback = summarize_opinions(digest_input.opinions, is_direct=subscription.channel.is_direct)
    seeds = choose_seeds(digest_input.marked_papers, feedback)
    # Build from the window in the key: another worker may have shown the channel more since.
    digest = build(
        subscription,
        request.claim.edition,
        store=store,
        policy=policy,
        now=now,
        lateness=request.lateness,
        window=window,
        likeness=find_likeness(seeds, window.after_seq) if seeds else None,
        feedback=feedback,
    )
    is_silent = digest.empty_reason and digest.heartbeat is Heartbeat.OFF
    message = present_digest(replace(digest, is_follow_up=request.is_follow_up))
    pages = () if is_silent else tuple(request.platform.render(message, _choose_style(subscription)))
    posted_states = {pick.scored_paper.paper.id: pick.scored_paper.posted_state for pick in digest.picks}
    is_reviewer_well = all(report.subject != REVIEWER for report in digest.troubles)
    may_get_scores = digest.is_unscored and is_reviewer_well
    return RenderedDigest(
        pages,
        digest.watermark,
        digest.empty_reason,
        posted_states,
        may_get_scores,
        describe_remedy(digest),
    )


def _choose_style(subscription: Subscription) -> DigestStyle:
    """Return the style of a digest. A direct message has no threads on every platform: one message it is."""
    style = subscription.preferences.style
    is_thread = style is DigestStyle.THREAD
    return DigestStyle.COMPACT if is_thread and subscription.channel.is_direct else style
