"""Messages and lines about papers that somebody looked up, linked to or shared. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from bot.chat.message import (
    Block,
    Button,
    ButtonAction,
    Buttons,
    Divider,
    Heading,
    Message,
    OptionRow,
    Text,
)
from bot.present.card import (
    NO_REVIEW,
    build_card,
    describe_flags,
    describe_hold,
    format_hold,
    format_review_line,
    format_score,
)
from bot.present.wording import clean_text, format_count
from digests.model import NOT_REVIEWED, Review, ScoredPaper
from digests.ports.search import FoundPaper, Match, SearchResult
from digests.text import clip_text, to_plain_text


def present_lookup(query: str, result: SearchResult, offset: int = 0, *, can_fetch: bool = False) -> Message:
    """Build the answer to a look-up.

    A paper that is certainly meant: its card with buttons, then the others as a list. Otherwise: a list to
    choose from, with the sentences that show why, and a button for more. Without papers: that nothing was
    found, or that an id is not known. `query` is shown in the answer; `offset` results were shown before.
    """
    notes = tuple(Text(_describe_fault(fault), is_small_print=True) for fault in result.faults)
    if result.missing_ids and not result.found:
        unknown = present_missing_paper(result.missing_ids[0], can_fetch=can_fetch)
        return replace(unknown, blocks=(*unknown.blocks, *notes))
    if not result.found:
        return present_no_results(query, notes)
    notes += tuple(
        Text(f"{clip_text(paper, 60)} is not known here.", is_small_print=True)
        for paper in result.missing_ids
    )
    if result.is_certain and not offset:
        return _present_meant_paper(result, notes)
    clipped = _clip_query(query)
    title = _build_list_title(clipped, result, offset)
    # Discord's buttons cut a value at this sign; its wide form means the same in a query.
    value = f"{offset + len(result.found)}:{query.replace('#', '＃')}"
    more = Button(ButtonAction.MORE, "More results", value)
    return Message(
        f"Which paper do you mean by “{clipped}”?" if not result.emptied_by else title,
        (
            Heading(title),
            *notes,
            *(block for found in result.found for block in _build_option(found)),
            *((Buttons((more,)),) if result.has_more else ()),
        ),
    )


def present_card(scored: ScoredPaper) -> Message:
    """Build a message with one paper's card and its buttons."""
    return _present_meant_paper(SearchResult((FoundPaper(scored, Match.ID),)), ())


def _present_meant_paper(result: SearchResult, notes: tuple[Block, ...]) -> Message:
    best, *others = result.found
    also = [_build_option_row(found.scored) for found in others if found.match > Match.WEAK]
    rest: tuple[Block, ...] = (Divider(), Text("Also found", is_small_print=True), *also) if also else ()
    buttons = _build_lookup_buttons(best.scored)
    return Message(
        clean_text(best.scored.paper.title),
        (build_card(best.scored), *((Buttons(buttons),) if buttons else ()), *notes, *rest),
    )


def _build_list_title(query: str, result: SearchResult, offset: int) -> str:
    count = len(result.found)
    if result.emptied_by:
        return describe_emptied(result)
    if offset:
        return f"Results {offset + 1} to {offset + count} for “{query}”"
    if result.is_listing:
        return f"{format_count(count, 'paper')} for “{query}”"
    if result.found[0].match is Match.ID:
        return f"These {format_count(count, 'paper')}"
    question = "this paper" if count == 1 else f"one of these {count}"
    if result.found[0].match is Match.WEAK:
        return f"Nothing has all of “{query}”. Did you mean {question}?"
    return f"Did you mean {question}?"


def describe_emptied(result: SearchResult) -> str:
    """Return the line that says which filters left nothing."""
    return f"Nothing found with “{_clip_query(' '.join(result.emptied_by))}”; without it:"


def _clip_query(query: str) -> str:
    return clip_text(clean_text(query), 80)


def _describe_fault(fault: str) -> str:
    return clip_text(clean_text(fault), 300)


def _build_option(found: FoundPaper) -> Iterator[Block]:
    """Yield a result's line with its button, and the sentence that shows why it was found, if any."""
    yield _build_option_row(found.scored)
    if found.snippet:
        yield Text(clean_text(found.snippet), is_small_print=True)


