"""The weekly recap of a channel. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from bot.chat.message import Block, Heading, Message, Text
from bot.present.card import format_score
from bot.present.discussion import format_answers
from bot.present.team_agreement import describe_team_agreement
from bot.present.wording import clean_text, format_count, format_short_weekday
from digests.model import ScoredPaper
from digests.ports.discussions import AnswerCounts
from digests.recap import RecapFacts, RecapSpan
from digests.team_agreement import TeamAgreement
from digests.text import clip_text

TITLE_CHARACTERS = 90
"""Characters of a paper's title in a line."""

MAX_NAMED_PAPERS = 5
"""Papers that are named of those marked, and of those discussed."""


@dataclass(frozen=True, slots=True)
class Recap:
    """Everything that a recap tells. `papers` are by id; those that are not among them are not named.

    `missed` is the most wanted paper that no digest showed, `missed_marks` the people who want it. `answers`
    are those about discussed papers, by id.
    """

    span: RecapSpan
    facts: RecapFacts
    papers: Mapping[str, ScoredPaper]
    agreement: TeamAgreement
    missed: ScoredPaper | None = None
    missed_marks: int = 0
    answers: Mapping[str, AnswerCounts] = field(default_factory=dict)


def present_recap(recap: Recap) -> Message:
    """Build the recap of a week in which people marked or discussed something."""
    facts = recap.facts
    last = recap.span.end - timedelta(days=1)
    title = f"The week here: {format_short_weekday(recap.span.first)} to {format_short_weekday(last)}"
    blocks: list[Block] = [Heading(title), Text(_describe_shown(facts), label="Shown")]
    wanted = [
        f"{_format_paper(recap.papers[paper])} · marked by {count:,} {'person' if count == 1 else 'people'}"
        for paper, count in facts.marks.items()
        if paper in recap.papers
    ]
    blocks += _list_papers("Wanted", wanted)
    discussed = [_format_discussed(paper, recap) for paper in facts.discussed if paper in recap.papers]
    blocks += _list_papers("Discussed", discussed)
    if recap.missed:
        missed = f"{_format_paper(recap.missed)} · {_describe_wish(recap.missed_marks)}"
        blocks.append(Text(f"{missed}. No digest here showed it.", label="Missed"))
    blocks.append(Text(f"{_describe_scores(recap.agreement)}.", label="Scores"))
    return Message(f"{title}. {_summarise(recap, len(wanted), len(discussed))}", tuple(blocks))


def _describe_shown(facts: RecapFacts) -> str:
    if not facts.shown:
        return "no papers"
    papers = format_count(len({each.paper for each in facts.shown}), "paper")
    return f"{papers} in {format_count(len({each.edition for each in facts.shown}), 'digest')}"


def _list_papers(label: str, lines: Sequence[str]) -> list[Text]:
    if not lines:
        return []
    more = len(lines) - MAX_NAMED_PAPERS
    named = [f"• {line}" for line in lines[:MAX_NAMED_PAPERS]] if len(lines) > 1 else list(lines)
    return [Text("\n".join([*named, *([f"and {more:,} more"] if more > 0 else [])]), label=label)]


def _format_paper(scored: ScoredPaper) -> str:
    """Format a paper in a line: “KTO” (2402.01306) · 8.1/10."""
    title = clip_text(clean_text(scored.paper.title), TITLE_CHARACTERS)
    paper = clip_text(clean_text(scored.paper.id), TITLE_CHARACTERS)
    score = format_score(scored.review) if scored.review.score is not None else ""
    return " · ".join(filter(None, (f"“{title}” ({paper})", score)))


def _format_discussed(paper: str, recap: Recap) -> str:
    """Format a discussed paper in a line, with what people answered about it: · worth it 5 of 6."""
    scored = recap.papers[paper]
    answered = format_answers(scored, recap.answers.get(paper, AnswerCounts()))
    return " · ".join(filter(None, (_format_paper(scored), answered)))


def _describe_wish(count: int) -> str:
    return f"{count:,} {'wants' if count == 1 else 'want'} to discuss it"


def _describe_scores(agreement: TeamAgreement) -> str:
    """Describe how the scores agreed with the team, with the meaning of the number."""
    sentence = describe_team_agreement(agreement)
    if not agreement.is_enough:
        return sentence
    return f"{sentence}: what you marked or discussed scored higher than half of the rest of its digest"


def _summarise(recap: Recap, wanted: int, discussed: int) -> str:
    parts = [f"{wanted:,} wanted"] if wanted else []
    parts += [f"{discussed:,} discussed"] if discussed else []
    return f"{_describe_shown(recap.facts)} shown{''.join(f', {part}' for part in parts)}."
