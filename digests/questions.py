"""Questions about one paper, and the passages of its review that answer them. Pure.

An answer is a choice among what the review and the abstract say. Nothing is written for it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import quote as quote_url

from digests.ids import parse_arxiv_id
from digests.limitations import list_limitations
from digests.model import Paper, ReadDepth, Review, ScoredPaper
from digests.text import split_sentences, to_plain_text

MAX_QUESTION_CHARACTERS = 300
"""Characters of a question that are read: some sentences."""

MAX_OPEN_CHARACTERS = 200
"""Longest message in a discussion that is read as a question. People explain to each other at more length."""

MAX_SECTION_CHARACTERS = 20_000
"""Characters of one text of a review that are read."""

MAX_PASSAGES = 5
"""Passages of one answer: as many as a person reads in a chat."""

FRAGMENT_WORDS = 5
"""Words at each end of a passage by which a browser finds it on a page."""


class Aspect(StrEnum):
    """Side of a paper that a question is about. The value names the part of the review that tells of it."""

    LIMITATIONS = "limitations"
    EXPERIMENTS = "experiments"
    METHOD = "methodology"
    CODE = "code"
    REPRODUCIBILITY = "reproducibility"
    IMPACT = "impact"
    SUMMARY = "TL;DR"
    SCORE = "score"


_WORDS_BY_ASPECT: Mapping[Aspect, str] = {
    Aspect.LIMITATIONS: (
        "limitation limitations limits limited weakness weaknesses weak drawback drawbacks caveat caveats "
        "flaw flaws shortcoming shortcomings downside downsides fail fails failure failures criticism "
        "problem problems issue issues wrong catch"
    ),
    Aspect.EXPERIMENTS: (
        "experiment experiments experimental test tests tested testing evaluate evaluated evaluation "
        "evaluations benchmark benchmarks benchmarked dataset datasets result results baseline baselines "
        "compared comparison ablation ablations measured metric metrics performance"
    ),
    Aspect.METHOD: (
        "method methods methodology approach architecture algorithm technique work works idea trained "
        "training"
    ),
    Aspect.CODE: "code github repo repository implementation weights checkpoint checkpoints opensource",
    Aspect.REPRODUCIBILITY: (
        "reproduce reproduced reproducible reproducibility replicate replicated replicable seeds "
        "hyperparameters hyperparameter"
    ),
    Aspect.IMPACT: "impact matter matters useful novel novelty contribution contributions significance why",
    Aspect.SUMMARY: "about summary summarise summarize tldr gist claim claims say says",
    Aspect.SCORE: "score scores scored rating rated grade grades graded",
}

_ASPECT_BY_WORD = {word: aspect for aspect, words in _WORDS_BY_ASPECT.items() for word in words.split()}

_OPENING_WORDS = frozenset(
    """
    what whats how is are was were does do did which why where who can could has have tell explain any
    """.split()  # noqa: SIM905
)
"""Words with which a question begins."""

_IDLE_WORDS = frozenset(
    """
    a an the of in on at to for and or with by from as is are was were be been do does did has have had it its
    this that these those what whats which who how why when where there here i me my we us our you your they
    them their not no so than then too very can could should would will may also into any some if but paper
    papers they authors author main key biggest please tell explain give show us used use made get review good
    well better much many really try tried
    """.split()  # noqa: SIM905
)
"""Words that say nothing about what is asked."""

_PERSONAL_WORDS = frozenset(
    ["you", "your", "yours", "anyone", "anybody", "everyone", "everybody", "someone", "somebody"]
)
"""Words of a question to people."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it is understood: the aspects in its order, and the stems of its other words.

    `is_question` is False for a text that looks like a look-up.
    """

    aspects: tuple[Aspect, ...] = ()
    stems: tuple[str, ...] = ()
    is_question: bool = False


class Passage(NamedTuple):
    """A text that answers a question, with its label, and the words of the paper that show it, or ""."""

    label: str
    text: str
    quote: str = ""
    url: str = ""
    """Address of what the text speaks of, such as code."""


def parse_question(text: str) -> Question:
    """Understand a question about a paper that is known, such as "how was it tested on Chinese data?"."""
    read = text[:MAX_QUESTION_CHARACTERS].lower()
    read = read.replace("open source", "opensource").replace("open-source", "opensource")
    read = read.replace("tl;dr", "tldr")
    words = _split_words(read)
    aspects = tuple(dict.fromkeys(_ASPECT_BY_WORD[word] for word in words if word in _ASPECT_BY_WORD))
    others = [word for word in words if word not in _IDLE_WORDS and word not in _ASPECT_BY_WORD]
    begins = bool(words) and words[0] in _OPENING_WORDS
    is_bare = bool(aspects) and not others
    return Question(aspects, tuple(dict.fromkeys(map(_stem, others))), begins or is_bare or "?" in read)


def is_open_question(text: str) -> bool:
    """Return True for a message in a discussion that reads as a question about the paper, to nobody by name.

    A long message, and one with words such as "you", is meant for people.
    """
    line = text.strip()
    if not line or len(line) > MAX_OPEN_CHARACTERS or not parse_question(line).is_question:
        return False
    words = _split_words(line.lower())
    if words in ([], ["why"]) or not _PERSONAL_WORDS.isdisjoint(words):
        return False
    begins = words[0] in _OPENING_WORDS and len(words) > 2 and not line.endswith("!")
    return line.endswith("?") or begins


def _split_words(text: str) -> list[str]:
    return "".join(sign if sign.isalnum() else " " for sign in text.replace("'s", "")).split()


_ENDINGS = ("ations", "ation", "ings", "ing", "ies", "ed", "es", "e", "s")


def _stem(word: str) -> str:
    """Return a word without its ending, so that "robots" and "robotic" are near: robot."""
    ending = next((end for end in _ENDINGS if word.endswith(end) and len(word) - len(end) >= 3), "")
    return word[: len(word) - len(ending)]


def choose_passages(question: Question, scored: ScoredPaper) -> tuple[Passage, ...]:
    """Return up to `MAX_PASSAGES` passages that answer a question about a paper, the best first.

    Of an aspect these are its passages, those with the question's other words first. Without an aspect, they
    are sentences of any part that have more than half of those words. Empty if nothing answers it.
    """
    found = list_passages(scored)
    if question.aspects:
        chosen = [passage for aspect in question.aspects for passage in found.get(aspect, ())]
        if question.stems:
            telling = _rank_sentences(question.stems, _flatten(found))[:MAX_PASSAGES]
            told = [passage.text for passage in telling]
            chosen = [*telling, *(each for each in chosen if not any(text in each.text for text in told))]
        return tuple(chosen[:MAX_PASSAGES])
    return tuple(_rank_sentences(question.stems, _flatten(found))[:MAX_PASSAGES])


def is_about_another(question: Question, text: str, scored: ScoredPaper) -> bool:
    """Return True for a question that names something which the paper's texts do not: limitations of DPO."""
    if not question.stems or " of " not in text.lower():
        return False
    return _collect_stems(scored).isdisjoint(question.stems)


