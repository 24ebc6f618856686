"""Wishes of channels, and the papers that answer them: a table over one small library."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from digests.model import Candidate
from digests.pick import PickPolicy, pick
from digests.subscription import MatchMode, Preferences, UnscoredPapers
from tests.builders import TODAY, a_candidate

ANY, OUT = MatchMode.ANY, UnscoredPapers.LEAVE_OUT


def a_row(id: str, score: float | None, domains: str, text: str, authors: str, **fields: Any) -> Candidate:  # noqa: A002
    """Build a paper. The first of its domains, which blanks separate, is the primary one."""
    categories = tuple(domains.split())
    people = tuple(authors.split("; "))
    fields = {"categories": categories, "text": text, "authors": people, "published": TODAY, **fields}
    return a_candidate(id, score, categories[0], **fields)


LIBRARY = [
    # Vision.
    a_row("splats", 9.2, "cs.CV cs.GR", "Scenes from soft blobs", "Marie Curie"),
    a_row("captions", 9.1, "cs.CV cs.CL", "Pictures and captions in one space", "Ada Byron; Emmy Noether"),
    a_row("masks", 8.9, "cs.CV", "One network that cuts out any object", "Noether, Emmy"),
    a_row("noise", 8.9, "cs.LG cs.CV", "Diffusion in a smaller space", "Émilie du Châtelet"),
    a_row("frames", 8.4, "cs.CV eess.IV", "Diffusion models for long videos", "Grace B. Hopper"),
    a_row("retina", 7.0, "eess.IV", "A survey of lesions in eye scans", "R. Franklin"),
    a_row("unlabelled", None, "cs.CV", "Seeing without labels", "Ada Byron", upvotes=40),
    # Language.
    a_row("answers", 9.0, "cs.CL", "Alignment from yes or no", "Emmy Noether"),
    a_row("choices", 8.6, "cs.CL cs.LG", "Alignment of large language models (LLMs)", "Lise Meitner"),
    a_row("book", 8.2, "cs.CL", "Reading a book at once", "Sofya Kovalevskaya"),
    a_row("gossip", None, "cs.CL", "Large language models gossip", "Lise Meitner", upvotes=120),
    # Learning, agents, robots, and the rest.
    a_row("step", 8.7, "cs.LG", "A step size that sets itself", "Augusta King"),
    a_row("pruned", 8.3, "cs.LG", "Half of the weights", "Lise Meitner"),
    a_row("bandit", 8.1, "cs.LG stat.ML", "Reinforcement learning with few pulls", "Maria Agnesi"),
    a_row("tickets", 8.6, "cs.AI cs.CL", "Agents that book flights", "Grace Hopper"),
    a_row("hands", 8.5, "cs.RO", "Diffusion policies for robot hands", "Jean-Baptiste Say"),
    a_row("sand", 7.4, "cs.RO eess.SY", "Reinforcement learning on sand", "R. Franklin"),
    a_row("birds", 8.0, "cs.SD eess.AS", "Bird song to text", "Rosalind Franklin"),
    a_row("hints", 6.5, "cs.DS", "Sorting with hints", "Ada Lovelace"),
    a_row("chains", 8.8, "q-bio.BM cs.LG", "Folding chains with diffusion", "Dorothy Hodgkin"),
    a_row("ranked", None, "cs.IR", "A search engine that asks back", "Karen Jones", rank=1),
    # Never wanted.
    a_row("old", 9.9, "cs.CV", "Last season's diffusion", "A. Byron", published=TODAY - timedelta(days=60)),
    a_row("withdrawn", 9.8, "cs.CV", "Diffusion, sadly wrong", "A. Byron", withdrawn=True),
    a_row("held", 9.7, "cs.CV", "Diffusion, and praise this paper", "A. Byron", held=True),
]


@dataclass(frozen=True)
class Wish:
    """A wish with the picks that answer it, and the reason for them. `library` replaces the usual one."""

    why: str
    wish: dict[str, Any]
    picks: str
    library: list[Candidate] = field(default_factory=lambda: LIBRARY)
    policy: PickPolicy = field(default_factory=PickPolicy)


def wish(why: str, picks: str, **preferences: Any) -> Wish:
    """Build a row of the table over the usual library. Entries of lists are separated by commas."""
    for name in ("domains", "keywords", "muted", "authors"):
        if name in preferences:
            preferences[name] = tuple(preferences[name].split(", "))
    return Wish(why, preferences, picks)


def only(*ids: str) -> list[Candidate]:
    """Return the papers of the library with these ids."""
    return [paper for paper in LIBRARY if paper.id in ids]


UNSCORED_DAY = [paper._replace(score=None, rank=None) for paper in LIBRARY]
EQUAL_DAY = [paper._replace(score=8.0 if paper.score else None) for paper in LIBRARY]

WISHES = [
    # One domain: its best papers, however many of one category.
    wish("the best of vision, all of one category", "splats captions masks", domains="vision", top=3),
    wish("one paper is the best one", "splats", domains="vision", top=1),
    wish("a cross-list counts, after its equal", "splats captions masks noise frames", domains="vision"),
    wish("unscored papers come last", "retina unlabelled", domains="vision",
         muted="cs.LG, pictures, diffusion, blobs, object"),
    wish("a category is narrower than its group", "splats captions masks noise frames unlabelled",
         domains="cs.CV", top=9),
    wish("in any case", "splats captions masks", domains="cs.cv", top=3),
    wish("an archive holds its categories", "chains", domains="q-bio"),
    wish("a group of one archive", "chains", domains="biology"),
    wish("a secondary category", "retina", domains="eess.IV", muted="videos"),
    wish("nothing in the domain is no digest", "", domains="physics"),
    # Names and abbreviations.
    wish("llm is language", "captions answers choices tickets book", domains="llm"),
    wish("llms too", "captions answers", domains="llms", top=2),
    wish("nlp too", "captions answers", domains="nlp", top=2),
    wish("large language models too", "captions answers", domains="large language models", top=2),
    wish("rl is learning", "noise chains step", domains="rl", top=3),
    wish("reinforcement learning too", "noise chains step", domains="Reinforcement Learning", top=3),
    wish("agents are ai", "tickets", domains="agents"),
    wish("graphics is a category", "splats", domains="graphics"),
    wish("robots are robotics", "hands sand", domains="robots"),
    wish("ir is retrieval", "ranked", domains="ir"),
    wish("speech is audio", "birds", domains="speech"),
    wish("algorithms are a category", "hints", domains="algorithms"),
    # Several domains: any of them.
    wish("two domains are either", "splats captions answers masks noise", domains="vision, language"),
    wish("the better ones of both", "hands birds sand", domains="robotics, audio"),
    wish("three domains", "hands birds sand hints", domains="robotics, audio, cs.DS", top=9),
    # Keywords.
    wish("a keyword in any domain", "noise chains hands frames", keywords="diffusion"),
    wish("two keywords are either", "answers noise chains choices", keywords="diffusion, alignment", top=4),
    wish("a keyword in the plural", "choices gossip", keywords="large language model"),
    wish("a keyword with a hyphen", "bandit sand", keywords="reinforcement-learning"),
    wish("a word and no part of one", "", keywords="bir"),
    # Domains and keywords.
    wish("both, by default", "noise frames", domains="vision", keywords="diffusion"),
    wish("both, in one of two domains", "noise hands frames", domains="vision, robotics",
         keywords="diffusion"),
    wish("both, with one of two keywords", "splats noise frames", domains="vision",
         keywords="diffusion, blobs"),
    wish("both, and nothing is", "", domains="audio", keywords="diffusion"),
    wish("either, where that is said", "splats captions masks noise chains", domains="vision",
         keywords="diffusion", match=ANY),
    wish("either, and the keyword alone", "chains hands birds", domains="audio",
         keywords="diffusion", match=ANY, top=3, muted="vision, space"),
    # Authors.
    wish("only the followed author", "captions answers masks", authors="Emmy Noether"),
    wish("by initials", "captions answers masks", authors="E. Noether"),
    wish("family name first", "captions answers masks", authors="Noether Emmy"),
    wish("without accents", "noise", authors="Emilie du Chatelet"),
    wish("a middle name more", "tickets frames", authors="Grace Hopper"),
    wish("another middle name", "tickets", authors="Grace A. Hopper"),
    wish("two given names", "hands", authors="J.-B. Say"),
    wish("initials in the record", "birds sand retina", authors="Rosalind Franklin"),
    wish("a namesake is not followed", "captions unlabelled", authors="Ada Byron"),
    wish("two authors", "noise hands", authors="Émilie du Châtelet, Jean-Baptiste Say"),
    wish("in any domain, beside a domain's own", "captions answers masks birds", domains="audio",
         authors="Emmy Noether"),
    wish("beside both filters", "captions answers masks noise frames", domains="vision", keywords="diffusion",
         authors="Emmy Noether"),
    # Muted.
    wish("a muted word", "splats captions masks", domains="vision", muted="diffusion, survey, labels"),
    wish("a muted domain by its primary category", "splats captions masks frames", domains="vision",
         muted="learning", top=4),
    wish("muting is stronger than a follow", "captions answers", authors="Emmy Noether", muted="object"),
    # Minimum scores, and papers without one.
    wish("a minimum score", "splats captions answers", min_score=9.0),
    wish("a minimum leaves the unscored out", "choices", domains="language", keywords="large language models",
         min_score=1.0),
    wish("unscored ones after all others", "choices gossip", domains="language",
         keywords="large language models"),
    wish("unscored ones left out", "choices", domains="language", keywords="large language models",
         unscored=OUT),
    wish("an unscored one with a rank before one without", "ranked gossip", domains="retrieval, language",
         muted="books, book, pictures, alignment"),
    # Variety, where nobody named a domain.
    wish("everything: two of three from one category", "splats captions answers", top=3),
    wish("everything: variety within half a point", "splats captions answers masks noise"),
    wish("everything: a fourth of one category gives way", "splats captions answers masks noise chains step",
         top=7),
    Wish("a clearly worse paper does not pass", {"top": 3}, "splats captions masks",
         only("splats", "captions", "masks", "hints")),
    Wish("an unscored paper does not pass", {"top": 3}, "splats captions masks",
         only("splats", "captions", "masks", "gossip")),
    Wish("a nearly equal paper passes", {"top": 3}, "splats captions step",
         only("splats", "captions", "masks", "step")),
    Wish("not from a distance of nought", {"top": 3}, "splats captions masks",
         only("splats", "captions", "masks", "step"), PickPolicy(variety_distance=0)),
    Wish("and not in the domain that was named", {"top": 3, "domains": ("vision", "learning")},
         "splats captions masks", only("splats", "captions", "masks", "step")),
    # Equal scores, and days without any.
    Wish("of equal scores the domain's own come first", {"domains": ("vision",), "top": 9},
         "captions frames masks retina splats noise unlabelled", EQUAL_DAY),
    Wish("of equal scores a keyword comes first", {"domains": ("cs.LG",), "keywords": ("weights",),
         "match": ANY, "top": 2}, "pruned bandit", EQUAL_DAY),
    Wish("no scores: by upvotes", {"top": 2}, "gossip unlabelled", UNSCORED_DAY),
    Wish("no scores: by upvotes in the domain", {"domains": ("vision",), "top": 2}, "unlabelled captions",
         UNSCORED_DAY),
    Wish("no scores: keywords count", {"domains": ("vision",), "keywords": ("lesions",), "match": ANY,
         "top": 2}, "unlabelled retina", UNSCORED_DAY),
    Wish("no scores: followed authors count", {"domains": ("vision",), "authors": ("Marie Curie",), "top": 2},
         "unlabelled splats", UNSCORED_DAY),
    # Papers that nobody is shown.
    Wish("no old, withdrawn or held paper", {}, "", only("old", "withdrawn", "held")),
    Wish("an old one without a limit", {}, "old", only("old"), PickPolicy(max_age=None)),
]  # fmt: skip


@pytest.mark.parametrize("row", WISHES, ids=lambda row: row.why)
def test_a_wish_is_answered_by_these_papers(row: Wish) -> None:
    selection = pick(row.library, Preferences(**row.wish), frozenset(), TODAY, row.policy)
    assert [choice.id for choice in selection.choices] == row.picks.split()


def test_the_table_is_long_enough_to_be_read_as_a_specification() -> None:
    assert len({row.why for row in WISHES}) == len(WISHES) >= 60
