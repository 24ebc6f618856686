"""The demo and its papers."""

import io
import json
from collections import Counter
from importlib.resources import files
from typing import Any

import pytest
from rich.console import Console

from bot.cli.demo import read_sample_papers, run_demo
from digests.limitations import extract_key_limitations
from digests.model import NOT_REVIEWED
from tests.builders import NOW

PAPERS = [scored for _, scored in read_sample_papers(NOW)]


def test_the_bundled_papers_cover_what_a_digest_can_show() -> None:
    assert len(PAPERS) >= 30
    assert len({paper.primary_category for paper, _ in PAPERS}) >= 5
    assert sum(review == NOT_REVIEWED for _, review in PAPERS) >= 3
    assert sum(bool(paper.flags) for paper, _ in PAPERS) == 1
    assert len({paper.id for paper, _ in PAPERS}) == len(PAPERS)


def test_every_bundled_review_is_marked_as_a_sample_and_has_its_limitations() -> None:
    for _, review in PAPERS:
        if review != NOT_REVIEWED:
            assert "sample" in review.model
            assert len(extract_key_limitations(review.limitations).points) == 3


def test_a_flagged_passage_of_the_bundled_papers_is_in_its_paper() -> None:
    assert all(flag.excerpt in paper.abstract for paper, _ in PAPERS for flag in paper.flags)


def test_the_bundled_papers_include_a_day_of_papers_for_every_date() -> None:
    import_dates = Counter(instant.date() for instant, _ in read_sample_papers(NOW))
    assert import_dates[NOW.date()] >= 10
    assert len(import_dates) == 7


def test_bundled_records_have_only_known_fields() -> None:
    text = files("bot.sample").joinpath("papers.jsonl").read_text(encoding="utf-8")
    records: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
    known = {
        "arxiv_id", "title", "authors", "abstract", "primary_category", "categories", "published", "score",
        "tldr",
        "methodology", "experiments", "reproducibility", "limitations", "impact", "model", "read_depth",
        "flags",
        "reviewed_days_ago",
    }  # fmt: skip
    assert {field for record in records for field in record} == known


def run_conversation(*lines: str) -> str:
    console = Console(file=io.StringIO(), width=100)
    run_demo(console, io.StringIO("\n".join(lines) + "\n"))
    assert isinstance(console.file, io.StringIO)
    return " ".join(console.file.getvalue().split())


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("/paper kto", "KTO: Model Alignment as Prospect Theoretic Optimization"),
        ("/paper 2402.01306", "Reproducibility"),
        ("/paper https://arxiv.org/abs/2402.01306", "KTO: Model Alignment"),
        ("/paper zzzqqqxxx", "Nothing found for"),
        ("/paper", "by its arXiv id"),
        ("/digest", "What you can type"),
        ("/digest today", "5 of 14 papers"),
        ("/digest top 3 in vision", "Top 3: in:vision 1. Deep Residual Learning"),
        (
            "/digest top 5 in language since 2023 about reasoning",
            "Top 1: in:language since 2023 about reasoning",
        ),
        (
            "/digest top 5 in language this week",
            "Nothing found with “this week”; without it: 1. Attention Is",
        ),
        ("/digest top 3 this week", "3 of 37 papers"),
        ("/digest top 3 in visoin", "did you mean 'vision'"),
        ("/digest top 99", "Ask for 1 to 20 papers"),
        ("/digest subscribe vision at 09:00 top 3 min 7", "this would change it: domains none → vision"),
        ("/digest subscribe vision top 3 yes", "You changed this channel's digest"),
        ("/digest set top 3 at 9am in Berlin", "You changed this channel's digest: top 5 → 3; time zone UTC"),
        ("/digest settings top 3", "You changed this channel's digest: top 5 → 3"),
        ("/digest subscribe visoin", "did you mean “vision”"),
        ("/digest yesterday", "papers"),
        ('/digest top 3 in vision since 2021 about "diffusion"', "1. High-Resolution Image Synthesis"),
        ("/digest top 3 about zzzqqqxxx", "Nothing found for"),
        ("/paper similar to DPO", "Papers similar to “Direct Preference Optimization” KTO: Model Alignment"),
        ("/digest done 1", "is not in the queue"),
        ("/digest mark 2402.01306", "Marked for discussion"),
        ("/digest list", "The 5 best papers"),
        ("/digest off", "You paused this channel's digest"),
        ("/digest subscribe", "A chat platform opens a form here"),
        ("/digest settings", "The 5 best papers, weekdays at 09:00 (UTC), one message per paper."),
        ("/digest pause", "You paused this channel's digest"),
        ("/digest unsubscribe", "You ended this channel's digest"),
        ("/digest queue", "Nothing to discuss yet"),
        ("/digest held", "Nothing is on hold"),
        ("/digest help", "What you can type"),
        ("/digest subscrib", "Did you mean /digest subscribe"),
        ("react 2", "1 wants to discuss"),
        ("react 9", "The digest has papers 1 to 5"),
        ("react two", "Give the number of a paper"),
        ("help", "react 2 - react with"),
        ("dance", "I don't know “dance”. Type help for a list."),
        ("[red]dance[/red]", "[red]dance[/red]"),
    ],
)
def test_the_demo_answers_every_command_of_a_channel(line: str, answer: str) -> None:
    assert answer in run_conversation(line, "quit")


def test_the_demo_takes_a_discussed_paper_off_the_queue() -> None:
    transcript = run_conversation("react 2", "react 1", "/digest queue done 1", "quit")
    assert transcript.count("To discuss") == 3
    last = transcript[transcript.rindex("To discuss") :]
    assert "1 wants to discuss" in last
    assert "2. " not in last


def test_the_demo_remembers_a_changed_subscription() -> None:
    transcript = run_conversation(
        '/digest subscribe vision, cs.CL about "diffusion" not audio at 08:30 in Europe/Berlin on mon-fri '
        "top 3 min 8 style compact yes",
        "/digest pause",
        "/digest resume",
        "/digest settings",
        "quit",
    )
    preferences = (
        "The 3 best papers from vision and cs.CL that are about diffusion, scored 8 or more, without audio"
    )
    assert preferences in transcript
    assert "You resumed this channel's digest" in transcript


def test_a_number_is_the_paper_of_the_digest() -> None:
    transcript = run_conversation("/paper 2")
    answer = transcript[transcript.index("> ") :]
    assert "3D Gaussian Splatting" in answer
    assert "Did you mean" not in answer


def test_a_second_reaction_by_the_same_person_adds_no_mark() -> None:
    transcript = run_conversation("react 2", "react 2", "react 1")
    last = transcript[transcript.rindex("To discuss") :]
    assert last.count("1 wants to discuss") == 2
