"""A made-up team that gives feedback for some months: does it help, and can one person lead it astray?

`python -m tests.digests.feedback_simulation` prints the table. People like and dislike topics. A paper is
worth its score to a person, and up to two points more or less for its topic. Nobody sees more than the picks.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import fmean

from digests.feedback import NO_FEEDBACK, Opinion, choose_seeds, summarize_opinions
from digests.model import Candidate, Likeness
from digests.pick import PickPolicy, pick
from digests.subscription import Preferences

CATEGORIES = ("cs.CV", "cs.CL", "cs.LG", "cs.RO", "cs.SD", "cs.IR")
TOPICS_OF_CATEGORY = 3
PAPERS_A_DAY, PICKS, DAYS = 60, 5, 60
TASTE_POINTS = 2.0
"""Points that a topic is worth to somebody who likes it in full."""
SAYS_SO = 0.15
"""Share of the shown papers about which a person says something, if they have an opinion."""
FIRST_DAY = date(2026, 9, 1)


@dataclass(frozen=True)
class SimulatedPaper:
    """A paper with its topic, which only people and the likeness know."""

    candidate: Candidate
    topic: int


@dataclass(frozen=True)
class Outcome:
    """Mean worth of the picks of the second half to the honest people, and the share of disliked ones."""

    worth: float
    disliked: float


def simulate_team(seed: int, *, honest: int, hostile: int = 0, has_feedback: bool = True) -> Outcome:
    """Play `DAYS` editions. Hostile people say the contrary of what the team thinks, about every pick."""
    random_source = random.Random(seed)
    topics = len(CATEGORIES) * TOPICS_OF_CATEGORY
    shared = [random_source.uniform(-1, 1) for _ in range(topics)]
    tastes = [
        [max(-1.0, min(1.0, taste + random_source.gauss(0, 0.3))) for taste in shared] for _ in range(honest)
    ]
    liking = [fmean(of_person[topic] for of_person in tastes) for topic in range(topics)]
    days = [make_day(random_source, day) for day in range(DAYS)]
    says = random.Random(seed + 1)
    opinions: dict[tuple[str, str], Opinion] = {}
    topic_of: dict[str, int] = {}
    worths: list[float] = []
    dislikes: list[float] = []
    for day, papers in enumerate(days):
        shown = choose_picks(papers, list(opinions.values()) if has_feedback else [], topic_of, says, day)
        for paper in shown:
            topic_of[paper.candidate.id] = paper.topic
            for person, of_person in enumerate(tastes):
                if abs(of_person[paper.topic]) > 0.4 and says.random() < SAYS_SO:
                    give_opinion(opinions, paper, f"honest {person}", of_person[paper.topic] > 0)
            for person in range(hostile):
                give_opinion(opinions, paper, f"hostile {person}", liking[paper.topic] < 0)
            if day >= DAYS // 2:
                worths.append((paper.candidate.score or 0.0) + TASTE_POINTS * liking[paper.topic])
                dislikes.append(float(liking[paper.topic] < -0.4))
    return Outcome(fmean(worths), fmean(dislikes))


def make_day(random_source: random.Random, day: int) -> list[SimulatedPaper]:
    papers = []
    for number in range(PAPERS_A_DAY):
        topic = random_source.randrange(len(CATEGORIES) * TOPICS_OF_CATEGORY)
        score = round(max(2.0, min(9.5, random_source.gauss(6.3, 0.9))), 1)
        category = CATEGORIES[topic // TOPICS_OF_CATEGORY]
        papers.append(SimulatedPaper(Candidate(f"{day}.{number}", score, primary_category=category), topic))
    return papers


def choose_picks(
    papers: Sequence[SimulatedPaper],
    opinions: Sequence[Opinion],
    topic_of: dict[str, int],
    random_source: random.Random,
    day: int,
) -> list[SimulatedPaper]:
    """Choose by the real code. Papers of one topic are alike, and one in twenty of others by mistake."""
    feedback = summarize_opinions(opinions) if opinions else NO_FEEDBACK
    likeness: dict[str, Likeness] = {}
    for paper in papers:
        for seed in choose_seeds((), feedback):
            is_alike = topic_of[seed] == paper.topic or random_source.random() < 0.05
            strength = random_source.uniform(0.25, 0.45)
            best = likeness.get(paper.candidate.id)
            if is_alike and (best is None or best.strength < strength):
                likeness[paper.candidate.id] = Likeness(seed, seed, strength)
    candidates = [paper.candidate for paper in papers]
    by_id = {paper.candidate.id: paper for paper in papers}
    edition, preferences = FIRST_DAY + timedelta(days=day), Preferences(top=PICKS)
    selection = pick(candidates, preferences, frozenset(), edition, PickPolicy(), likeness, feedback)
    return [by_id[choice.id] for choice in selection.choices]


def give_opinion(
    opinions: dict[tuple[str, str], Opinion], paper: SimulatedPaper, person: str, is_more: bool
) -> None:
    candidate = paper.candidate
    opinions[candidate.id, person] = Opinion(candidate.id, person, is_more, candidate.primary_category)


def compare(honest: int, hostile: int, seeds: Sequence[int]) -> tuple[Outcome, Outcome]:
    """Return the mean outcome without and with feedback over many teams, on the same papers."""

    def play(*, has_feedback: bool) -> Outcome:
        outcomes = [
            simulate_team(seed, honest=honest, hostile=hostile, has_feedback=has_feedback) for seed in seeds
        ]
        return Outcome(fmean(each.worth for each in outcomes), fmean(each.disliked for each in outcomes))

    return play(has_feedback=False), play(has_feedback=True)


def main() -> None:
    print("people  hostile  worth without  worth with  disliked without  disliked with")
    for honest, hostile in ((1, 0), (3, 0), (5, 0), (10, 0), (1, 1), (3, 1), (5, 1), (10, 1)):
        without, having = compare(honest, hostile, range(20))
        print(
            f"{honest:6}  {hostile:7}  {without.worth:13.3f}  {having.worth:10.3f}  "
            f"{without.disliked:16.1%}  {having.disliked:13.1%}"
        )


if __name__ == "__main__":
    main()