def present_limitations(scored: ScoredPaper) -> Message:
    """Build the answer to a question for a paper's limitations: those of its review, in full."""
    title = clean_text(scored.paper.title) or scored.paper.id
    limitations = clean_text(scored.review.limitations)
    if not limitations:
        points = scored.review.assessment.key_limitations if scored.review.assessment else ()
        limitations = " ".join(clean_text(point.text) for point in points)
    if limitations:
        text = Text(limitations, label="Limitations")
    elif scored.review == NOT_REVIEWED:
        text = Text("This paper was not reviewed, so its limitations are not known here.")
    else:
        text = Text("The review names no limitations.")
    hold = (Text(f"{describe_hold(scored)}."),) if scored.is_withheld else ()
    show = Button(ButtonAction.SHOW, "Show card", scored.paper.id)
    small_print = Text(format_review_line(scored.review), is_small_print=True)
    return Message(f"Limitations of {title}", (Heading(title), *hold, text, small_print, Buttons((show,))))


def _build_option_row(scored: ScoredPaper) -> OptionRow:
    """Build a line with title, state in moderation and score, and a button that shows the paper."""
    title = clip_text(clean_text(scored.paper.title), 120)
    parts = (title, format_hold(scored), format_score(scored.review))
    return OptionRow(" · ".join(filter(None, parts)), Button(ButtonAction.SHOW, "Show", scored.paper.id))


def _build_lookup_buttons(scored: ScoredPaper) -> tuple[Button, ...]:
    """Build the button under a card that shares it. A held or rejected paper cannot be shared."""
    share = Button(ButtonAction.SHARE, "Share to channel", scored.paper.id, is_primary=True)
    return () if scored.is_withheld else (share,)


def present_no_results(query: str, notes: tuple[Block, ...] = ()) -> Message:
    """Build the answer to a query that found nothing, with hints for another query."""
    title = f"Nothing found for “{_clip_query(query)}”"
    hint = "Try fewer or other words, an author's name, or a paper's arXiv id or address."
    return Message(title, (Heading(title), Text(hint), *notes))


def present_missing_paper(paper: str, *, can_fetch: bool) -> Message:
    """Build the answer about a paper that was named by its id or address and is not known.

    It says why the paper is not fetched.
    """
    if paper.startswith("web:"):
        title = "This page is no paper that is known here"
        hint = "Papers outside arXiv are known only after an import. A paper on arXiv is found by its id."
    else:
        title = f"{clip_text(paper, 60)} is not known here"
        hint = (
            "It can be fetched from arXiv in a chat: ask there."
            if can_fetch
            else "It cannot be fetched, since no source of papers from arXiv is set up: whoever runs "
            "Paperround can add one to the settings."
        )
    return Message(title, (Heading(title), Text(hint)))


def present_pending_fetch(paper: str) -> Message:
    """Build the answer about an unknown paper while arXiv does not answer: it will be fetched later."""
    title = f"{paper} is not known here yet"
    return Message(
        title, (Heading(title), Text("It is being fetched from arXiv: ask again in a few minutes."))
    )


def present_unknown_paper(paper: str) -> Message:
    """Build the answer about an id that arXiv does not know either."""
    title = f"arXiv does not know {paper}"
    hint = "Check the id. A paper that is announced tonight is available tomorrow."
    return Message(title, (Heading(title), Text(hint)))


def present_review(scored: ScoredPaper) -> Message:
    """Build a message with every section of a paper's review that is not empty, and its review line.

    The limitations come with the passages that show them, and flags with their words. A paper without a
    review gets its abstract, and a held or rejected one a sentence about that.
    """
    paper, review = scored.paper, scored.review
    title = clean_text(paper.title) or paper.id
    hold = (Text(f"{describe_hold(scored)}."),) if scored.is_withheld else ()
    texts = _build_review_texts(review) or _build_abstract(scored)
    flags = tuple(Text(f"⚠ {sentence}") for sentence in describe_flags(paper)[:MAX_SHOWN_FLAGS])
    line = format_review_line(review) or (NO_REVIEW if review == NOT_REVIEWED else "")
    small_print = (Text(line, is_small_print=True),) if line else ()
    return Message(f"Review of {title}", (Heading(title), *hold, *texts, *flags, *small_print))


