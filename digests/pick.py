"""Choice of a digest's papers, with a reason for each paper chosen or left out. Pure: no clock, no store."""

import heapq
import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, timedelta

from digests.authors import AuthorMatcher
from digests.domains import has_wanted_category, name_domain_in_sentence, resolve_domain
from digests.errors import InputError
from digests.feedback import NO_FEEDBACK, NO_NUDGE, ChannelFeedback, Nudge, compute_nudge
from digests.model import Candidate, Choice, FeedbackEffect, LeftOut, Likeness, Selection
from digests.subscription import MatchMode, Preferences, UnscoredPapers


@dataclass(frozen=True, slots=True)
class PickPolicy:
    """Rules that hold for every channel.

    `max_age` counts from a paper's publication date to the edition; None sets no limit, and a paper without a
    date is never too old. `may_pick_flagged` lets papers with flags be picked.

    Variety: `max_domain_share` is the largest share of a digest, rounded up, from one primary category that
    nobody asked for, while papers of other categories are nearly as good. They are if they are at most
    `variety_distance` points worse.

    A paper with `must_show_score`, or with half a point more than the channel's minimum score if that is
    higher, keeps its place whatever people say of papers like it.
    """

    max_age: timedelta | None = timedelta(days=30)
    may_pick_flagged: bool = True
    max_domain_share: float = 0.6
    variety_distance: float = 0.5
    must_show_score: float = 8.5

    def find_must_show_score(self, preferences: Preferences) -> float:
        """Return the score from which feedback moves no paper of a channel."""
        return max(self.must_show_score, (preferences.min_score or 0.0) + MUST_SHOW_MARGIN)


MUST_SHOW_MARGIN = 0.5
"""Points over a channel's minimum score from which a paper is shown in any case."""


def pick(
    candidates: Sequence[Candidate],
    preferences: Preferences,
    shown: Set[str],
    edition: date,
    policy: PickPolicy,
    likeness: Mapping[str, Likeness] | None = None,
    feedback: ChannelFeedback = NO_FEEDBACK,
) -> Selection:
    """Choose up to `preferences.top` papers: by score, then rank, then upvotes and interests, then newest.

    Without `min_score`, papers without a score come after all others. Of equal scores, papers that are in a
    wanted domain by a cross-list alone come last. If the candidates have several scales
    (models or rubrics), scores are compared by percentile within their scale, so that a generous model does
    not crowd out the others. `min_score` always applies to the score itself, which the card shows; with it,
    papers without a score are left out. Papers of one scale that were ranked in pairs on the same day are
    reordered among themselves.

    `likeness` says by id which papers are like one that the channel marked before, or agreed on in its
    `feedback`. The first, together with upvotes, keywords and followed authors, orders papers without a
    score, and is a reason. Feedback moves papers among those that score nearly the same, and leaves none out.
    Papers from the must-show score on keep their places, and are chosen as without it.

    Left out are papers in `shown`, which the channel has seen, and those that a rule of `LeftOut` excludes;
    the selection counts them. Ages count up to the date `edition`. `policy` says how many papers of one
    primary category are chosen; papers in a wanted domain do not count. Raises InputError for an unknown
    domain in `preferences`.
    """
    matcher, likeness = Matcher.from_preferences(preferences), likeness or {}
    qualified, left_out = _split_candidates(
        candidates, shown, _make_exclusion_filter(preferences, matcher, edition, policy)
    )
    marked = {paper: liked for paper, liked in likeness.items() if liked.paper not in feedback.papers}
    ranking = _Ranking(matcher, compute_percentiles(candidates), marked, policy, preferences)
    nudges = _compute_nudges(qualified, likeness, feedback)
    best_first, chosen = _choose(qualified, ranking, {})
    effects: tuple[FeedbackEffect, ...] = ()
    if nudges:
        before = chosen
        best_first, chosen = _choose_nudged(qualified, ranking, nudges, best_first, before)
        effects = _list_effects(before, chosen, nudges)
    if beyond := len(qualified) - len(chosen):
        left_out[LeftOut.BEYOND_TOP] = beyond
    choices = tuple(
        Choice(paper.id, _describe_reason(place, paper, best_first, ranking, nudges.get(paper.id, NO_NUDGE)))
        for place, paper in chosen
    )
    return Selection(choices, len(candidates), dict(left_out), effects)


@dataclass(frozen=True, slots=True)
class _Ranking:
    """Everything besides feedback that decides the order of the papers that qualify."""

    matcher: "Matcher"
    percentile_of: Mapping[str, float]
    likeness: Mapping[str, Likeness]
    policy: PickPolicy
    preferences: Preferences


