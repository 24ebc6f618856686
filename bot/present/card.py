"""The card of one paper: its title, score, TL;DR, key limitations, warnings, links and review line, as text.

Pure.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from urllib.parse import quote, urlsplit

from bot.chat.message import Button, ButtonAction, Card, Link, Quote
from bot.present.wording import (
    MAX_TEXT_CHARACTERS,
    capitalise_first,
    clean_text,
    format_date,
    format_short_date,
)
from digests.abstract import choose_key_sentence, drop_reference
from digests.domains import domain_name
from digests.ids import parse_arxiv_id
from digests.limitations import key_limitations_of, shorten_point
from digests.model import (
    NOT_REVIEWED,
    Flag,
    HoldState,
    Panel,
    Paper,
    PaperUpdate,
    Review,
    ReviewTexts,
    ScoredPaper,
)
from digests.panel import is_divided
from digests.text import clip_text, clip_to_phrase, find_system_name, split_sentences

TLDR_CHARACTERS = 420
"""Characters of a TL;DR: ten seconds of reading, eight lines on a phone."""

BRIEF_CHARACTERS = 150
"""Characters of the sentence in the compact look: four lines on a phone."""

BRIEF_LIMITATION_CHARACTERS = 90
"""Characters of the limitation in the compact look: two lines on a phone."""

SHORT_TITLE_CHARACTERS = 24
"""Characters of a title on a button."""

EXCERPT_CHARACTERS = 120
"""Characters of a flagged passage: enough to judge it."""

MAX_QUOTE_CHARACTERS = 500
"""Characters of a passage that shows a limitation."""

MAX_NAMED_AUTHORS = 3
"""Largest number of authors that are all named. Of a longer list the first two are named."""

MAX_NAMED_MODELS = 3
"""Largest number of a panel's models that are all named. Of more the first two are named."""

MODEL_CHARACTERS = 60
"""Characters of a model's name beside others."""

NO_REVIEW = "No review yet"

MORE_OF_THIS, NOT_FOR_US = "More of this", "Not for us"
"""Labels of the two buttons that vote on a paper for the picks of a channel."""

DISAGREEMENT = "The reviewers disagree widely about this paper"


def build_card(
    scored: ScoredPaper,
    number: int | None = None,
    reason: str = "",
    translation: ReviewTexts | None = None,
) -> Card:
    """Build the card of a paper, for a digest or for the answer to a look-up.

    In a digest, `number` is the paper's place and `reason` says why it was picked; such a card alone has
    quotes and grades. A `translation` takes the place of TL;DR and limitations; title and quotes stay.
    Without a TL;DR, the card shows the beginning of the abstract. Only the first `MAX_TEXT_CHARACTERS` of the
    limitations are read. The mark count stays 0.
    """
    if translation:
        scored = replace(scored, review=replace(scored.review, tldr=translation.tldr))
    paper, review = scored.paper, scored.review
    limitations = key_limitations_of(replace(review, limitations=review.limitations[:MAX_TEXT_CHARACTERS]))
    texts = translation.limitations if translation else limitations.points
    points = tuple(capitalise_first(point) for point in texts)
    title = clean_text(paper.title) or paper.id
    return Card(
        paper=paper.id,
        title=title,
        url=paper.url,
        number=number,
        score=_format_card_score(review, number),
        authors=format_authors(paper.authors),
        domain=domain_name(paper.primary_category) if paper.primary_category else "",
        published=format_short_date(paper.published) if paper.published else "",
        tldr=_choose_tldr(scored),
        limitations=points,
        remaining_limitations=limitations.remaining_count,
        quotes=_list_quotes(points, review) if number is not None else (),
        grades=format_grades(review) if number is not None else "",
        warnings=tuple(_list_warnings(scored)),
        flag_note=_format_flag_note(paper.flags),
        links=list_links(paper),
        review_line=format_review_line(review),
        reason=capitalise_first(reason),
        review_label=_choose_review_label(scored),
        menu=(
            *(build_opinion_buttons(paper) if number is not None else ()),
            build_similar_button(paper),
            *build_ask_button(scored),
            *build_report_button(scored),
        ),
        short_title=shorten_title(title, SHORT_TITLE_CHARACTERS),
        brief=_shorten_to_sentence(
            clean_text(review.tldr) or drop_reference(choose_key_sentence(_clean_abstract(paper)))
        ),
        brief_limitation=_format_brief_limitation(points, limitations.remaining_count),
        spread=_format_spread(review.panel),
        panel_note=_format_panel_note(scored),
    )


