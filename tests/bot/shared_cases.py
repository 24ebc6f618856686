"""Messages that every renderer is tested with, and a reader of console pages."""

from dataclasses import replace

from bot.chat.message import Card, Message
from bot.present.card import build_card
from bot.present.digest import present_digest
from bot.present.moderation import present_held_papers
from digests.model import NOT_REVIEWED, Digest, EmptyReason, Flag, Pick, ScoredPaper
from digests.ports.moderation import HeldPaper
from digests.subscription import Channel, Preferences
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


def a_list_of_held(*papers: ScoredPaper) -> Message:
    return present_held_papers([HeldPaper(paper, paper.paper.title, NOW) for paper in papers], "/paper")


def a_plain_card() -> Card:
    return build_card(a_uniform_paper("A quiet title"), 1, "#1 of 3")


SHARED_CASES: dict[str, Message] = {
    "an empty digest": a_digest_of(nothing=EmptyReason.QUIET_DAY),
    "one pick": a_digest_of(a_uniform_paper("A quiet title")),
    "five picks": a_digest_of(*(a_uniform_paper(f"Title {n}", n) for n in range(5))),
    "a hundred picks": a_digest_of(*(a_uniform_paper(f"Title {n}", n) for n in range(100))),
    "nasty signs": a_digest_of(*(a_uniform_paper(NASTY, n) for n in range(5))),
    "endless abstracts": a_digest_of(*(a_uniform_paper(LONG, n) for n in range(5))),
    "right to left": a_digest_of(a_uniform_paper(RIGHT_TO_LEFT)),
    "Chinese": a_digest_of(a_uniform_paper(CJK)),
    "signs of a terminal": a_digest_of(a_uniform_paper("\x1b[2J\x07[red]x[/red]\x00\r\n")),
    "half a surrogate": a_digest_of(a_uniform_paper("half \ud800 of one")),
    "emoji": a_digest_of(a_uniform_paper("👩‍👩‍👧‍👦🏳️‍🌈" * 40)),
    "no words at all": a_digest_of(a_uniform_paper("")),
    "papers without scores": a_digest_of(
        *(replace(a_uniform_paper(NASTY, n), review=NOT_REVIEWED) for n in range(9))
    ),
    "a hundred papers without scores": a_digest_of(
        *(replace(a_uniform_paper(LONG, n), review=NOT_REVIEWED) for n in range(100))
    ),
    "nothing held": a_list_of_held(),
    "held papers of nasty signs": a_list_of_held(*(a_uniform_paper(NASTY, n) for n in range(9))),
    "held papers without an end": a_list_of_held(*(a_uniform_paper(LONG, n) for n in range(9))),
}