_Placed = list[tuple[int, Candidate]]
"""Chosen papers, each with its place among all that qualify, counted from 1."""


def _choose(
    qualified: Sequence[Candidate], ranking: _Ranking, nudges: Mapping[str, Nudge]
) -> tuple[list[Candidate], _Placed]:
    """Return the papers best first, and those of them that are chosen."""
    by_score = sorted(qualified, key=lambda candidate: _sort_key(candidate, ranking, nudges))
    best_first = apply_pairwise_ranks(by_score)
    if nudges:
        points = [_compute_points(candidate, ranking.percentile_of) for candidate in by_score]
        must_show = ranking.policy.find_must_show_score(ranking.preferences)
        best_first = apply_nudges(best_first, points, nudges, must_show)
    return best_first, _take_varied(best_first, ranking)


def _choose_nudged(
    qualified: Sequence[Candidate],
    ranking: _Ranking,
    nudges: Mapping[str, Nudge],
    best_first: list[Candidate],
    chosen: _Placed,
) -> tuple[list[Candidate], _Placed]:
    """Choose as `_choose` does, with nudges.

    `best_first` and `chosen` are its result without them. It stands if a must-show paper would lose its pick:
    a nudged paper can take the last place of its category before it.
    """
    must_show = ranking.policy.find_must_show_score(ranking.preferences)
    needed = {paper.id for _, paper in chosen if paper.score is not None and paper.score >= must_show}
    nudged_first, nudged = _choose(qualified, ranking, nudges)
    if needed <= {paper.id for _, paper in nudged}:
        return nudged_first, nudged
    return best_first, chosen


def _compute_nudges(
    candidates: Iterable[Candidate], likeness: Mapping[str, Likeness], feedback: ChannelFeedback
) -> dict[str, Nudge]:
    """Return the nudges by paper id. A paper without one is no key."""
    if not feedback.domains and not feedback.papers:
        return {}
    nudges = {
        candidate.id: compute_nudge(candidate.primary_category, likeness.get(candidate.id), feedback)
        for candidate in candidates
    }
    return {paper: nudge for paper, nudge in nudges.items() if nudge.points}


def _list_effects(before: _Placed, after: _Placed, nudges: Mapping[str, Nudge]) -> tuple[FeedbackEffect, ...]:
    """Return why papers were chosen or not because of feedback, "fewer" first; () if the choice is the same.

    The papers that lost their pick are explained by what is against them, and those that gained one by what
    is for them.
    """
    old, new = {paper.id for _, paper in before}, {paper.id for _, paper in after}
    lost = [each for paper in old - new for each in nudges.get(paper, NO_NUDGE).effects if not each.is_more]
    gained = [each for paper in new - old for each in nudges.get(paper, NO_NUDGE).effects if each.is_more]
    return tuple(sorted({*lost, *gained}, key=lambda each: (each.is_more, -each.people, each.subject)))


def _split_candidates(
    candidates: Sequence[Candidate], shown: Set[str], find_exclusion: Callable[[Candidate], LeftOut | None]
) -> tuple[list[Candidate], Counter[LeftOut]]:
    qualified: list[Candidate] = []
    left_out: Counter[LeftOut] = Counter()
    for candidate in candidates:
        exclusion = LeftOut.SHOWN_BEFORE if candidate.id in shown else find_exclusion(candidate)
        if exclusion is None:
            qualified.append(candidate)
        else:
            left_out[exclusion] += 1
    return qualified, left_out


def _make_exclusion_filter(
    preferences: Preferences, matcher: "Matcher", edition: date, policy: PickPolicy
) -> Callable[[Candidate], LeftOut | None]:
    """Return a function that gives the first rule that excludes a candidate, None if it qualifies.

    The rules come in the order of `LeftOut`. Papers shown before are excluded elsewhere.
    """
    oldest = edition - policy.max_age if policy.max_age is not None else date.min
    min_score = preferences.min_score
    is_scored_only = preferences.unscored is UnscoredPapers.LEAVE_OUT

    def find_exclusion(candidate: Candidate) -> LeftOut | None:
        if candidate.withdrawn:
            return LeftOut.WITHDRAWN
        if candidate.published is not None and candidate.published < oldest:
            return LeftOut.TOO_OLD
        if not matcher.is_wanted(candidate):
            return LeftOut.OTHER_DOMAIN
        if matcher.is_muted(candidate):
            return LeftOut.MUTED
        if candidate.held:
            return LeftOut.HELD
        if candidate.flagged and not policy.may_pick_flagged:
            return LeftOut.FLAGGED
        if candidate.score is None and (min_score is not None or is_scored_only):
            return LeftOut.NOT_SCORED
        if min_score is not None and candidate.score is not None and candidate.score < min_score:
            return LeftOut.UNDER_SCORE
        return None

    return find_exclusion


