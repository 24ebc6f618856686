"""Sentences that tell the reader of a paper how to judge it, found by their parts. Pure.

A pattern knows the order of its words, and an unknown wording escapes it. Here the signals of a sentence are
looked for in any order: an addressee, a demand, its target, and an outcome such as a score. Certain
combinations are an order. Sentences about annotators, attacks or the score of some answer are suspicious at
most.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from digests.injection_rules import (
    BETWEEN,
    INSTRUCTION_OVERRIDE,
    REVIEW_STEERING,
    ROLE_OR_CHAT_TOKEN,
    SCORE_DEMAND,
    TOOL_OR_EXFIL_REQUEST,
)
from digests.injection_words import ENGLISH, FOREIGN, GUARDS
from digests.quick_check import compile_quick_check, loosen_pattern

MAX_SENTENCE_CHARACTERS = 400
"""Characters of a sentence that are looked at together. A longer one is cut."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage of a text that is an order to its reviewer, or only looks like one."""

    category: str
    start: int
    end: int
    is_certain: bool


def find_passages(text: str, *, is_cipher: bool = False) -> Iterator[Passage]:
    """Yield the sentences of a lower-case text that are orders to its reviewer, or look like some.

    In a text that was in cipher less is needed: nobody writes there for people.
    """
    sentences = [(start, end, text[start:end]) for start, end in split_sentences(text)]
    outcomes = _list_possible_outcomes("\n".join([sentence for _, _, sentence in sentences]))
    if not outcomes:
        return
    previous = _Sentence("")
    for start, end, sentence_text in sentences:
        sentence = _Sentence(sentence_text)
        category = sentence.find_outcome(outcomes)
        if category:
            is_order = _is_order(sentence, previous, category)
            if is_order and (
                sentence.is_question() or _is_mention(sentence.text) or is_announced(text, start)
            ):
                is_order = False
            if is_cipher and _is_wish(sentence):
                is_order = True
            if is_order is not None:
                yield Passage(category, start, end, is_order)
        previous = sentence