def is_answered(question: Question, scored: ScoredPaper) -> bool:
    """Return True if the paper's texts surely answer a question, so that the answer disturbs no discussion.

    They have passages for it, and at least half of its telling words; of a question without an aspect at
    least two words.
    """
    known = len(_collect_stems(scored).intersection(question.stems))
    if 2 * known < len(question.stems) or (not question.aspects and known < 2):
        return False
    has_score = Aspect.SCORE in question.aspects and scored.review.score is not None
    return has_score or bool(choose_passages(question, scored))


def list_stems(text: str) -> frozenset[str]:
    """Return the stems of a text's telling words."""
    words = _split_words(_clean(text).lower())
    return frozenset(_stem(word) for word in words if word not in _IDLE_WORDS)


def _collect_stems(scored: ScoredPaper) -> set[str]:
    texts = (scored.paper.title, *(passage.text for passage in _flatten(list_passages(scored))))
    return {_stem(word) for each in texts for word in _split_words(_clean(each).lower())}


def _flatten(found: Mapping[Aspect, Sequence[Passage]]) -> Iterator[Passage]:
    return (passage for passages in found.values() for passage in passages)


def _rank_sentences(stems: Sequence[str], passages: Iterable[Passage]) -> list[Passage]:
    """Return the sentences that have most of the stems, those with most of them first."""
    ranked: dict[str, tuple[int, Passage]] = {}
    for passage in passages:
        for sentence in split_sentences(passage.text):
            words = {_stem(word) for word in _split_words(f"{sentence} {passage.quote}".lower())}
            count = len(words.intersection(stems))
            if 2 * count > len(stems):
                ranked.setdefault(sentence, (-count, passage._replace(text=sentence)))
    return [passage for _, passage in sorted(ranked.values(), key=lambda each: each[0])]


