"""The sentence of an abstract that says what was done."""

import pytest

from digests.abstract import choose_key_sentence, drop_reference
from digests.text import split_sentences

ABSTRACTS = [
    "Benchmarks abound. This note does not introduce one more. *It asks what we measure with the old ones, "
    "and we find three answers.* None is new.",
    "Drawing lesions exactly matters in the clinic, yet is hard. Scanners differ, and so do doctors. "
    "*We propose a network that sees both scans at once and asks where they disagree.* It gains 4.1 "
    "points on two data sets.",
    "Convolutional networks are used in many fields, which their accuracy justifies. *This paper shows "
    "that a third of their filters can be left out at once.* Accuracy falls by 0.2 points.",
    "Answering questions about videos is a test of reasoning. Most benchmarks can be solved from one "
    "frame. *To this end, we introduce a benchmark of 900 questions that need the order of events.* "
    "Every model stays under 41%.",
    "Language models forget. *Here we present a memory that grows with the text and costs a constant "
    "time per token.* We show that it reads books of a million words.",
    "*This work introduces a grammar of robot grasps.* It is learned from 12 hours of video.",
    "How do birds learn to sing? *We find that two layers are enough to tell the dialects of one "
    "species apart.* The reason is unclear.",
    "Optimizers have many knobs. Their tuning costs more than training. *A step size without knobs is "
    "introduced, which doubles until the loss rises.* It matches tuned ones on 30 of 32 tasks.",
    "Recent work shows that larger models hallucinate less. It is not known why. *In this paper, we "
    "study 14 models of one family and find a threshold in their width.* Code is public.",
    "Sorting is old. Hints are new. *With a hint that is right in 9 of 10 cases, half of the "
    "comparisons are saved.* Without hints nothing is lost.",
    "Our understanding of dropout is limited. Theories abound. *We prove that it is a penalty on the "
    "curvature.* Experiments agree.",
    "Despite progress, agents fail on long tasks. Existing suites are short. *The authors build a suite "
    "of tasks that take people a day.* The best agent solves 3 in 100.",
    "*A network predicts how a chain folds.* It sees the sequence alone.",
    "Data is scarce in medicine. *Our approach, called Lantern, improves on the best of five teachers "
    "without labels.* It runs on a phone.",
    "Many have asked whether scale is all. *This survey describes 212 answers and where they contradict "
    "each other.* We hope that it helps.",
]
"""Abstracts in our words. The wanted sentence stands between stars."""


@pytest.mark.parametrize("marked", ABSTRACTS)
def test_the_chosen_sentence_says_what_was_done(marked: str) -> None:
    _, wanted, _ = marked.split("*")
    assert choose_key_sentence(marked.replace("*", "")) == wanted


def test_an_empty_abstract_has_no_sentence() -> None:
    assert choose_key_sentence("") == ""


def test_a_long_abstract_is_read_in_part() -> None:
    text = "We show it. " * 100_000
    assert choose_key_sentence(text) == "We show it."
    assert len(split_sentences(text[:100])) > 1


@pytest.mark.parametrize(
    ("sentence", "rest"),
    [
        ("To address this gap, we propose a filter.", "We propose a filter."),
        ("To this end, we introduce 900 questions.", "We introduce 900 questions."),
        ("Building on this view, our decoder is continuous.", "Our decoder is continuous."),
        ("In this paper, we study 14 models.", "We study 14 models."),
        ("Here, we show two layers.", "We show two layers."),
        ("To see far, we build a lens.", "To see far, we build a lens."),
        ("In this setting, agents fail.", "In this setting, agents fail."),
        ("This paper shows, we think, a lot.", "This paper shows, we think, a lot."),
        ("To address this,", "To address this,"),
        ("", ""),
    ],
)
def test_an_opening_that_refers_to_what_is_not_shown_is_dropped(sentence: str, rest: str) -> None:
    assert drop_reference(sentence) == rest


def test_a_long_opening_stays() -> None:
    sentence = f"To address this {'very ' * 30}old gap, we propose a filter."
    assert drop_reference(sentence) == sentence