_UNRANKED = 10**9

FOLLOW_WEIGHT = 3.0
"""Weight of a followed keyword or author in units of log2(1 + upvotes): as much as seven upvotes."""


LIKENESS_WEIGHT = 6.0
"""Weight of the likeness to a marked paper, in the same units. A usual strength is 0.3."""


NUDGE_WEIGHT = 6.0
"""Weight of a point of feedback, in the same units: the largest nudge is as much as a followed keyword."""


def compute_percentiles(candidates: Iterable[Candidate]) -> Mapping[str, float]:
    """Return the percentile, 0 to 1, of each scored paper within its scale, by paper id.

    Empty if there is only one scale: then scores can be compared as they are.
    """
    by_scale: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        if candidate.score is not None:
            by_scale.setdefault(candidate.scale, []).append(candidate)
    if len(by_scale) < 2:
        return {}
    return {name: share for group in by_scale.values() for name, share in _percentiles_in_group(group)}


def _percentiles_in_group(group: Sequence[Candidate]) -> Iterator[tuple[str, float]]:
    """Yield each paper's id and percentile: the share of lower scores, plus half that of equal ones."""
    counts = Counter(candidate.score or 0.0 for candidate in group)
    lower_count, percentiles = 0, {}
    for score in sorted(counts):
        percentiles[score] = (lower_count + counts[score] / 2) / len(group)
        lower_count += counts[score]
    return ((candidate.id, percentiles[candidate.score or 0.0]) for candidate in group)


def _sort_key(
    candidate: Candidate, ranking: _Ranking, nudges: Mapping[str, Nudge]
) -> tuple[float, float, bool, int, float, bool, int, str]:
    matcher, percentile_of = ranking.matcher, ranking.percentile_of
    is_scored = candidate.score is not None
    score = -candidate.score if candidate.score is not None else 1.0
    percentile = -percentile_of.get(candidate.id, 0.0) if is_scored else 1.0
    rank = candidate.rank if candidate.rank is not None else _UNRANKED
    newest = -candidate.published.toordinal() if candidate.published is not None else 0
    is_cross_listed = matcher.is_cross_listed(candidate)
    interest = _interest_score(candidate, ranking)
    if not is_scored:
        interest += NUDGE_WEIGHT * nudges.get(candidate.id, NO_NUDGE).points
    is_last_of_score = is_scored and is_cross_listed
    return percentile, score, is_last_of_score, rank, -interest, is_cross_listed, newest, candidate.id


def apply_pairwise_ranks(best_first: Sequence[Candidate]) -> list[Candidate]:
    """Return the papers with each group that was ranked in pairs in the order of those ranks.

    A group is the papers of one score scale that were ranked on the same day. It keeps the positions that its
    papers have in `best_first`; papers without a pairwise rank do not move.
    """
    groups: dict[tuple[str, date], list[Candidate]] = {}
    for candidate in best_first:
        if candidate.pairwise_rank:
            groups.setdefault((candidate.scale, candidate.pairwise_rank.day), []).append(candidate)
    queues = {
        key: iter(sorted(group, key=lambda paper: paper.pairwise_rank.rank if paper.pairwise_rank else 0))
        for key, group in groups.items()
    }
    return [
        next(queues[paper.scale, paper.pairwise_rank.day]) if paper.pairwise_rank else paper
        for paper in best_first
    ]


def apply_nudges(
    best_first: Sequence[Candidate],
    points: Sequence[float],
    nudges: Mapping[str, Nudge],
    must_show: float,
) -> list[Candidate]:
    """Return the papers with those that feedback may move in a new order among their own positions.

    `points` are those of the positions, descending. A paper passes another one if its position's points and
    its nudge make more together. Papers without a score, and from the score `must_show` on, do not move.
    """
    movable = [
        place for place, paper in enumerate(best_first) if paper.score is not None and paper.score < must_show
    ]
    in_order = sorted(
        movable, key=lambda place: -(points[place] + nudges.get(best_first[place].id, NO_NUDGE).points)
    )
    moved = list(best_first)
    for place, source in zip(movable, in_order, strict=True):
        moved[place] = best_first[source]
    return moved


