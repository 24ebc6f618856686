"""Messages and lines about papers that somebody looked up, linked to or shared. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

from bot.chat.message import (
    Block,
    Button,
    ButtonAction,
    Buttons,
    Card,
    Divider,
    Heading,
    Message,
    OptionRow,
    Text,
)
from bot.present.card import (
    NO_REVIEW,
    build_card,
    build_opinion_buttons,
    build_report_button,
    build_similar_button,
    clip_quote,
    describe_flags,
    describe_hold,
    format_grades,
    format_hold,
    format_review_line,
    format_score,
    name_model,
    shorten_title,
)
from bot.present.reports import (
    NO_READERS,
    ReaderReports,
    list_named_limitations,
    list_reader_lines,
    note_readers,
)
from bot.present.wording import clean_text, format_count
from digests.limitations import list_limitations
from digests.model import NOT_REVIEWED, Panel, PanelMember, ScoredPaper
from digests.panel import is_divided
from digests.ports.search import FoundPaper, Match, SearchResult
from digests.text import clip_text, to_plain_text


def present_lookup(query: str, result: SearchResult, offset: int = 0, *, can_fetch: bool = False) -> Message:
    """Build the answer to a look-up.

    A paper that is certainly meant: its card with buttons and a menu, then the others as a list. Otherwise: a
    list to choose from, with the sentences that show why, and a button for more. Without papers: that nothing
    was found, or that an id is not known. `query` is shown in the answer; `offset` results were shown before.
    """
    sentences = (*describe_coverage(result), *(_describe_fault(fault) for fault in result.faults))
    notes = tuple(Text(sentence, is_small_print=True) for sentence in sentences)
    if result.similar_to:
        return present_similar_papers(result, result.similar_to)
    if result.missing_ids and not result.found:
        unknown = present_missing_paper(result.missing_ids[0], can_fetch=can_fetch)
        return replace(unknown, blocks=(*unknown.blocks, *notes))
    if not result.found:
        return present_no_results(query, notes, result.emptied_by)
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
        title if result.emptied_by or result.is_listing else f"Which paper do you mean by “{clipped}”?",
        (
            Heading(title),
            *notes,
            *(block for found in result.found for block in _build_option(found)),
            *((Buttons((more,)),) if result.has_more else ()),
        ),
    )


def present_best_papers(words: str, result: SearchResult) -> Message:
    """Build the answer to /digest top: numbered cards in the order of the result, or why there are none."""
    notes = tuple(Text(_describe_fault(fault), is_small_print=True) for fault in result.faults)
    if not result.found:
        return present_no_results(words, notes, result.emptied_by)
    title = (
        describe_emptied(result) if result.emptied_by else f"Top {len(result.found)}: {_clip_query(words)}"
    )
    cards = tuple(build_card(scored, number) for number, scored in enumerate(result.papers, 1))
    return Message(title, (Heading(title), *notes, *cards))


def present_card(scored: ScoredPaper) -> Message:
    """Build a message with one paper's card, its buttons and its menu."""
    return _present_meant_paper(SearchResult((FoundPaper(scored, Match.ID),)), ())


