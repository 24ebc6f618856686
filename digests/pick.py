"""Which of the new papers a channel gets, and why the others are left out. Pure: no clock, no store."""

import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, timedelta

from digests.domains import domain_name, has_wanted_category, resolve_domain
from digests.errors import InputError
from digests.model import Candidate, Choice, LeftOut, Selection
from digests.subscription import Preferences


@dataclass(frozen=True, slots=True)
class PickPolicy:
    """What holds for every channel. `max_age` counts from a paper's publication, where that is known.

    `domain_share` is the most of a digest that may come from one primary category while others qualify.
    """

    max_age: timedelta | None = timedelta(days=30)
    may_pick_flagged: bool = True
    max_domain_share: float = 0.6


def pick(
    candidates: Sequence[Candidate],
    preferences: Preferences,
    shown: Set[str],
    edition: date,
    policy: PickPolicy,
) -> Selection:
    """The best new papers for a wish, in order: by score, then rank, then upvotes and followed keywords, then the newest.

    Where models or rubrics differ, "by score" is by the place among the new papers that the same one scored: a model that
    gives everything a nine does not push the others out, and one that is stingy is not pushed out. `min_score` still means
    the score that the card shows: a person who asked for 7 never sees a 6, whatever the model. Papers of one day and scale
    that were compared in pairs change places among themselves by what came out of that.

    `seen` are the ids this channel already had. A domain of the wish that nobody knows raises InputError.
    """
    matcher = Matcher.from_preferences(preferences)
    qualified, left_out = _split_candidates(
        candidates, shown, _make_exclusion_filter(preferences, matcher, edition, policy)
    )
    percentile_of = compute_percentiles(candidates)
    by_score = sorted(qualified, key=lambda candidate: _sort_key(candidate, matcher, percentile_of))
    best_first = apply_pairwise_ranks(by_score)
    chosen = _limit_domain_share(
        best_first, preferences.top, max(1, int(policy.max_domain_share * preferences.top))
    )
    if beyond := len(qualified) - len(chosen):
        left_out[LeftOut.BEYOND_TOP] = beyond
    choices = tuple(
        Choice(paper.id, _describe_reason(place, paper, best_first, matcher)) for place, paper in chosen
    )
    return Selection(choices, len(candidates), dict(left_out))


def _split_candidates(
    candidates: Sequence[Candidate], shown: Set[str], find_exclusion: Callable[[Candidate], LeftOut | None]
) -> tuple[list[Candidate], Counter[LeftOut]]:
    qualified: list[Candidate] = []
    left_out: Counter[LeftOut] = Counter()
    for candidate in candidates:
        why = LeftOut.SHOWN_BEFORE if candidate.id in shown else find_exclusion(candidate)
        if why is None:
            qualified.append(candidate)
        else:
            left_out[why] += 1
    return qualified, left_out


def _make_exclusion_filter(
    preferences: Preferences, matcher: "Matcher", edition: date, policy: PickPolicy
) -> Callable[[Candidate], LeftOut | None]:
    """What keeps a candidate out, the first that applies."""
    oldest = edition - policy.max_age if policy.max_age is not None else date.min
    min_score = preferences.min_score

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
        if min_score is not None and candidate.score is None:
            return LeftOut.NOT_SCORED
        if min_score is not None and candidate.score is not None and candidate.score < min_score:
            return LeftOut.UNDER_SCORE
        return None

    return find_exclusion


_UNRANKED = 10**9

KEYWORD_WEIGHT = 3.0
"""A followed keyword counts as much as seven upvotes: twice as many people are one step, log2(1 + upvotes)."""


def compute_percentiles(candidates: Iterable[Candidate]) -> Mapping[str, float]:
    """Where each scored paper stands among those of its scale, 0 to 1; empty where there is only one scale."""
    by_scale: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        if candidate.score is not None:
            by_scale.setdefault(candidate.scale, []).append(candidate)
    if len(by_scale) < 2:
        return {}
    return {name: share for group in by_scale.values() for name, share in _percentiles_in_group(group)}


def _percentiles_in_group(group: Sequence[Candidate]) -> Iterator[tuple[str, float]]:
    """The share of the group under a paper, and half of its equals."""
    counts = Counter(candidate.score or 0.0 for candidate in group)
    under, shares = 0, {}
    for score in sorted(counts):
        shares[score] = (under + counts[score] / 2) / len(group)
        under += counts[score]
    return ((candidate.id, shares[candidate.score or 0.0]) for candidate in group)


def _sort_key(
    candidate: Candidate, matcher: "Matcher", percentile_of: Mapping[str, float]
) -> tuple[float, float, int, float, int, str]:
    score = -candidate.score if candidate.score is not None else 1.0
    percentile = -percentile_of.get(candidate.id, 0.0) if candidate.score is not None else 1.0
    rank = candidate.rank if candidate.rank is not None else _UNRANKED
    newest = -candidate.published.toordinal() if candidate.published is not None else 0
    return percentile, score, rank, -_interest_score(candidate, matcher), newest, candidate.id


def apply_pairwise_ranks(best_first: Sequence[Candidate]) -> list[Candidate]:
    """Those that were compared with one another change places among themselves; all others stay where they are."""
    groups: dict[tuple[str, date], list[Candidate]] = {}
    for candidate in best_first:
        if candidate.pairwise_rank:
            groups.setdefault((candidate.scale, candidate.pairwise_rank.day), []).append(candidate)
    turns = {
        group: iter(sorted(those, key=lambda one: one.pairwise_rank.rank if one.pairwise_rank else 0))
        for group, those in groups.items()
    }
    return [next(turns[one.scale, one.pairwise_rank.day]) if one.pairwise_rank else one for one in best_first]


