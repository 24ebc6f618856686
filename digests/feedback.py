"""Feedback of a channel's people on papers, and the nudge that it gives to new ones. Pure.

A nudge is a small number of points of score. It orders papers and excludes none, and the opinion of one
person alone moves nothing in a channel.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

from digests.domains import find_group, name_domain_in_sentence
from digests.model import FeedbackEffect, Likeness

OPINION_AGE = timedelta(days=90)
"""Age up to which an opinion counts, as long as a mark does for likeness."""

MAX_OPINIONS = 500
"""The newest opinions of a channel that count."""

MAX_NUDGE = 0.5
"""Largest nudge of a paper, up or down, in points of a score from 0 to 10."""

DOMAIN_POINTS = 0.3
"""Points of a domain on which people agree in full."""

LIKENESS_POINTS = 0.5
"""Points of a paper that is nearly the same as one on which people agree in full."""

FULL_STRENGTH = 0.5
"""Strength of a likeness that counts in full. A usual one is 0.3."""

QUORUM = 2
"""People by whom one side must be ahead before anything moves in a channel; in a direct message it is 1."""

FULL_AGREEMENT = 4
"""People by whom one side must be ahead for the full points."""

MAX_LIKENESS_SEEDS = 10
"""Papers on which people agree that new papers are compared with, besides the marked ones."""


class Opinion(NamedTuple):
    """One person's opinion on a paper: more of this, or not for us. `category` is the paper's primary one."""

    paper: str
    person: str
    is_more: bool
    category: str = ""


class Agreement(NamedTuple):
    """The side that is ahead: `people` of it, and `level`, over 0 to 1, by how far it is ahead."""

    is_more: bool
    people: int
    level: float

    @property
    def signed_level(self) -> float:
        """Return the level, negative for "not for us"."""
        return self.level if self.is_more else -self.level


@dataclass(frozen=True, slots=True)
class ChannelFeedback:
    """Agreements of a channel's people by domain and by paper. A subject without agreement is no key.

    A domain is one of our groups, else an arXiv category. The papers come newest opinion first.
    """

    domains: Mapping[str, Agreement] = field(default_factory=dict)
    papers: Mapping[str, Agreement] = field(default_factory=dict)


NO_FEEDBACK = ChannelFeedback()


class Nudge(NamedTuple):
    """The points that feedback gives to a paper, at most `MAX_NUDGE` in size, and where they come from."""

    points: float
    effects: tuple[FeedbackEffect, ...]


NO_NUDGE = Nudge(0.0, ())


def summarize_opinions(opinions: Iterable[Opinion], *, is_direct: bool = False) -> ChannelFeedback:
    """Return the agreements of a channel, from at most one opinion of each person on each paper.

    About a domain each person counts once, for the side of most of their opinions there. In a direct message,
    `is_direct`, there is one person, whose opinions count one by one.
    """
    by_domain: dict[str, dict[str, int]] = {}
    by_paper: dict[str, dict[str, int]] = {}
    for opinion in opinions:
        sign = 1 if opinion.is_more else -1
        by_paper.setdefault(opinion.paper, {})[opinion.person] = sign
        if opinion.category:
            of_domain = by_domain.setdefault(find_group(opinion.category), {})
            of_domain[opinion.person] = of_domain.get(opinion.person, 0) + sign
    quorum, per_person = (1, FULL_AGREEMENT) if is_direct else (QUORUM, 1)
    return ChannelFeedback(
        _find_agreements(by_domain, quorum, per_person), _find_agreements(by_paper, quorum, per_person)
    )


def _find_agreements(
    sides: Mapping[str, Mapping[str, int]], quorum: int, per_person: int
) -> dict[str, Agreement]:
    found = {}
    for subject, by_person in sides.items():
        ahead = sum(max(-per_person, min(per_person, sign)) for sign in by_person.values())
        if abs(ahead) >= quorum:
            people = sum(1 for sign in by_person.values() if sign * ahead > 0)
            found[subject] = Agreement(ahead > 0, people, min(1.0, abs(ahead) / FULL_AGREEMENT))
    return found


def choose_seeds(marked: Sequence[str], feedback: ChannelFeedback) -> tuple[str, ...]:
    """Return the papers that new ones are compared with: the marked ones, and those of an agreement."""
    agreed = [paper for paper in feedback.papers if paper not in marked]
    return (*marked, *agreed[:MAX_LIKENESS_SEEDS])


def compute_nudge(category: str, likeness: Likeness | None, feedback: ChannelFeedback) -> Nudge:
    """Return the nudge of a paper by its primary category and its likeness to the nearest seed.

    A likeness to a paper without an agreement, such as a marked one, gives no points.
    """
    points, effects = 0.0, []
    if category and (agreed := feedback.domains.get(find_group(category))):
        points += DOMAIN_POINTS * agreed.signed_level
        subject = name_domain_in_sentence(find_group(category))
        effects.append(FeedbackEffect(subject, agreed.is_more, agreed.people))
    if likeness and (agreed := feedback.papers.get(likeness.paper)):
        strength = min(1.0, max(0.0, likeness.strength) / FULL_STRENGTH)
        points += LIKENESS_POINTS * strength * agreed.signed_level
        effects.append(FeedbackEffect(f"papers like “{likeness.title}”", agreed.is_more, agreed.people))
    points = max(-MAX_NUDGE, min(MAX_NUDGE, points))
    kept = tuple(effect for effect in effects if points and effect.is_more == (points > 0))
    return Nudge(points, kept) if points else NO_NUDGE