class _Sentence:
    """A sentence and its signals, each looked for once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._found: dict[str, bool] = {}

    def has(self, *names: str) -> bool:
        """Return True if it has one of the signals."""
        return any(self._find(name) for name in names)

    def _find(self, name: str) -> bool:
        if name not in self._found:
            self._found[name] = _compile_signals()[name](self.text)
        return self._found[name]

    def is_question(self) -> bool:
        """Return True for a question that is no polite request."""
        return self.text.rstrip(" \"'”’»)").endswith("?") and not self.has("command", "address")

    def find_outcome(self, outcomes: Collection[str]) -> str:
        """Return the category of what it wants, by the signals of `outcomes` alone; empty for nothing."""
        for category, names in _OUTCOMES:
            if self.has(*(name for name in names if name in outcomes)):
                return category
        return ""


_OUTCOMES = (
    (ROLE_OR_CHAT_TOKEN, ("dialogue", "form")),
    (TOOL_OR_EXFIL_REQUEST, ("leak", "foreign leak")),
    (INSTRUCTION_OVERRIDE, ("override", "foreign override")),
    (SCORE_DEMAND, ("score", "foreign score")),
    (REVIEW_STEERING, ("accept", "omit", "praise", "foreign accept", "foreign omit", "foreign praise")),
)
_ALL_OUTCOMES = tuple(name for _, names in _OUTCOMES for name in names)


def _is_order(sentence: _Sentence, previous: _Sentence, category: str) -> bool | None:
    """Return True for an order, False for a suspicious sentence, None for neither."""
    is_about_attacks = sentence.has("not attack") or previous.has("not attack")
    is_about_others = is_about_attacks or sentence.has(
        "not people", "not answers", "not research", "not scale", "not reply", "not fair"
    )
    if sentence.has("not authors"):
        return None
    if category == ROLE_OR_CHAT_TOKEN or sentence.has("tag"):
        return not is_about_others
    if _is_addressed(sentence, previous):
        return not (is_about_attacks or sentence.has("not people", "not fair"))
    if _is_demanded(sentence, previous, category):
        return not is_about_others
    if _is_foreign_order(sentence, previous):
        return not sentence.has("foreign guard", "foreign answers")
    return None


_WISHES = ("score", "accept", "omit", "override", "leak")
"""Outcomes that a paper does not speak about. Praise is everywhere."""


def _is_addressed(sentence: _Sentence, previous: _Sentence) -> bool:
    """Return True for a demand to a machine that reads this, or to a reader who is called."""
    has_demand = sentence.has("demand", "command")
    if sentence.has("address"):
        return has_demand or sentence.has(*_WISHES)
    is_about_machine = sentence.has("machine") or previous.has("machine")
    return has_demand and (previous.has("address") or (is_about_machine and sentence.has("reads this")))


def _is_demanded(sentence: _Sentence, previous: _Sentence, category: str) -> bool:
    """Return True for a demand about this paper, its review, or the reader's instructions."""
    has_wish = sentence.has(*_WISHES)
    has_demand = sentence.has("demand", "command")
    if sentence.has("machine"):
        is_wanted = has_demand or sentence.has("you")
        if is_wanted and (sentence.has("paper", "output") or category == TOOL_OR_EXFIL_REQUEST):
            return True
        if sentence.has("paper") and sentence.has("score", "accept"):
            return True
    if sentence.has("you") and sentence.has("accept", "score") and sentence.has("demand", "reads this"):
        return True
    if sentence.has("you") and sentence.has("paper", "the paper") and (has_wish or has_demand):
        return True
    if sentence.has("command") and (sentence.has("paper", "the paper") and has_wish):
        return True
    if sentence.has("output") and (has_demand or has_wish):
        return True
    if has_demand and sentence.has("score") and sentence.has("all criteria"):
        return True
    if has_demand and sentence.has("accept") and sentence.has("verdict"):
        return True
    if sentence.has("praise") and (sentence.has("begins with command") and sentence.has("output")):
        return True
    if sentence.has("praise") and _wants_praise(sentence):
        return True
    if sentence.has("begins with command") and (
        (sentence.has("demand") and sentence.has("score"))
        or (sentence.has("omit") and sentence.has("weaknesses", "verdict"))
    ):
        return True
    if (
        sentence.has("demand")
        and sentence.has("paper")
        and sentence.has("score", "accept", "leak", "override")
    ):
        return True
    if category in (TOOL_OR_EXFIL_REQUEST, INSTRUCTION_OVERRIDE) and sentence.has("you"):
        return has_demand
    if sentence.has("authority") or previous.has("authority"):
        return sentence.has("verdict", "paper", "machine") and (has_demand or has_wish)
    is_about_review = sentence.has("verdict", "reader")
    return sentence.has("demand") and sentence.has("paper") and sentence.has("omit") and is_about_review


def _wants_praise(sentence: _Sentence) -> bool:
    """Return True if praise is wanted, and no mere quality: in a review, or of this paper."""
    if sentence.has("you") and sentence.has("output", "paper", "machine") and sentence.has("verdict"):
        return True
    if sentence.has("demand") and sentence.has("paper") and sentence.has("verdict"):
        return True
    return sentence.has("paper") and (
        sentence.has("command") or (sentence.has("demand") and sentence.has("reads this"))
    )


def _is_foreign_order(sentence: _Sentence, previous: _Sentence) -> bool:
    has_wish = sentence.has(*(f"foreign {name}" for name in _WISHES))
    if sentence.has("foreign machine") or previous.has("foreign machine"):
        return has_wish or sentence.has("foreign praise")
    if not has_wish:
        return False
    if sentence.has("machine") and (sentence.has("address") or previous.has("address")):
        return True
    return sentence.has("foreign paper") and sentence.has("foreign demand")


_ANNOUNCED = re.compile(
    r"\b(?:prompts?|templates?|system messages?|instructions?|listing)\b(?:[^.!?\"“\n]|"
    r"\.\d){0,80}[:=]\s{0,2}[\"“]"
    r"[^\"”]{0,1500}"
)


MAX_ANNOUNCEMENT_CHARACTERS = 1700
"""Characters before a passage in which an announcement and its quotation marks are looked for."""


def is_announced(text: str, position: int) -> bool:
    """Return True if a position stands in quotation marks that are announced as a prompt or a listing."""
    start = max(0, position - MAX_ANNOUNCEMENT_CHARACTERS)
    return any(found.end() == position - start for found in _ANNOUNCED.finditer(text[start:position]))