def _interest_score(candidate: Candidate, ranking: _Ranking) -> float:
    matcher, likeness = ranking.matcher, ranking.likeness.get(candidate.id)
    matches = matcher.has_keyword(candidate) + (matcher.find_followed_author(candidate) is not None)
    strength = min(likeness.strength, 1.0) if likeness else 0.0
    return math.log2(1 + candidate.upvotes) + FOLLOW_WEIGHT * matches + LIKENESS_WEIGHT * strength


def _take_varied(best_first: Sequence[Candidate], ranking: _Ranking) -> _Placed:
    """Return the first papers, as many as the channel wants, with their places in `best_first`, from 1 on.

    A paper whose category has its share waits, while later papers take its place. It is taken after all when
    one that is clearly worse would pass it, or when nothing else qualifies.
    """
    top, matcher, policy = ranking.preferences.top, ranking.matcher, ranking.policy
    limit = math.ceil(round(policy.max_domain_share * top, 6))  # 0.6 * 5 is a little more than 3.
    taken: _Placed = []
    waiting: list[tuple[float, int, Candidate]] = []  # A heap, the best paper first.
    count_by_category: Counter[str] = Counter()
    for place, candidate in enumerate(best_first, start=1):
        points = _compute_points(candidate, ranking.percentile_of)
        while waiting and len(taken) < top and -waiting[0][0] - points > policy.variety_distance:
            taken.append(heapq.heappop(waiting)[1:])
        if len(taken) == top:
            break
        category = "" if matcher.is_in_domain(candidate) else candidate.primary_category
        if category and count_by_category[category] >= limit:
            heapq.heappush(waiting, (-points, place, candidate))
        else:
            taken.append((place, candidate))
            count_by_category[category] += 1
    rest = sorted(entry[1:] for entry in waiting)
    return sorted(taken + rest[: top - len(taken)])


_RANKED_POINTS, _UNSCORED_POINTS = -100.0, -200.0


def _compute_points(candidate: Candidate, percentile_of: Mapping[str, float]) -> float:
    """Return a paper's points, 0 to 10, for comparisons of two papers, in the sense of the order.

    They are its score; among several scales, ten times its percentile. A paper with a rank alone is clearly
    worse than every scored one, and clearly better than one without.
    """
    if candidate.score is not None:
        return 10 * percentile_of[candidate.id] if percentile_of else candidate.score
    return _RANKED_POINTS if candidate.rank is not None else _UNSCORED_POINTS


def _describe_reason(
    place: int,
    candidate: Candidate,
    best_first: Sequence[Candidate],
    ranking: _Ranking,
    nudge: Nudge,
) -> str:
    """Describe the reason for a pick: "#2 of 41 in vision, mentions “alignment”".

    `place` is the paper's place in `best_first`, counted from 1; it may differ from the pick's place in the
    digest. Only the length of `best_first` is read. A pairwise rank replaces both. Returns "" for a paper
    without a place that matches no wish.
    """
    basis = _describe_basis(place, candidate, len(best_first))
    matches = ranking.matcher.describe_match(candidate)
    if basis.startswith("#") and matches and matches[0].startswith("in "):
        basis, matches = f"{basis} {matches[0]}", matches[1:]
    liked = ranking.likeness.get(candidate.id)
    like = f"like “{liked.title}”, which you marked" if liked else ""
    wanted = [f"{_name_people(each)} want more of {each.subject}" for each in nudge.effects if each.is_more]
    return ", ".join(filter(None, [basis, *matches, like, *wanted]))


def _name_people(effect: FeedbackEffect) -> str:
    """Name the people of an effect; only the person of a direct message is alone."""
    return f"{effect.people} here" if effect.people > 1 else "you"


def _describe_basis(place: int, candidate: Candidate, count: int) -> str:
    """Describe the basis of the order: a place by pairwise rank, score or rank, or upvotes.

    A paper without score and rank is described without its place, and the only paper without "#1 of 1".
    """
    if candidate.pairwise_rank:
        rank, compared_count = candidate.pairwise_rank.rank, candidate.pairwise_rank.compared_count
        return f"#{rank} of {compared_count} compared in pairs"
    if candidate.score is not None or candidate.rank is not None:
        return f"#{place} of {count}" if count > 1 else ""
    if candidate.upvotes:
        return f"{candidate.upvotes:,} {'upvote' if candidate.upvotes == 1 else 'upvotes'} on Hugging Face"
    return ""