def list_passages(scored: ScoredPaper) -> dict[Aspect, tuple[Passage, ...]]:
    """Return what the review of a paper, and its abstract, say by aspect. Aspects without passages are none.

    The score is left out: it is a number and no passage.
    """
    paper, review = scored.paper, scored.review
    passages = {
        Aspect.LIMITATIONS: tuple(_list_limitations(review)),
        Aspect.EXPERIMENTS: _as_passage("Experiments", review.experiments),
        Aspect.METHOD: _as_passage("Methodology", review.methodology),
        Aspect.CODE: tuple(_list_code(paper, review)),
        Aspect.REPRODUCIBILITY: _as_passage("Reproducibility", review.reproducibility),
        Aspect.IMPACT: _as_passage("Impact", review.impact),
        Aspect.SUMMARY: _summarize(scored),
    }
    return {aspect: found for aspect, found in passages.items() if found}


def _clean(text: str) -> str:
    return to_plain_text(text[:MAX_SECTION_CHARACTERS])


def _as_passage(label: str, text: str, quote: str = "") -> tuple[Passage, ...]:
    return (Passage(label, cleaned, _clean(quote)),) if (cleaned := _clean(text)) else ()


def _list_limitations(review: Review) -> Iterator[Passage]:
    quotes: dict[str, str] = {}
    if review.panel and review.panel.limitations:
        quotes = {point.text: next(iter(point.quotes), "") for point in review.panel.limitations}
    elif review.assessment:
        quotes = {point.text: point.quote for point in review.assessment.key_limitations}
    for text in list_limitations(review):
        yield from _as_passage("Limitation", text, quotes.get(text, ""))


def _list_code(paper: Paper, review: Review) -> Iterator[Passage]:
    """Yield the link to a paper's code, and what its review says of code."""
    if paper.code_url:
        yield Passage("Code", "The paper has a page with code.", url=paper.code_url)
    code = {_stem(word) for word in _WORDS_BY_ASPECT[Aspect.CODE].split()}
    for sentence in split_sentences(_clean(review.reproducibility)):
        if code.intersection(map(_stem, _split_words(sentence.lower()))):
            yield Passage("Reproducibility", sentence)


def _summarize(scored: ScoredPaper) -> tuple[Passage, ...]:
    quote = scored.review.assessment.tldr_quote if scored.review.assessment else ""
    return (
        *_as_passage("TL;DR", scored.review.tldr, quote),
        *_as_passage("Abstract", scored.paper.abstract),
    )


def build_passage_url(scored: ScoredPaper, quote: str) -> str:
    """Return the address of a paper's text that shows a passage, which most browsers scroll to and mark.

    It is the page of the abstract for a passage from there, else the text that the reviewer read: the HTML
    page, or the PDF, in which no passage is marked. "" for a paper outside arXiv.
    """
    paper, arxiv = scored.paper, parse_arxiv_id(scored.paper.id)
    if not arxiv or not quote:
        return ""
    name = quote_url(f"{arxiv.id}v{paper.version}" if paper.version else arxiv.id, safe="/.")
    if quote in _clean(paper.abstract) or scored.review.read_depth is ReadDepth.ABSTRACT:
        return f"https://arxiv.org/abs/{name}{_build_fragment(quote)}"
    if scored.review.read_depth is ReadDepth.FULL_TEXT:
        return f"https://arxiv.org/html/{name}{_build_fragment(quote)}"
    return f"https://arxiv.org/pdf/{name}"


def _build_fragment(quote: str) -> str:
    """Return the part of an address that names a passage by its first and last words, or by all of a few.

    See https://wicg.github.io/scroll-to-text-fragment/: comma, ampersand and hyphen are encoded.
    """
    words = quote[:MAX_SECTION_CHARACTERS].split()
    is_short = len(words) <= 2 * FRAGMENT_WORDS
    ends = [words] if is_short else [words[:FRAGMENT_WORDS], words[-FRAGMENT_WORDS:]]
    return "#:~:text=" + ",".join(quote_url(" ".join(end), safe="").replace("-", "%2D") for end in ends)