def _interest_score(candidate: Candidate, matcher: "Matcher") -> float:
    return math.log2(1 + candidate.upvotes) + KEYWORD_WEIGHT * matcher.has_keyword(candidate)


def _limit_domain_share(
    best_first: Sequence[Candidate], top: int, limit_per_domain: int
) -> list[tuple[int, Candidate]]:
    """The first `top` with their places (from 1), none from a domain that has its share while others qualify."""
    taken: list[tuple[int, Candidate]] = []
    passed_over: list[tuple[int, Candidate]] = []
    of_domain: Counter[str] = Counter()
    for place, candidate in enumerate(best_first, start=1):
        if len(taken) == top:
            break
        domain = candidate.primary_category
        has_room = not domain or of_domain[domain] < limit_per_domain
        (taken if has_room else passed_over).append((place, candidate))
        of_domain[domain] += has_room
    return sorted(taken + passed_over[: top - len(taken)])


def _describe_reason(
    place: int, candidate: Candidate, best_first: Sequence[Candidate], matcher: "Matcher"
) -> str:
    """Why this one, in words: "2nd by score of 41, in vision, mentions “alignment”"."""
    return ", ".join(
        [*_describe_basis(place, candidate, len(best_first)), *matcher.describe_match(candidate)]
    )


def _describe_basis(place: int, candidate: Candidate, count: int) -> list[str]:
    """What decided: the score, or the rank, or else the votes; an unscored paper is never called the 3rd of anything."""
    if candidate.pairwise_rank:
        return [
            f"{format_ordinal(candidate.pairwise_rank.rank)} of {candidate.pairwise_rank.compared_count} compared in pairs"
        ]
    if candidate.score is not None:
        return [f"{format_ordinal(place)} by score of {count}"]
    if candidate.rank is not None:
        return [f"{format_ordinal(place)} by rank of {count}"]
    if candidate.upvotes:
        return [f"{candidate.upvotes:,} {'upvote' if candidate.upvotes == 1 else 'upvotes'} on Hugging Face"]
    return ["not scored"]


def format_ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th ... 11th ... 21st."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number % 100 not in (11, 12, 13) else "th"
    return f"{number}{ending}"


@dataclass(frozen=True, slots=True)
class Matcher:
    """A wish, made ready to be asked of many papers."""

    domains: tuple[tuple[str, frozenset[str]], ...]
    all_categories: frozenset[str]
    keywords: re.Pattern[str] | None
    muted_categories: frozenset[str]
    muted_words: re.Pattern[str] | None

    @staticmethod
    def from_preferences(preferences: Preferences) -> "Matcher":
        """Raises InputError for a domain that nobody knows."""
        domains = tuple((domain, frozenset(resolve_domain(domain))) for domain in preferences.domains)
        muted_categories, muted_words = _split_muted(preferences.muted)
        return Matcher(
            domains,
            frozenset[str]().union(*(categories for _, categories in domains)),
            compile_word_pattern(preferences.keywords),
            muted_categories,
            compile_word_pattern(muted_words),
        )

    def is_wanted(self, candidate: Candidate) -> bool:
        """Cross-lists count: a paper lies in every domain it is listed in."""
        if not self.all_categories and not self.keywords:
            return True
        return has_wanted_category(_categories_of(candidate), self.all_categories) or self.has_keyword(
            candidate
        )

    def is_muted(self, candidate: Candidate) -> bool:
        """A muted domain is the paper's primary one: muting audio keeps a vision paper that is cross-listed there."""
        if self.muted_categories and has_wanted_category(
            (candidate.primary_category,), self.muted_categories
        ):
            return True
        return bool(self.muted_words and self.muted_words.search(candidate.text))

    def has_keyword(self, candidate: Candidate) -> bool:
        return bool(self.keywords and self.keywords.search(candidate.text))

    def describe_match(self, candidate: Candidate) -> list[str]:
        """What of the wish a paper meets, in words."""
        categories = _categories_of(candidate)
        words = [
            f"in {domain_name(name) if '.' in name else name}"
            for name, wanted in self.domains
            if has_wanted_category(categories, wanted)
        ]
        found = self.keywords.search(candidate.text) if self.keywords else None
        return words[:1] + ([f"mentions “{found[0]}”"] if found else [])


def _categories_of(candidate: Candidate) -> Collection[str]:
    return candidate.categories or (candidate.primary_category,)


def _split_muted(muted: Iterable[str]) -> tuple[frozenset[str], list[str]]:
    """A muted entry that names a domain mutes it; any other is a word."""
    domains: set[str] = set()
    words: list[str] = []
    for entry in muted:
        try:
            domains.update(resolve_domain(entry))
        except InputError:
            words.append(entry)
    return frozenset(domains), words


def compile_word_pattern(words: Iterable[str]) -> re.Pattern[str] | None:
    """Finds any of the words, whole, in any case, with a plural ending; a space also finds a hyphen. None for none."""
    parts = [
        r"[\s-]+".join(map(re.escape, re.split(r"[\s-]+", word.strip()))) for word in words if word.strip()
    ]
    if not parts:
        return None
    return re.compile(
        rf"(?<!\w)(?:{'|'.join(sorted(parts, key=len, reverse=True))})(?:e?s)?(?!\w)", re.IGNORECASE
    )
