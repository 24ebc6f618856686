"""The card of one paper: its title, score, TL;DR, key limitations, warnings and review line, as text.

Pure.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.chat.message import Card
from bot.present.wording import MAX_TEXT_CHARACTERS, capitalise_first, clean_text, format_date
from digests.domains import domain_name
from digests.limitations import key_limitations_of
from digests.model import (
    NOT_REVIEWED,
    HoldState,
    PaperUpdate,
    Review,
    ScoredPaper,
)
from digests.text import clip_text, find_system_name, split_sentences

TLDR_CHARACTERS = 420
"""Characters of a TL;DR: ten seconds of reading, eight lines on a phone."""

EXCERPT_CHARACTERS = 120
"""Characters of a flagged passage: enough to judge it."""

MAX_NAMED_AUTHORS = 3
"""Largest number of authors that are all named. Of a longer list the first two are named."""

LIMITATIONS_NOT_REVIEWED = "Limitations not reviewed"


def build_card(scored: ScoredPaper, number: int | None = None, reason: str = "") -> Card:
    """Build the card of a paper, for a digest or for the answer to a look-up.

    In a digest, `number` is the paper's place and `reason` says why it was picked. Without a TL;DR, the card
    shows the beginning of the abstract. Only the first `MAX_TEXT_CHARACTERS` of the limitations are read. The
    mark count stays 0.
    """
    paper, review = scored.paper, scored.review
    limitations = key_limitations_of(
        replace(review, limitations=review.limitations[:MAX_TEXT_CHARACTERS])
    ).points
    return Card(
        paper=paper.id,
        title=clean_text(paper.title) or paper.id,
        url=paper.url,
        number=number,
        score=format_score(review),
        authors=format_authors(paper.authors),
        domain=domain_name(paper.primary_category) if paper.primary_category else "",
        tldr=_choose_tldr(scored),
        limitations=tuple(capitalise_first(point) for point in limitations),
        limitations_note="" if limitations else LIMITATIONS_NOT_REVIEWED,
        warnings=tuple(_list_warnings(scored)),
        review_line=format_review_line(review),
        reason=capitalise_first(reason),
    )


def _list_warnings(scored: ScoredPaper) -> Iterable[str]:
    """Yield a sentence about moderation, one for a withdrawal, and one with the passage for each flag."""
    paper = scored.paper
    if scored.is_withheld:
        yield describe_hold(scored)
    if paper.withdrawn:
        yield f"Withdrawn by its authors on {format_date(paper.withdrawn)}"
    for flag in paper.flags:
        statement = "Contains hidden text" if flag.is_hidden else "Contains text"
        category, excerpt = _format_flag_category(flag.category), _format_excerpt(flag.excerpt)
        yield f"{statement} that may be aimed at AI reviewers ({category}): “{excerpt}”"


def _format_excerpt(text: str) -> str:
    """Clip a passage. An ellipsis stands before one that begins with a small letter, so inside a sentence."""
    passage = clip_text(clean_text(text), EXCERPT_CHARACTERS)
    return f"…{passage}" if passage[:1].islower() else passage


def _format_flag_category(category: str) -> str:
    return clip_text(clean_text(category).strip("[]").replace("_", " "), 40) or "unnamed"


def describe_hold(scored: ScoredPaper) -> str:
    """Return a sentence without its stop about a held or rejected paper, "" for any other."""
    match scored.hold_state:
        case HoldState.HELD:
            return "On hold: no channel is shown it before a person has looked at it"
        case HoldState.REJECTED:
            return "Rejected by a person who looked at it: no channel is shown it"
        case _:
            return ""


def format_hold(scored: ScoredPaper) -> str:
    """Return the state of a held or rejected paper for a list, "" for any other."""
    return _HOLD_WORDS[scored.hold_state] if scored.is_withheld and scored.hold_state else ""


_HOLD_WORDS = {HoldState.HELD: "on hold", HoldState.REJECTED: "rejected"}


def format_score(review: Review) -> str:
    """Format score and rank: 8.7/10, rank 3. A missing part is left out; "" without both."""
    parts = [f"{review.score:.1f}/10"] if review.score is not None else []
    return ", ".join(parts + ([f"rank {review.rank}"] if review.rank is not None else []))


def format_authors(authors: Sequence[str]) -> str:
    """Format authors: A. Author, B. Author and 12 more. Up to `MAX_NAMED_AUTHORS` are all named.

    Returns "" without authors.
    """
    names = [abbreviate_name(clean_text(author)) for author in authors if clean_text(author)]
    if len(names) > MAX_NAMED_AUTHORS:
        return f"{names[0]}, {names[1]} and {len(names) - 2:,} more"
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def abbreviate_name(name: str) -> str:
    """Shorten the first name to its initial: Kawin Ethayarajh becomes K. Ethayarajh.

    A single name, a name that begins with initials, a group such as "Qwen Team", and a name in a script
    without capitals stay as they are.
    """
    given, space, family = name.partition(" ")
    if not space or given.endswith(".") or given.isupper() or not given[0].isupper():
        return name
    if family.split()[0].lower() in _GROUP_WORDS:
        return name
    return f"{given[0]}. {family}"


_GROUP_WORDS = ("team", "group", "collaboration", "ai", "research", "labs")


def _choose_tldr(scored: ScoredPaper) -> str:
    """Return the review's TL;DR, else the beginning of the abstract, marked as such, else "".

    Both are cut to whole sentences within `TLDR_CHARACTERS`, if one fits.
    """
    if tldr := clean_text(scored.review.tldr):
        return _fit_whole_sentences(tldr)
    abstract = _fit_whole_sentences(clean_text(scored.paper.abstract, find_system_name(scored.paper.title)))
    return f"From the abstract: {abstract}" if abstract else ""


def _fit_whole_sentences(text: str) -> str:
    """Return the first whole sentences that fit into `TLDR_CHARACTERS`, or the clipped text if none fits."""
    fitting = ""
    for sentence in split_sentences(text[: TLDR_CHARACTERS + 1]) if len(text) > TLDR_CHARACTERS else [text]:
        longer = f"{fitting} {sentence}".strip()
        if (
            not text.startswith(longer)
            or len(longer) > TLDR_CHARACTERS
            or not longer.endswith((".", "!", "?", "。"))
        ):
            break
        fitting = longer
    return fitting or clip_text(text, TLDR_CHARACTERS)


def format_review_line(review: Review) -> str:
    """Return the review line: Reviewed by qwen3, 23 November 2026, from the full text. Or: Not reviewed.

    Unknown parts are left out, and a missing reviewer is mentioned.
    """
    if review == NOT_REVIEWED:
        return "Not reviewed"
    model = clean_text(review.model)
    reviewer = f"Reviewed by {model}" if model else "Reviewed; the reviewer is not named"
    date = format_date(review.reviewed_at) if review.reviewed_at else ""
    depth = f"from the {review.read_depth}" if review.read_depth else ""
    return ", ".join(part for part in (reviewer, date, depth) if part)


def format_update_line(update: PaperUpdate) -> str:
    """Describe the changes of a paper since a message was posted, in one line. Returns "" without changes.

    Such as: Update: v2 since 3 May 2026 · new review: 8.1 (was 7.4). A withdrawal is named in place of a
    version. Moderation is named first.
    """
    parts = []
    if update.hold_state:
        parts.append(_HOLD_WORDS.get(update.hold_state, ""))
    if update.withdrawn:
        parts.append(f"withdrawn by its authors on {format_date(update.withdrawn)}")
    elif update.version:
        parts.append(
            f"v{update.version} since {format_date(update.updated)}"
            if update.updated
            else f"now v{update.version}"
        )
    if update.has_new_review:
        parts.append(_describe_new_review(update))
    return f"Update: {' · '.join(parts)}" if parts else ""


def _describe_new_review(update: PaperUpdate) -> str:
    if update.score is None:
        return "new review" if update.had_review else "reviewed since"
    if not update.had_review or update.previous_score is None:
        return f"{'new review' if update.had_review else 'reviewed since'}: {update.score:.1f}"
    score, previous = f"{update.score:.1f}", f"{update.previous_score:.1f}"
    return f"new review: {score} again" if score == previous else f"new review: {score} (was {previous})"