def build_similar_button(paper: Paper) -> Button:
    """Build the button that shows papers similar to one."""
    return Button(ButtonAction.SIMILAR, "Similar", paper.id)


def build_opinion_buttons(paper: Paper) -> tuple[Button, ...]:
    """Build the buttons by which people say that they want more like a paper, or fewer."""
    return (
        Button(ButtonAction.MORE_OF_THIS, MORE_OF_THIS, paper.id),
        Button(ButtonAction.NOT_FOR_US, NOT_FOR_US, paper.id),
    )


def build_ask_button(scored: ScoredPaper) -> tuple[Button, ...]:
    """Build the button for a question about a paper; () without a review."""
    return (Button(ButtonAction.ASK, "Ask", scored.paper.id),) if scored.review != NOT_REVIEWED else ()


def build_report_button(scored: ScoredPaper) -> tuple[Button, ...]:
    """Build the button that opens the form about a paper's review; () without a review."""
    if scored.review == NOT_REVIEWED:
        return ()
    return (Button(ButtonAction.REPORT, "This is wrong", scored.paper.id),)


def build_unscored_card(
    scored: ScoredPaper, reason: str = "", translation: ReviewTexts | None = None
) -> Card:
    """Build the card of a paper on a day without scores: title, one sentence, the reason, and links.

    It has no place, and names nothing that is missing.
    """
    card = build_card(scored, reason=reason, translation=translation)
    return replace(
        card,
        score="",
        authors="",
        domain="",
        published="",
        spread="",
        panel_note="",
        tldr=card.brief,
        review_line="",
        brief_links=card.links,
    )


def _format_card_score(review: Review, number: int | None) -> str:
    """Return the score, or that there is no review.

    The rank of a paper without a score is given only outside of a digest, whose places follow the ranks.
    """
    if review.score is not None:
        return f"{review.score:.1f}{' of 10' if _has_several_scores(review.panel) else '/10'}"
    if review == NOT_REVIEWED:
        return NO_REVIEW
    return f"Rank {review.rank}" if review.rank is not None and number is None else ""


def _has_several_scores(panel: Panel | None) -> bool:
    return panel is not None and len(panel.placed_scores) > 1


def _format_spread(panel: Panel | None) -> str:
    """Return the number of a panel's scores, and the lowest and highest: panel of 3, 7.4 to 8.6."""
    if not panel or not _has_several_scores(panel):
        return ""
    low, high = (f"{score:.1f}" for score in (panel.placed_scores[0], panel.placed_scores[-1]))
    return f"panel of {len(panel.placed_scores)}, {f'all {low}' if low == high else f'{low} to {high}'}"


def _format_panel_note(scored: ScoredPaper) -> str:
    """Say that a panel disagrees widely, and which of its models were down; "" if there is neither."""
    panel = scored.review.panel
    return " · ".join(
        filter(None, (DISAGREEMENT if panel and is_divided(panel) else "", format_absent_models(scored)))
    )


def format_absent_models(scored: ScoredPaper) -> str:
    """Name the models of a panel that were down: Without gemma3, which did not answer."""
    names = list(dict.fromkeys(map(name_model, scored.absent_models)))
    return f"Without {_join_names(names)}, which did not answer" if names else ""


def list_links(paper: Paper) -> tuple[Link, ...]:
    """Return the links of a paper that are known: its page with its id, PDF, code, and a page about it.

    That is the page of Hugging Face for a paper that came from there, else that of alphaXiv.
    """
    links = []
    if arxiv := parse_arxiv_id(paper.id):
        address = quote(arxiv.id, safe="/.")
        links += [Link(f"arXiv {arxiv.id}", paper.url), Link("PDF", f"https://arxiv.org/pdf/{address}")]
    elif paper.url:
        links += [Link(urlsplit(paper.url).hostname or "Paper", paper.url)]
    if paper.code_url:
        links += [Link("Code", paper.code_url)]
    if arxiv and paper.upvotes is not None:
        links += [Link("Hugging Face", f"https://huggingface.co/papers/{address}")]
    elif arxiv:
        links += [Link("alphaXiv", f"https://www.alphaxiv.org/abs/{address}")]
    return tuple(links)


