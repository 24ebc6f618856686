"""Messages that every renderer is tested with, and a reader of console pages."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import time, timedelta

from bot.chat.message import Card, Message, MessageReference
from bot.present.card import build_card
from bot.present.digest import present_digest
from bot.present.lookup import present_review
from bot.present.meeting import present_agenda, present_plan_change, present_poll, present_reminder
from bot.present.moderation import present_held_papers
from bot.present.notes import present_notes
from bot.present.questions import present_answer
from bot.present.queue import QueueEntry, QueuePage, present_queue
from bot.present.recap import Recap, present_recap
from digests.meetings.model import Candidate, MeetingPlan, Member
from digests.meetings.timetable import plan_next_meeting
from digests.model import (
    NOT_REVIEWED,
    Assessment,
    Digest,
    EmptyReason,
    Flag,
    Pick,
    QueueDecision,
    QueuedPaper,
    QueueOutcome,
    QuotedLimitation,
    ReviewDepth,
    ReviewTexts,
    ScoredPaper,
)
from digests.panel import PanelPolicy, combine_reviews
from digests.ports.discussions import AnswerCounts
from digests.ports.meetings import Meeting
from digests.ports.moderation import HeldPaper
from digests.ports.paper_notes import NoteSource, PaperNote
from digests.questions import parse_question
from digests.recap import RecapFacts, ShownPaper, find_span
from digests.subscription import Channel, Preferences, Schedule
from digests.team_agreement import TeamAgreement
from tests.builders import NOW, TODAY, a_paper, a_review

NASTY = "<&*_|@~`>: <!channel> @everyone <@U1> [x](javascript:alert(1)) *b* _i_ ~s~ `c` :smile: https://evil.example/x"
LONG = "Ten thousand characters of an abstract that never ends. " * 180
RIGHT_TO_LEFT = "שלום עולם \u202eevil\u202c مرحبا بالعالم"
CJK = "用于大型语言模型的对齐方法。" * 30


def a_digest_of(*papers: ScoredPaper, nothing: EmptyReason | None = None) -> Message:
    picks = tuple(Pick(paper, "#1 of 3") for paper in papers)
    return present_digest(
        Digest(
            Channel("console", "c"),
            Preferences(),
            TODAY,
            picks,
            len(papers),
            {},
            1,
            empty_reason=nothing,
            last_import=NOW,
        )
    )


def a_uniform_paper(text: str, number: int = 0) -> ScoredPaper:
    """A paper that says the same thing in all of its parts."""
    paper = a_paper(
        f"2401.{number:05}",
        title=text,
        abstract=text,
        authors=(text, text),
        primary_category="cs.LG",
        published=TODAY,
        code_url="https://github.com/a/b",
        flags=(Flag(text, text),),
    )
    review = a_review(tldr=text, limitations=f"(1) {text} (2) {text}", model=text, impact=text)
    return ScoredPaper(paper, review, NOW)


def a_panel_paper(text: str, number: int = 0, scores: tuple[float, ...] = (8.6, 7.4, 8.3)) -> ScoredPaper:
    """A paper with reviews of several models, all of which found the same limitation."""
    scored = a_uniform_paper(text, number)
    members = [
        replace(scored.review, score=score, model=f"{text} {member}") for member, score in enumerate(scores)
    ]
    return replace(scored, review=combine_reviews(members, PanelPolicy(), {}))


def a_quoted_paper(text: str, number: int = 0) -> ScoredPaper:
    """A paper that our own reviewer read, and that says the same thing in all of its parts."""
    scored = a_uniform_paper(text, number)
    points = (QuotedLimitation(text, text),) * 3
    assessment = Assessment("1", ReviewDepth.FULL, ((text, 3),), key_limitations=points)
    return replace(scored, review=replace(scored.review, assessment=assessment))


def a_translated_digest(text: str) -> Message:
    """A digest whose papers are told in another language."""
    translation = ReviewTexts(text, (text,) * 3)
    picks = tuple(Pick(a_quoted_paper(text, number), "", translation) for number in range(3))
    return present_digest(Digest(Channel("console", "c"), Preferences(), TODAY, picks, 3, {}, 1))


def an_answer_about(paper: ScoredPaper) -> Message:
    """The answer to a question, with a link at each passage."""
    text = f"what are its limitations, and is there code? {NASTY}"
    return present_answer(text, parse_question(text), paper)


def a_list_of_held(*papers: ScoredPaper) -> Message:
    return present_held_papers([HeldPaper(paper, paper.paper.title, NOW) for paper in papers], "/paper")


def a_plain_card() -> Card:
    return build_card(a_uniform_paper("A quiet title"), 1, "#1 of 3")


def a_queue_of(text: str) -> Message:
    """Build the last page of a long queue, with this text in each place of its papers and decisions."""
    papers = {f"2401.{n:05}": a_uniform_paper(text, n) for n in range(8)}
    target = MessageReference(Channel("slack", text, text), text)
    entries = [
        QueueEntry(
            QueuedPaper(paper, 1_000, NOW, postponed_until=NOW), ("UADA", "1200", text), 12, NOW, target
        )
        for paper in papers
    ]
    decisions = [
        QueueDecision(paper, outcome, text, NOW, NOW) for paper in papers for outcome in QueueOutcome
    ]
    return present_queue(QueuePage(entries, 992, 2_000, 8), papers, decisions[:3])


_BUILDERS: dict[str, Callable[[], Message]] = {
    "a queue": lambda: a_queue_of("A quiet title"),
    "a queue of nasty signs": lambda: a_queue_of(NASTY),
    "a queue of long texts": lambda: a_queue_of(LONG),
    "an empty digest": lambda: a_digest_of(nothing=EmptyReason.QUIET_DAY),
    "one pick": lambda: a_digest_of(a_uniform_paper("A quiet title")),
    "five picks": lambda: a_digest_of(*(a_uniform_paper(f"Title {n}", n) for n in range(5))),
    "a hundred picks": lambda: a_digest_of(*(a_uniform_paper(f"Title {n}", n) for n in range(100))),
    "nasty signs": lambda: a_digest_of(*(a_uniform_paper(NASTY, n) for n in range(5))),
    "endless abstracts": lambda: a_digest_of(*(a_uniform_paper(LONG, n) for n in range(5))),
    "right to left": lambda: a_digest_of(a_uniform_paper(RIGHT_TO_LEFT)),
    "Chinese": lambda: a_digest_of(a_uniform_paper(CJK)),
    "signs of a terminal": lambda: a_digest_of(a_uniform_paper("\x1b[2J\x07[red]x[/red]\x00\r\n")),
    "half a surrogate": lambda: a_digest_of(a_uniform_paper("half \ud800 of one")),
    "emoji": lambda: a_digest_of(a_uniform_paper("👩‍👩‍👧‍👦🏳️‍🌈" * 40)),
    "no words at all": lambda: a_digest_of(a_uniform_paper("")),
    "papers without scores": lambda: a_digest_of(
        *(replace(a_uniform_paper(NASTY, n), review=NOT_REVIEWED) for n in range(9))
    ),
    "a hundred papers without scores": lambda: a_digest_of(
        *(replace(a_uniform_paper(LONG[:2_000], n), review=NOT_REVIEWED) for n in range(100))
    ),
    "a panel that agrees": lambda: a_digest_of(a_panel_paper("A title of a paper that several reviewed")),
    "panels that disagree about nasty signs": lambda: a_digest_of(
        *(a_panel_paper(NASTY, n, (9.5, 2.0)) for n in range(5))
    ),
    "panels of endless texts": lambda: a_digest_of(*(a_panel_paper(LONG, n, (10.0, 0.0)) for n in range(5))),
    "the full review of a panel of nasty signs": lambda: present_review(a_panel_paper(NASTY)),
    "the full review of a panel of endless texts": lambda: present_review(a_panel_paper(LONG)),
    "quotes of nasty signs": lambda: a_digest_of(*(a_quoted_paper(NASTY, n) for n in range(3))),
    "quotes without an end": lambda: a_digest_of(*(a_quoted_paper(LONG, n) for n in range(3))),
    "the answer about nasty signs": lambda: an_answer_about(a_quoted_paper(NASTY)),
    "the answer about endless texts": lambda: an_answer_about(a_quoted_paper(LONG)),
    "a poll of nasty signs": lambda: a_poll(NASTY),
    "a poll without an end": lambda: a_poll(LONG),
    "an agenda": lambda: an_agenda("A quiet title", "https://meet.example/abc?x=1"),
    "an agenda of nasty signs": lambda: an_agenda(NASTY, NASTY),
    "an agenda without an end": lambda: an_agenda(LONG, LONG),
    "an agenda of nasty signs afterwards": lambda: an_agenda(NASTY, NASTY, afterwards=True),
    "notes of nasty signs": lambda: some_notes(NASTY),
    "notes without an end": lambda: some_notes(LONG),
    "a reminder to people of no platform": lambda: a_reminder(NASTY),
    "a plan of nasty signs": lambda: present_plan_change(a_meeting(place=NASTY), NASTY, "planned meetings"),
    "a recap": lambda: a_recap("A quiet title"),
    "a recap of nasty signs": lambda: a_recap(NASTY),
    "a recap without an end": lambda: a_recap(LONG),
    "nothing held": lambda: a_list_of_held(),
    "translations of nasty signs": lambda: a_translated_digest(NASTY),
    "held papers of nasty signs": lambda: a_list_of_held(*(a_uniform_paper(NASTY, n) for n in range(9))),
    "held papers without an end": lambda: a_list_of_held(*(a_uniform_paper(LONG, n) for n in range(9))),
}


def a_recap(text: str) -> Message:
    """Build the recap of a week in which seven papers were marked, and two of them discussed."""
    papers = {f"2401.{number:05}": a_uniform_paper(text, number) for number in range(7)}
    days = timedelta(days=1)
    shown = tuple(ShownPaper(paper, TODAY - (number % 5) * days, 7.5) for number, paper in enumerate(papers))
    marks = {paper: 7 - number for number, paper in enumerate(papers)}
    span = find_span(Schedule(), TODAY + 6 * days)
    facts = RecapFacts(shown, marks, tuple(papers)[:2])
    return present_recap(Recap(span, facts, papers, TeamAgreement(14, 20), a_uniform_paper(text, 9), 4))


def a_meeting(*candidates: ScoredPaper, place: str = "Room 4", people: int = 1) -> Meeting:
    """A meeting on Thursday 3 December, led by a person with an id of Slack."""
    plan = MeetingPlan(Schedule(time(16), frozenset({3}), "Europe/Berlin"), place=place)
    timetable = plan_next_meeting(plan, NOW)
    members = tuple(Member(f"UADA{number}", NOW) for number in range(people))
    offered = tuple(Candidate(scored.paper.id, scored.review.score) for scored in candidates)
    return Meeting(
        1, 1, 1, Channel("console", "c"), plan, timetable, 1, 1, True,
        presenter="UADA0", candidates=offered, members=members,
    )  # fmt: skip


def a_poll(text: str) -> Message:
    scored = {f"2401.{number:05}": a_uniform_paper(text, number) for number in range(5)}
    return present_poll(a_meeting(*scored.values()), scored)


def an_agenda(text: str, place: str, *, afterwards: bool = False) -> Message:
    scored = a_uniform_paper(text)
    meeting = replace(a_meeting(place=place), paper=scored.paper.id)
    answers = AnswerCounts(worth_it=5, worth_it_total=6) if afterwards else None
    return present_agenda(meeting, {scored.paper.id: scored}, answers)


def some_notes(text: str) -> Message:
    people = ("UADA0", "100200300", text, "")
    sources = (None, NoteSource("300200100", "400", "500/600"), NoteSource("UBOB", "C1", "1.2"), None)
    notes = [
        PaperNote(number, "2401.00001", who, text, NOW, source)
        for number, (who, source) in enumerate(zip(people, sources, strict=True))
    ]
    channel = Channel("discord", "400", "900")
    return present_notes(a_uniform_paper(text), notes, 9, "UADA0", channel, "/digest")


def a_reminder(text: str) -> Message:
    scored, people = a_uniform_paper(text), ("100200300", "UBOB", NASTY, "", *(f"U{n}" for n in range(99)))
    meeting = replace(a_meeting(place=text), paper=scored.paper.id, presenter=NASTY)
    return present_reminder(meeting, {scored.paper.id: scored}, people)


class _BuiltCases(Mapping[str, Message]):
    """Messages by name, each built when a test first asks for it: collecting the tests builds none."""

    def __init__(self) -> None:
        self._built: dict[str, Message] = {}

    def __getitem__(self, name: str) -> Message:
        if name not in self._built:
            self._built[name] = _BUILDERS[name]()
        return self._built[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_BUILDERS)

    def __len__(self) -> int:
        return len(_BUILDERS)


SHARED_CASES: Mapping[str, Message] = _BuiltCases()