@dataclass(frozen=True, slots=True)
class Matcher:
    """Preferences compiled for matching many papers. Keywords and muted words match a candidate's `text`."""

    domains: tuple[tuple[str, frozenset[str]], ...]
    all_categories: frozenset[str]
    keywords: re.Pattern[str] | None
    muted_categories: frozenset[str]
    muted_words: re.Pattern[str] | None
    authors: AuthorMatcher
    match: MatchMode

    @staticmethod
    def from_preferences(preferences: Preferences) -> "Matcher":
        """Compile preferences. Raises InputError for an unknown domain.

        An unknown muted domain is a muted word.
        """
        domains = tuple((domain, frozenset(resolve_domain(domain))) for domain in preferences.domains)
        muted_categories, muted_words = _split_muted(preferences.muted)
        return Matcher(
            domains,
            frozenset[str]().union(*(categories for _, categories in domains)),
            compile_word_pattern(preferences.keywords),
            muted_categories,
            compile_word_pattern(muted_words),
            AuthorMatcher.from_names(preferences.authors),
            preferences.match,
        )

    def is_wanted(self, candidate: Candidate) -> bool:
        """Return True if a paper matches the domains and keywords, or one of its authors is followed.

        Cross-lists count. With both domains and keywords, `match` says if one of them is enough. True for
        every paper if there are no domains, keywords and authors. Muting does not count here.
        """
        if self.all_categories and self.keywords and self.match is MatchMode.ALL:
            is_match = self.is_in_domain(candidate) and self.has_keyword(candidate)
        elif self.all_categories or self.keywords:
            is_match = self.is_in_domain(candidate) or self.has_keyword(candidate)
        else:
            is_match = not self.authors.readings
        return is_match or self.find_followed_author(candidate) is not None

    def is_in_domain(self, candidate: Candidate) -> bool:
        """Return True if a paper is in a wanted domain, cross-lists included; False without domains."""
        return has_wanted_category(_categories_of(candidate), self.all_categories)

    def is_cross_listed(self, candidate: Candidate) -> bool:
        """Return True if a paper is in a wanted domain by a cross-list alone."""
        primary = candidate.primary_category
        return (
            bool(primary)
            and self.is_in_domain(candidate)
            and not has_wanted_category((primary,), self.all_categories)
        )

    def find_followed_author(self, candidate: Candidate) -> str | None:
        """Return the followed name of a paper's first author who has one; None without one."""
        return self.authors.find_followed(candidate.authors)

    def is_muted(self, candidate: Candidate) -> bool:
        """Return True if a paper's primary category, or a word in its text, is muted.

        Muting audio keeps a vision paper that is cross-listed there.
        """
        primary = (candidate.primary_category,)
        if self.muted_categories and has_wanted_category(primary, self.muted_categories):
            return True
        return bool(self.muted_words and self.muted_words.search(candidate.text))

    def has_keyword(self, candidate: Candidate) -> bool:
        """Return True if a candidate's `text` mentions a keyword; False without keywords."""
        return bool(self.keywords and self.keywords.search(candidate.text))

    def describe_match(self, candidate: Candidate) -> list[str]:
        """Describe the first domain, the first keyword and the first followed author that a paper matches.

        Empty if it matches none.
        """
        categories = _categories_of(candidate)
        domains = [
            f"in {name_domain_in_sentence(name)}"
            for name, wanted in self.domains
            if has_wanted_category(categories, wanted)
        ]
        keyword = self.keywords.search(candidate.text) if self.keywords else None
        author = self.find_followed_author(candidate)
        return [
            *domains[:1],
            *([f"mentions “{keyword[0]}”"] if keyword else []),
            *([f"follows {author}"] if author else []),
        ]


def _categories_of(candidate: Candidate) -> Collection[str]:
    return candidate.categories or (candidate.primary_category,)


def _split_muted(muted: Iterable[str]) -> tuple[frozenset[str], list[str]]:
    """Return the categories of all entries that are a domain, and the other entries, which are words.

    A domain is a group, an alias, a category or an archive.
    """
    domains: set[str] = set()
    words: list[str] = []
    for entry in muted:
        try:
            domains.update(resolve_domain(entry))
        except InputError:
            words.append(entry)
    return frozenset(domains), words


def compile_word_pattern(words: Iterable[str]) -> re.Pattern[str] | None:
    """Compile a pattern that finds any of the words, or return None for no words.

    It matches whole words in any case, also with a plural ending. A space in a word also matches a hyphen.
    """
    pieces = [[piece for piece in re.split(r"[\s-]+", word) if piece] for word in words]
    parts = [r"[\s-]+".join(map(re.escape, each)) for each in pieces if each]
    if not parts:
        return None
    return re.compile(
        rf"(?<!\w)(?:{'|'.join(sorted(parts, key=len, reverse=True))})(?:e?s)?(?!\w)", re.IGNORECASE
    )