def _present_meant_paper(result: SearchResult, notes: tuple[Block, ...]) -> Message:
    best, *others = result.found
    also = [_build_option_row(found.scored) for found in others if found.match > Match.WEAK]
    rest: tuple[Block, ...] = (Divider(), Text("Also found", is_small_print=True), *also) if also else ()
    card, buttons = build_card(best.scored), _build_lookup_buttons(best.scored)
    # With Discuss and the full review, a card has its two visible buttons; without a review there is room.
    if card.review_label:
        card, buttons = replace(card, menu=(*buttons, *card.menu)), ()
    return Message(
        clean_text(best.scored.paper.title),
        (card, *((Buttons(buttons),) if buttons else ()), *notes, *rest),
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
    """Return the line that says which filters left nothing; the papers without them follow, if any."""
    line = f"Nothing found with “{_clip_query(' '.join(result.emptied_by))}”"
    return f"{line}; without it:" if result.found else f"{line}."


def describe_coverage(result: SearchResult) -> Iterator[str]:
    """Yield sentences about papers that were not searched."""
    if result.indexed_share < 1:
        yield (
            f"The search index is still being built ({result.indexed_share:.0%} done): more papers may be "
            "found in some minutes. Ids and exact titles are found already."
        )
    if result.newest:
        reason = "The library is large" if result.is_listing else "These words are frequent"
        yield f"{reason}: searched the newest {result.newest:,} papers."


def _clip_query(query: str) -> str:
    return clip_text(clean_text(query), 80)


def _describe_fault(fault: str) -> str:
    return clip_text(clean_text(fault), 300)


def present_similar_papers(result: SearchResult, scored: ScoredPaper) -> Message:
    """Build the list of papers that are similar to one, with the look of other results."""
    title = describe_similar(result, scored)
    return Message(
        title, (Heading(title), *(block for found in result.found for block in _build_option(found)))
    )


def describe_similar(result: SearchResult, scored: ScoredPaper) -> str:
    """Return the line above papers that are similar to one, or the sentence that there are none."""
    title = shorten_title(clean_text(scored.paper.title) or scored.paper.id, SIMILAR_TITLE_CHARACTERS)
    if result.found:
        return f"Papers similar to “{title}”"
    filters = f" with “{_clip_query(' '.join(result.emptied_by))}”" if result.emptied_by else ""
    return f"No paper here is similar to “{title}”{filters}."


SIMILAR_TITLE_CHARACTERS = 60
"""Characters of a title above the papers that are similar to it: one line on a desktop."""


def _build_option(found: FoundPaper) -> Iterator[Block]:
    """Yield a result's line with its button, and the sentence that shows why it was found, if any."""
    yield _build_option_row(found.scored)
    if found.snippet:
        yield Text(clean_text(found.snippet), is_small_print=True)


def present_limitations(scored: ScoredPaper) -> Message:
    """Build the answer to a question for a paper's limitations: those of its review, in full."""
    title = clean_text(scored.paper.title) or scored.paper.id
    panel = scored.review.panel
    limitations = "" if panel and panel.limitations else clean_text(scored.review.limitations)
    if panel and panel.limitations:
        limitations = "\n".join(_list_merged_limitations(panel, with_quotes=False))
    elif not limitations:
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
    """Build the button that shares a card. A held or rejected paper cannot be shared."""
    share = Button(ButtonAction.SHARE, "Share to channel", scored.paper.id, is_primary=True)
    return () if scored.is_withheld else (share,)


def present_no_results(query: str, notes: tuple[Block, ...] = (), emptied_by: Sequence[str] = ()) -> Message:
    """Build the answer to a query that found nothing, with hints for another query.

    `emptied_by` are the filters that left nothing, if there are no words beside them.
    """
    title = f"Nothing found for “{_clip_query(query)}”"
    hint = "Try fewer or other words, an author's name, or a paper's arXiv id or address."
    if emptied_by:
        title, hint = (
            describe_emptied(SearchResult(emptied_by=tuple(emptied_by))),
            "Try it with other words or dates.",
        )
    elif _resembles_id(query):
        hint = (
            "This is nearly an arXiv id: they have year and month, a point and five digits, as in 2402.01306."
        )
    return Message(title, (Heading(title), Text(hint), *notes))


def _resembles_id(query: str) -> bool:
    """Return True for digits around a point (2402.1306): an id with a wrong month, or a digit too few."""
    month, _, number = query.strip().partition(".")
    return len(query) < 16 and len(month) >= 3 and len(number) >= 3 and (month + number).isdecimal()


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


def present_review(scored: ScoredPaper, readers: ReaderReports = NO_READERS) -> Message:
    """Build a message with every section of a paper's review that is not empty, and its review line.

    The limitations come with the passages that show them and with what `readers` say of them, and flags with
    their words. A paper without a review gets its abstract, and a held or rejected one a sentence about that.
    """
    paper, review = scored.paper, scored.review
    title = clean_text(paper.title) or paper.id
    hold = (Text(f"{describe_hold(scored)}."),) if scored.is_withheld else ()
    texts = _build_review_texts(scored, readers) or _build_abstract(scored)
    flags = tuple(Text(f"⚠ {sentence}") for sentence in describe_flags(paper)[:MAX_SHOWN_FLAGS])
    line = format_review_line(review) or (NO_REVIEW if review == NOT_REVIEWED else "")
    small_print = (Text(line, is_small_print=True),) if line else ()
    buttons = Buttons(
        (build_similar_button(paper), *build_opinion_buttons(paper), *build_report_button(scored))
    )
    return Message(f"Review of {title}", (Heading(title), *hold, *texts, *flags, *small_print, buttons))


MAX_SHOWN_FLAGS = 10
"""Flagged passages of one full review."""


def _build_abstract(scored: ScoredPaper) -> tuple[Text, ...]:
    abstract = clean_text(scored.paper.abstract)
    return (Text(abstract, label="Abstract"),) if abstract else ()


def _build_review_texts(scored: ScoredPaper, readers: ReaderReports) -> tuple[Text, ...]:
    """Return the grades and sections of a review, and what readers say, each with its label.

    Empty ones and the TL;DR are left out.
    """
    review = scored.review
    quoted = review.assessment.key_limitations if review.assessment else ()
    points = "\n".join(
        f"• {clean_text(point.text)}{note_readers(readers, point.text)}{_format_quote(point.quote)}"
        for point in quoted
        if clean_text(point.text)
    )
    panel, limitations = review.panel, list_limitations(review) if readers.counts else ()
    if panel and panel.limitations:
        points = "\n".join(_list_merged_limitations(panel, readers))
    sections = {
        "Panel": _describe_panel(scored),
        "Grades, 1 to 5": format_grades(review),
        "Methodology": clean_text(review.methodology),
        "Experiments": clean_text(review.experiments),
        "Reproducibility": clean_text(review.reproducibility),
        "Limitations, and where the paper shows them": points,
        # Those of imported reviews are all among the merged ones.
        "Limitations, in full": clean_text(review.limitations) if review.assessment or not points else "",
        "Impact": clean_text(review.impact),
        "Readers here": "\n".join(
            (
                *list_named_limitations(review, readers, limitations),
                *list_reader_lines(readers, limitations),
            )
        ),
    }
    return tuple(Text(text, label=label) for label, text in sections.items() if text)


def _describe_panel(scored: ScoredPaper) -> str:
    """Return a panel's score with its spread, its members, and a note on them; "" without a panel.

    Of a single review, only the models that were down are named.
    """
    panel, card = scored.review.panel, build_card(scored)
    spread = f"{card.score} · {card.spread}" if card.spread else ""
    members = _describe_members(panel) if panel else ""
    return "\n".join(filter(None, (spread, members, card.panel_note)))


def _describe_members(panel: Panel) -> str:
    """Return the members with their scores: qwen3 8.6, 8.1; llama4 6.2 (7.4 on the panel's scale).

    Weights are named where they differ.
    """
    scores: dict[str, list[str]] = {}
    has_weights = len({member.weight for member in panel.members}) > 1
    for member in panel.members[:MAX_SHOWN_MEMBERS]:
        weight = f" (weight {member.weight:g})" if has_weights else ""
        scores.setdefault(f"{name_model(member.model)}{weight}", []).append(_format_member_score(member))
    rest = len(panel.members) - MAX_SHOWN_MEMBERS
    names = [f"{name} {', '.join(own)}" for name, own in scores.items()]
    return "; ".join(names + ([f"and {rest} more"] if rest > 0 else []))


def _format_member_score(member: PanelMember) -> str:
    if member.score is None or member.placed_score is None:
        return "without a score"
    score, placed = f"{member.score:.1f}", f"{member.placed_score:.1f}"
    return score if score == placed else f"{score} ({placed} on the panel's scale)"


def _list_merged_limitations(
    panel: Panel, readers: ReaderReports = NO_READERS, *, with_quotes: bool = True
) -> Iterator[str]:
    """Yield a line for each limitation of a panel, with its quotes, finders and readers."""
    for point in panel.limitations:
        if text := clean_text(point.text):
            found = (
                f" (found by {point.found_count} of {panel.reader_count})" if point.found_count > 1 else ""
            )
            quotes = "".join(map(_format_quote, point.quotes)) if with_quotes else ""
            yield f"• {text}{found}{note_readers(readers, point.text)}{quotes}"


MAX_SHOWN_MEMBERS = 20
"""Members of a panel that are named in a full review."""


def _format_quote(quote: str) -> str:
    """Return a line with the passage of the paper, in quotation marks; "" without one."""
    passage = clip_quote(quote)
    return f"\n   “{passage}”" if passage else ""


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
    """Convert papers to records of JSON values: metadata, score, rank, panel, TL;DR, state in moderation.

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
            "panel": _to_panel_record(scored.review.panel) if scored.review.panel else None,
            "models_left_out": list(scored.absent_models),
            "tldr": clean_text(scored.review.tldr),
            "hold": scored.hold_state.value if scored.hold_state else None,
        }
        for scored in papers
    ]


def _to_panel_record(panel: Panel) -> dict[str, Any]:
    """Convert a panel to JSON values: its members, its lowest and highest score, and its disagreement."""
    scores = panel.placed_scores
    return {
        "members": [asdict(member) for member in panel.members],
        "low": scores[0] if scores else None,
        "high": scores[-1] if scores else None,
        "is_divided": is_divided(panel),
    }


def present_shared_paper(scored: ScoredPaper, person_name: str) -> Message:
    """Build a message for a whole channel: the paper's card, and the name of the person who shared it."""
    summary = f"{person_name} shared {to_plain_text(scored.paper.title)}"
    return Message(summary, (build_card(scored), Text(f"Shared by {person_name}", is_small_print=True)))


def present_linked_paper(scored: ScoredPaper) -> Message:
    """Build a message with the card of a paper that somebody linked to."""
    return Message(to_plain_text(scored.paper.title), (build_card(scored),))


def remove_share_button(message: Message) -> Message:
    """Return the message without the buttons that share it, to be shown where there is no channel."""
    return replace(message, blocks=tuple(_drop_share_button(block) for block in message.blocks))


def _drop_share_button(block: Block) -> Block:
    match block:
        case Card():
            return replace(block, menu=_omit_sharing(block.menu))
        case Buttons():
            return Buttons(_omit_sharing(block.buttons))
        case _:
            return block


def _omit_sharing(buttons: Iterable[Button]) -> tuple[Button, ...]:
    return tuple(button for button in buttons if button.action is not ButtonAction.SHARE)