_QUOTED = re.compile(r"[\"“«„»「『‘][^\"”«»“」』’]{3,300}[\"”»«“」』’]")


@cache
def _compile_mention_check() -> Callable[[str], bool]:
    """Compile a check that returns True for words that announce somebody's words."""
    return compile_quick_check(
        r"\b(?:outputs?|wrote|writes?|says|said|reads|contain(?:s|ed)|hid(?:den)?|insert(?:s|ed)?|prompts?|"
        r"payloads?|strings?|such as|e\.g|like|row|listing|told|asked|titled|called|append(?:s|ed)|"
        r"embedd?(?:s|ed)|wie|como|comme|som|commands?|phrases?|worded|opens with|starts? with)\b|例|以下|"
        r"といった|다음"
    )


def _is_mention(text: str) -> bool:
    """Return True if the order of a sentence stands in quotation marks, and the sentence tells about it."""
    kept = _QUOTED.sub(" ", text)
    if kept == text or not _compile_mention_check()(kept):
        return False
    frame = _Sentence(kept)
    return not frame.find_outcome(_ALL_OUTCOMES) and not frame.has("you", "begins with command")


def _is_wish(sentence: _Sentence) -> bool:
    return sentence.has(*_WISHES) and sentence.has("command", "demand", "paper", "output", "machine")


def is_about_others(text: str, start: int, end: int) -> bool:
    """Return True if the sentence around a passage is about attacks, annotators, answers or a scale."""
    reach = MAX_SENTENCE_CHARACTERS // 2
    first = max(text.rfind(". ", max(0, start - reach), start), start - reach, 0)
    last = text.find(". ", end, end + reach)
    sentence = _Sentence(text[first : last if last >= 0 else end + reach])
    return sentence.has(
        "not attack",
        "not people",
        "not answers",
        "not scale",
        "not reply",
        "not fair",
        "not authors",
        "foreign guard",
        "foreign answers",
    )


def split_sentences(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each sentence, cut at `MAX_SENTENCE_CHARACTERS`.

    A line break alone ends no sentence.
    """
    start = 0
    for found in _END.finditer(text):
        yield from _cut(start, found.end())
        start = found.end()
    yield from _cut(start, len(text))


def _cut(start: int, end: int) -> Iterator[tuple[int, int]]:
    for first in range(start, end, MAX_SENTENCE_CHARACTERS):
        yield first, min(end, first + MAX_SENTENCE_CHARACTERS)


# It begins with one class of signs, by which `re` finds the next place ten times faster.
_END = re.compile(
    r"[.!?。！？।؟\n](?:(?<=[\w)\]%\"”»][\w)\]%\"”»][.!?])[\"'”’»)]{0,2}(?=\s)|(?<=[。！？।؟])|"
    r"(?<=\n)\s*\n|(?<=[.:;!?…]\n))"
)


@cache
def _compile_signals() -> dict[str, Callable[[str], bool]]:
    return {name: compile_quick_check(pattern) for name, pattern in _list_patterns().items()}


def _list_patterns() -> dict[str, str]:
    return {
        prefix + name: pattern.replace(" ", BETWEEN)
        for prefix, patterns in (("", ENGLISH), ("not ", GUARDS), ("foreign ", FOREIGN))
        for name, pattern in patterns.items()
    }


def _list_possible_outcomes(text: str) -> list[str]:
    """Return the outcomes that a sentence of a text may have: all that it has, and few that it has not."""
    return [name for may_match, names in _compile_outcome_checks() if may_match(text) for name in names]


@cache
def _compile_outcome_checks() -> Sequence[tuple[Callable[[str], bool], Sequence[str]]]:
    """Compile checks of outcomes, each with their names.

    A check returns False for a text only if no sentence of it has one of the outcomes. With more outcomes in
    a check, its automaton outgrows its cache.
    """
    patterns = _list_patterns()
    foreign = [name for name in _ALL_OUTCOMES if name.startswith("foreign ")]
    together = [foreign, ["dialogue", "form"]]
    alone = [[name] for name in _ALL_OUTCOMES if not any(name in group for group in together)]
    groups = [*together, *alone]
    return [
        (compile_quick_check("|".join(f"(?:{loosen_pattern(patterns[name])})" for name in group)), group)
        for group in groups
    ]