def shorten_title(title: str, limit: int) -> str:
    """Return the part of a title before ": ", the name of a model or method most often.

    Returns the title clipped to `limit` characters if it has no such colon, or less than 3 characters before
    it, or more than `limit`.
    """
    name, colon, _ = title.partition(": ")
    return name if colon and 3 <= len(name) <= limit else clip_text(title, limit)


def _choose_review_label(scored: ScoredPaper) -> str:
    """Return the label of the button that opens the full review, or the abstract where there is none."""
    if scored.review != NOT_REVIEWED or scored.paper.flags:
        return "Full review"
    return "Abstract" if scored.paper.abstract.strip() else ""


def _list_warnings(scored: ScoredPaper) -> Iterable[str]:
    """Yield a sentence about moderation, and one for a withdrawal."""
    if scored.is_withheld:
        yield describe_hold(scored)
    if scored.paper.withdrawn:
        yield f"Withdrawn by its authors on {format_date(scored.paper.withdrawn)}"


def _format_flag_note(flags: Sequence[Flag]) -> str:
    """Return the quiet line about flagged passages, without their words; "" without flags."""
    if not flags:
        return ""
    hidden = "hidden " if any(flag.is_hidden for flag in flags) else ""
    return f"Contains {hidden}text that may be aimed at AI reviewers"


def describe_flags(paper: Paper) -> list[str]:
    """Return a sentence with the kind and the passage for each flag of a paper."""
    return [
        f"{_format_flag_note([flag])} ({_format_flag_category(flag.category)}): "
        f"“{_format_excerpt(flag.excerpt)}”"
        for flag in paper.flags
    ]


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
    """Shorten all given names to their initials: Jong Wook Kim becomes J. W. Kim.

    The surname is the last word, with the particles before it (van der) and a suffix after it (Jr.). A single
    name, a name that begins with initials, a group such as "Qwen Team", and a name in a script without
    capitals stay as they are.
    """
    words = name.split()
    first = words[0] if words else ""
    if len(words) < 2 or first.endswith(".") or first.isupper() or not first[0].isupper():
        return name
    if any(word.lower() in _GROUP_WORDS for word in words[1:]):
        return name
    start = len(words) - 1 - (len(words) > 2 and words[-1] in _NAME_SUFFIXES)
    while start > 1 and words[start - 1].islower():
        start -= 1
    return " ".join([*map(_initial_of, words[:start]), *words[start:]])


_GROUP_WORDS = ("team", "group", "collaboration", "ai", "research", "labs")
_NAME_SUFFIXES = ("Jr", "Jr.", "Sr", "Sr.", "II", "III", "IV")


def _initial_of(given: str) -> str:
    """Return the initials of a given name, with the hyphen of a double one: J., J.-P."""
    if given.endswith("."):
        return given
    return "-".join(f"{part[0]}." for part in given.split("-") if part)


def _choose_tldr(scored: ScoredPaper) -> str:
    """Return the review's TL;DR, else the beginning of the abstract, marked as such, else "".

    Both are cut to whole sentences within `TLDR_CHARACTERS`, if one fits.
    """
    if tldr := clean_text(scored.review.tldr):
        return _fit_whole_sentences(tldr, TLDR_CHARACTERS)
    abstract = _fit_whole_sentences(_clean_abstract(scored.paper), TLDR_CHARACTERS)
    return f"From the abstract: {abstract}" if abstract else ""


def _clean_abstract(paper: Paper) -> str:
    return clean_text(paper.abstract, find_system_name(paper.title))


def _fit_whole_sentences(text: str, limit: int) -> str:
    """Return the first whole sentences that fit into `limit`, or the clipped text if none fits."""
    fitting = ""
    for sentence in split_sentences(text[: limit + 1]) if len(text) > limit else [text]:
        longer = f"{fitting} {sentence}".strip()
        if not text.startswith(longer) or len(longer) > limit or not longer.endswith((".", "!", "?", "。")):
            break
        fitting = longer
    return fitting or clip_text(text, limit)


def _shorten_to_sentence(text: str) -> str:
    """Return the first sentence of a text, clipped to `BRIEF_CHARACTERS`."""
    first = next(iter(split_sentences(text)), text)
    return clip_to_phrase(first, BRIEF_CHARACTERS)