MAX_SHOWN_FLAGS = 10
"""Flagged passages of one full review."""


def _build_abstract(scored: ScoredPaper) -> tuple[Text, ...]:
    abstract = clean_text(scored.paper.abstract)
    return (Text(abstract, label="Abstract"),) if abstract else ()


def _build_review_texts(review: Review) -> tuple[Text, ...]:
    """Return the grades and sections of a review, each with its label.

    Empty ones and the TL;DR are left out.
    """
    grades = dict(review.assessment.grades) if review.assessment else {}
    quoted = review.assessment.key_limitations if review.assessment else ()
    points = "\n".join(
        f"• {clean_text(point.text)}{_format_quote(point.quote)}"
        for point in quoted
        if clean_text(point.text)
    )
    sections = {
        "Grades, 1 to 5": ", ".join(f"{name} {grade}" for name, grade in grades.items()),
        "Methodology": clean_text(review.methodology),
        "Experiments": clean_text(review.experiments),
        "Reproducibility": clean_text(review.reproducibility),
        "Limitations, and where the paper shows them": points,
        "Limitations, in full": clean_text(review.limitations),
        "Impact": clean_text(review.impact),
    }
    return tuple(Text(text, label=label) for label, text in sections.items() if text)


def _format_quote(quote: str) -> str:
    """Return a line with the passage of the paper, in quotation marks; "" without one."""
    passage = clip_text(clean_text(quote), MAX_QUOTE_CHARACTERS)
    return f"\n   “{passage}”" if passage else ""


MAX_QUOTE_CHARACTERS = 500
"""Characters of a passage that shows a limitation."""


def format_suggestion(scored: ScoredPaper, max_characters: int) -> str:
    """Format a paper as a line of at most `max_characters` for completion: title, moderation, score, id.

    The title is clipped to what the others leave.
    """
    parts = (format_hold(scored), format_score(scored.review), clip_text(scored.paper.id, 30))
    tail = "".join(f" · {part}" for part in parts if part)
    return (
        f"{clip_text(clean_text(scored.paper.title), max_characters - len(tail)) or 'Untitled paper'}{tail}"[
            :max_characters
        ]
    )


def format_paper_lines(papers: Sequence[ScoredPaper]) -> list[str]:
    """Format papers for a terminal, each as a line of columns: id, score, title.

    The state of a held or rejected paper stands before its title.
    """
    return [
        f"{scored.paper.id:<12} {format_score(scored.review) or '-':<16} "
        f"{f'({format_hold(scored)}) ' if scored.is_withheld else ''}{clean_text(scored.paper.title)}"
        for scored in papers
    ]


def to_paper_records(papers: Sequence[ScoredPaper]) -> list[dict[str, Any]]:
    """Convert papers to records of JSON values: metadata, score, rank, TL;DR, and the state in moderation.

    Unknown values are None or "".
    """
    return [
        {
            "id": scored.paper.id,
            "title": clean_text(scored.paper.title),
            "url": scored.paper.url,
            "authors": list(scored.paper.authors),
            "primary_category": scored.paper.primary_category,
            "published": scored.paper.published.isoformat() if scored.paper.published else None,
            "score": scored.review.score,
            "rank": scored.review.rank,
            "tldr": clean_text(scored.review.tldr),
            "hold": scored.hold_state.value if scored.hold_state else None,
        }
        for scored in papers
    ]


def present_shared_paper(scored: ScoredPaper, person_name: str) -> Message:
    """Build a message for a whole channel: the paper's card, and the name of the person who shared it."""
    summary = f"{person_name} shared {to_plain_text(scored.paper.title)}"
    return Message(summary, (build_card(scored), Text(f"Shared by {person_name}", is_small_print=True)))


def present_linked_paper(scored: ScoredPaper) -> Message:
    """Build a message with the card of a paper that somebody linked to."""
    return Message(to_plain_text(scored.paper.title), (build_card(scored),))


def remove_share_button(message: Message) -> Message:
    """Return the message without its share buttons, to be shown where there is no channel."""
    return replace(message, blocks=tuple(_drop_share_button(block) for block in message.blocks))


def _drop_share_button(block: Block) -> Block:
    if not isinstance(block, Buttons):
        return block
    return Buttons(tuple(button for button in block.buttons if button.action is not ButtonAction.SHARE))