def _list_quotes(points: Sequence[str], review: Review) -> tuple[Quote, ...]:
    """Return the passages that our own reviewer gave for its limitations, `points`, where it gave one."""
    quoted = review.assessment.key_limitations if review.assessment else ()
    return tuple(
        Quote(point, passage)
        for point, limitation in zip(points, quoted, strict=False)
        if (passage := clip_quote(limitation.quote))
    )


def clip_quote(quote: str) -> str:
    """Return a passage of a paper as plain text, clipped."""
    return clip_text(clean_text(quote[:MAX_TEXT_CHARACTERS]), MAX_QUOTE_CHARACTERS)


def format_grades(review: Review) -> str:
    """Return the grades of our own reviewer in a line: novelty 3, soundness 4. Returns "" without any."""
    grades = review.assessment.grades if review.assessment else ()
    return ", ".join(f"{name} {grade}" for name, grade in grades)


def _format_brief_limitation(points: Sequence[str], remaining_count: int) -> str:
    """Return the first limitation, and the number of the others: Limitation: only English is tested · +2."""
    if not points:
        return ""
    others = len(points) - 1 + remaining_count
    first = shorten_point(points[0], BRIEF_LIMITATION_CHARACTERS)
    if first.endswith("…"):
        first = clip_to_phrase(points[0], BRIEF_LIMITATION_CHARACTERS)
    return f"Limitation: {first}{f' · +{others:,}' if others else ''}"


def format_review_line(review: Review) -> str:
    """Return the review line: Reviewed by qwen3, 23 November 2026, from the full text.

    A panel's models are named: by qwen3 and llama4; by qwen3, 3 votes. Unknown parts are left out. Returns ""
    without a review, and if nothing is known about it.
    """
    model = _name_models(review.panel) if review.panel else clean_text(review.model)
    date = format_date(review.reviewed_at) if review.reviewed_at else ""
    depth = f"from the {review.read_depth}" if review.read_depth else ""
    parts = [*([f"by {model}"] if model else []), *filter(None, (date, depth))]
    return f"Reviewed {', '.join(parts)}" if parts else ""


def _name_models(panel: Panel) -> str:
    """Return the models of a panel, or its only model with the number of its votes."""
    models = list(dict.fromkeys(name_model(member.model) for member in panel.members))
    if len(models) == 1:
        return f"{models[0]}, {len(panel.members)} votes"
    return _join_names(models)


def _join_names(models: Sequence[str]) -> str:
    """Join the names of models, the first two of more than `MAX_NAMED_MODELS`."""
    if len(models) > MAX_NAMED_MODELS:
        return f"{models[0]}, {models[1]} and {len(models) - 2} more"
    return " and ".join(filter(None, (", ".join(models[:-1]), models[-1])))


def name_model(model: str) -> str:
    """Return a model's name, clipped for a place beside others."""
    return clip_text(clean_text(model), MODEL_CHARACTERS) or "unnamed"


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
        describe = _describe_re_review if update.reviewed_again else _describe_new_review
        parts.append(describe(update))
    return f"Update: {' · '.join(parts)}" if parts else ""


def _describe_re_review(update: PaperUpdate) -> str:
    """Return what a re-review changed: reviewed again on 29 May 2026: 6.4 (was 7.9)."""
    day = f"reviewed again on {format_date(update.reviewed_again)}" if update.reviewed_again else ""
    parts = [_format_new_score(update.score, update.previous_score)] if update.score is not None else []
    if numbers := update.withdrawn_limitations:
        noun = "limitation" if len(numbers) == 1 else "limitations"
        parts.append(f"{noun} {' and '.join(map(str, numbers))} withdrawn")
    return f"{day}: {', '.join(parts)}" if parts else day


def _describe_new_review(update: PaperUpdate) -> str:
    if update.score is None:
        return "new review" if update.had_review else "reviewed since"
    words = "new review" if update.had_review else "reviewed since"
    return f"{words}: {_format_new_score(update.score, update.previous_score if update.had_review else None)}"


def _format_new_score(score: float, previous: float | None) -> str:
    if previous is None:
        return f"{score:.1f}"
    shown, earlier = f"{score:.1f}", f"{previous:.1f}"
    return f"{shown} again" if shown == earlier else f"{shown} (was {earlier})"
