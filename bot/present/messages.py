"""What is said, and in which order: digests and papers become messages. Decided once, for every platform."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
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
from digests.calendar import AnnouncementGap, GapReason
from digests.domains import domain_name
from digests.limitations import key_limitations_of
from digests.model import (
    NOT_REVIEWED,
    Digest,
    EmptyReason,
    HealthReport,
    Heartbeat,
    LateNotice,
    LeftOut,
    Paper,
    PaperUpdate,
    Pick,
    Review,
    ScoredPaper,
    Trouble,
)
from digests.subscription import Preferences, Subscription
from digests.text import clip_text, split_sentences, to_plain_text

TLDR_CHARACTERS = 420
"""Characters of a TL;DR: what is read in ten seconds, on eight lines of a phone."""

EXCERPT_CHARACTERS = 120
"""Characters of a flagged passage: enough to judge it."""

MAX_NAMED_AUTHORS = 3
"""Up to so many authors are all named; of more, the first two."""

MAX_TEXT_CHARACTERS = 20_000
"""Characters of any text that are looked at: seven times the longest abstract of a month of arXiv. More is an attack."""

LIMITATIONS_NOT_REVIEWED = "Limitations not reviewed"


def present_digest(digest: Digest) -> Message:
    """The whole digest, with what was considered and why the rest was left out."""
    day = format_weekday_date(digest.edition)
    if not digest.picks:
        return _present_empty_digest(digest, day)
    counted = f"{len(digest.picks)} of {digest.considered:,} new {_pluralise_paper(digest.considered)}"
    cards = [
        build_card(pick.scored_paper, number, pick.reason)
        for number, pick in enumerate(digest.picks, start=1)
    ]
    return Message(
        summary=f"{day} - {counted}: {'; '.join(_shorten_title(pick) for pick in digest.picks)}",
        blocks=(
            Heading(f"{day} - {counted}"),
            *_present_late_notice(digest.late_notice),
            *cards,
            *_present_footer(digest),
        ),
    )


MAX_NAMED_MISSED_DAYS = 3
"""Up to so many missed days are named; more are counted."""


def _present_late_notice(notice: LateNotice | None) -> tuple[Block, ...]:
    """That it comes late, and what became of the days before it."""
    if notice is None:
        return ()
    sentences = []
    if notice.due_at:
        sentences.append(
            f"This digest comes late: it was due on {format_weekday_date(notice.due_at.date())} at {notice.due_at:%H:%M}."
        )
    if notice.missed_editions:
        sentences.append(f"{_describe_missed_days(notice)} never came{_describe_missed_papers(notice)}")
    return (Text(" ".join(sentences), is_small_print=True),)


def _describe_missed_days(notice: LateNotice) -> str:
    """The days, oldest first."""
    if len(notice.missed_editions) > MAX_NAMED_MISSED_DAYS:
        return f"The {len(notice.missed_editions):,} digests before it"
    *others, last = [format_weekday_date(day) for day in reversed(notice.missed_editions)]
    return f"Those of {', '.join(others)} and {last}" if others else f"The one of {last}"


def _describe_missed_papers(notice: LateNotice) -> str:
    if notice.skipped_count is None:
        return f"; this one chooses from {'their' if len(notice.missed_editions) > 1 else 'its'} papers too."
    if not notice.skipped_count:
        return ", and had no papers."
    return (
        f"; {notice.skipped_count:,} {_pluralise_paper(notice.skipped_count)} of that time were passed over."
    )


def present_failure(subscription: Subscription, edition: date, reason: str, *, stopped: bool) -> Message:
    """For the person who subscribed a channel: its digest could not be posted, why, and what happens next."""
    title = f"The digest of {format_weekday_date(edition)} could not be posted"
    then = (
        "No more come until that is mended and somebody resumes the channel's digest."
        if stopped
        else "The next one comes at its hour, and chooses from these papers again."
    )
    where = Text(f"Channel: {_plain_text_of(subscription.channel.channel)}. {then}", is_small_print=True)
    return Message(
        f"{title}: {_plain_text_of(reason)}", (Heading(title), Text(_plain_text_of(reason)), where)
    )


def _plain_text_of(text: str) -> str:
    return to_plain_text(text[:MAX_TEXT_CHARACTERS])


def format_weekday_date(day: date) -> str:
    """Tuesday 24 November."""
    return f"{day:%A} {day.day} {day:%B}"


def _pluralise_paper(count: int) -> str:
    return "paper" if count == 1 else "papers"


def _shorten_title(pick: Pick) -> str:
    """A title as far as its colon, for a notification."""
    title = _plain_text_of(pick.scored_paper.paper.title)
    name, colon, _ = title.partition(": ")
    return name if colon and len(name) >= 3 else clip_text(title, 60)


def build_card(scored: ScoredPaper, number: int | None = None, reason: str = "") -> Card:
    """One paper, as it stands in a digest and as the answer to a look-up."""
    paper, review = scored.paper, scored.review
    limitations = key_limitations_of(
        replace(review, limitations=review.limitations[:MAX_TEXT_CHARACTERS])
    ).points
    return Card(
        paper=paper.id,
        title=_plain_text_of(paper.title) or paper.id,
        url=paper.url,
        number=number,
        score=_format_score(review),
        authors=format_authors(paper.authors),
        domain=domain_name(paper.primary_category) if paper.primary_category else "",
        tldr=_choose_tldr(scored),
        limitations=tuple(_capitalise_text(point) for point in limitations),
        limitations_note="" if limitations else LIMITATIONS_NOT_REVIEWED,
        warnings=tuple(_list_warnings(paper)),
        review_line=_format_review_line(review),
        reason=_capitalise_text(reason),
    )


def _list_warnings(paper: Paper) -> Iterable[str]:
    if paper.withdrawn:
        yield f"Withdrawn by its authors on {_format_date(paper.withdrawn)}"
    for flag in paper.flags:
        what = "Text of this paper that readers cannot see" if flag.is_hidden else "A passage of this paper"
        yield f"{what} reads like an order to its reviewer ({_format_flag_category(flag.category)}): “{_format_excerpt(flag.excerpt)}”"


def _format_excerpt(text: str) -> str:
    """A passage that begins in the middle of a sentence says so."""
    passage = clip_text(_plain_text_of(text), EXCERPT_CHARACTERS)
    return f"…{passage}" if passage[:1].islower() else passage


def _format_score(review: Review) -> str:
    parts = [f"{review.score:.1f}/10"] if review.score is not None else []
    return ", ".join(parts + ([f"rank {review.rank}"] if review.rank is not None else []))


def format_authors(authors: Sequence[str]) -> str:
    """A. Author, B. Author and 12 more."""
    names = [abbreviate_name(_plain_text_of(author)) for author in authors if _plain_text_of(author)]
    if len(names) > MAX_NAMED_AUTHORS:
        return f"{names[0]}, {names[1]} and {len(names) - 2:,} more"
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def abbreviate_name(name: str) -> str:
    """Kawin Ethayarajh is K. Ethayarajh; a single name, a group's name and one in another script stay whole."""
    given, space, family = name.partition(" ")
    if not space or given.endswith(".") or given.isupper() or not given[0].isupper():
        return name
    if family.split()[0].lower() in _GROUP_WORDS:
        return name
    return f"{given[0]}. {family}"


_GROUP_WORDS = ("team", "group", "collaboration", "ai", "research", "labs")


def _choose_tldr(scored: ScoredPaper) -> str:
    if tldr := _plain_text_of(scored.review.tldr):
        return _fit_whole_sentences(tldr)
    abstract = _fit_whole_sentences(_plain_text_of(scored.paper.abstract))
    return f"From the abstract: {abstract}" if abstract else ""


def _fit_whole_sentences(text: str) -> str:
    """As many sentences as fit: a thought that is finished reads faster than one that is cut."""
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


def _capitalise_text(text: str) -> str:
    return text[:1].upper() + text[1:]


def _format_flag_category(category: str) -> str:
    return clip_text(_plain_text_of(category).strip("[]").replace("_", " "), 40) or "unnamed"


def _format_review_line(review: Review) -> str:
    """Who said so: "Reviewed by qwen3, 23 November 2026, from the full text"."""
    if review == NOT_REVIEWED:
        return "Not reviewed"
    by = (
        f"Reviewed by {_plain_text_of(review.model)}"
        if _plain_text_of(review.model)
        else "Reviewed; the reviewer is not named"
    )
    when = _format_date(review.reviewed_at) if review.reviewed_at else ""
    depth = f"from the {review.read_depth}" if review.read_depth else ""
    return ", ".join(part for part in (by, when, depth) if part)


def _format_date(instant: date) -> str:
    return f"{instant.day} {instant:%B %Y}"


def _present_footer(digest: Digest) -> tuple[Block, ...]:
    left_out = _describe_left_out(digest)
    considered = f"{digest.considered:,} new {_pluralise_paper(digest.considered)} considered"
    lines = [f"{considered}. Left out: {left_out}." if left_out else f"{considered}."]
    if digest.is_follow_up:
        lines.append("These papers came in after today's first message.")
    lines += [_describe_trouble(one, digest.edition) for one in digest.troubles]
    if digest.heartbeat is Heartbeat.ALWAYS:
        lines.append(f"{_format_counts(digest)}{'' if digest.troubles else ' Every source is well.'}")
    return Divider(), Text("\n".join(lines), is_small_print=True)


def _format_counts(digest: Digest) -> str:
    return f"{digest.considered:,} seen, {digest.scored:,} scored, {len(digest.picks):,} shown."


SOURCE_NAMES = {"arxiv": "arXiv", "huggingface": "Hugging Face"}


def _name_source(subject: str) -> str:
    return SOURCE_NAMES.get(subject, clip_text(_plain_text_of(subject), 40))


def _describe_trouble(report: HealthReport, edition: date) -> str:
    """What is wrong, since when, in one short sentence for readers."""
    since = (
        f"since {report.since:%H:%M}"
        if report.since.date() == edition
        else f"since {_format_date(report.since)}"
    )
    match report.trouble:
        case Trouble.OUTAGE:
            return f"{_name_source(report.subject)} has not answered {since}."
        case Trouble.STALE:
            return f"{_name_source(report.subject)} answers, but has shown nothing new {since}."
        case Trouble.REVIEWER_DOWN:
            return f"The reviewer has not answered {since}{_describe_backlog(report)}."
        case Trouble.BUDGET_SPENT:
            return f"The budget for reviews is spent for today{_describe_backlog(report)}."
        case None:
            return f"{_name_source(report.subject)} is well."


def _describe_backlog(report: HealthReport) -> str:
    verb = "waits" if report.waiting_count == 1 else "wait"
    return (
        f"; {report.waiting_count:,} {_pluralise_paper(report.waiting_count)} {verb} for a review"
        if report.waiting_count
        else ""
    )


def _describe_left_out(digest: Digest) -> str:
    """Why the others are not there, the commonest reason first."""
    by_count = sorted(digest.left_out.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(
        f"{count:,} {_describe_left_out_reason(reason, digest.preferences)}" for reason, count in by_count
    )


def _describe_left_out_reason(reason: LeftOut, preferences: Preferences) -> str:
    match reason:
        case LeftOut.UNDER_SCORE:
            return f"under the minimum score of {preferences.min_score:g}"
        case LeftOut.NOT_SCORED:
            return f"without a score (this channel asks for {preferences.min_score:g} or more)"
        case LeftOut.BEYOND_TOP:
            return f"beyond the top {preferences.top}"
        case LeftOut.OTHER_DOMAIN:
            return "in other domains" if not preferences.keywords else "on other subjects"
        case LeftOut.SHOWN_BEFORE:
            return "already shown here"
        case LeftOut.WITHDRAWN:
            return "withdrawn by their authors"
        case LeftOut.TOO_OLD:
            return "published too long ago"
        case LeftOut.FLAGGED:
            return "flagged"
        case LeftOut.HELD:
            return "held back as suspect"
        case LeftOut.MUTED:
            return "muted"


def _present_empty_digest(digest: Digest, day: str) -> Message:
    title, explanation = _explain_empty_digest(digest)
    return Message(
        summary=f"{day} - {title}. {explanation}",
        blocks=(
            Heading(f"{day} - {title}"),
            *_present_late_notice(digest.late_notice),
            Text(explanation),
            Text("\n".join([_format_counts(digest), *_describe_other_troubles(digest)]), is_small_print=True),
        ),
    )


_TROUBLE_BY_EMPTY_REASON = {
    EmptyReason.OUTAGE: Trouble.OUTAGE,
    EmptyReason.STALE: Trouble.STALE,
    EmptyReason.REVIEWER_DOWN: Trouble.REVIEWER_DOWN,
    EmptyReason.BUDGET_SPENT: Trouble.BUDGET_SPENT,
}


def _describe_other_troubles(digest: Digest) -> list[str]:
    """What is in trouble besides what the explanation tells."""
    explained_trouble = _TROUBLE_BY_EMPTY_REASON.get(digest.empty_reason) if digest.empty_reason else None
    return [
        _describe_trouble(one, digest.edition)
        for one in digest.troubles
        if one.trouble is not explained_trouble
    ]


MAY_STILL_COME = "If its papers come before midnight, they take this message's place."


def _explain_empty_digest(digest: Digest) -> tuple[str, str]:
    """Which kind of nothing, and what to do about it: a quiet day must not look like a fault, nor a fault like one."""
    new = f"{digest.considered:,} new {_pluralise_paper(digest.considered)}"
    match digest.empty_reason:
        case EmptyReason.NO_PAPERS:
            return (
                "no papers imported yet",
                "There is nothing to choose from. Whoever runs Paperround can bring papers in with "
                "“paperround import FILE”, or name sources in its settings.",
            )
        case EmptyReason.OUTAGE:
            return (
                "a source does not answer",
                f"{_describe_troubles(digest, Trouble.OUTAGE)} {MAY_STILL_COME}",
            )
        case EmptyReason.STALE:
            return "no papers are coming in", _explain_stale_source(digest)
        case EmptyReason.NO_ANNOUNCEMENT:
            return "nothing from arXiv today", _explain_silence(
                digest.announcement_gap, digest
            ) if digest.announcement_gap else ""
        case EmptyReason.REVIEWER_DOWN:
            return (
                "papers wait for their reviews",
                f"{_describe_troubles(digest, Trouble.REVIEWER_DOWN)} If they are reviewed before midnight, they take this "
                "message's place.",
            )
        case EmptyReason.BUDGET_SPENT:
            return (
                "the budget for reviews is spent",
                f"{_describe_troubles(digest, Trouble.BUDGET_SPENT)} Reviewing goes on tomorrow.",
            )
        case EmptyReason.UNDER_THRESHOLD:
            return "nothing over the threshold", f"{_explain_all_left_out(digest, new)}"
        case EmptyReason.NO_MATCH:
            return f"none of {new} for this channel", _explain_all_left_out(digest, new)
        case _:
            return (
                "a quiet day",
                "No new papers since the last digest. The sources are well; see you at the next one.",
            )


def _describe_troubles(digest: Digest, kind: Trouble) -> str:
    return " ".join(_describe_trouble(one, digest.edition) for one in digest.troubles if one.trouble is kind)


def _explain_stale_source(digest: Digest) -> str:
    if trouble_text := _describe_troubles(digest, Trouble.STALE):
        return f"{trouble_text} {MAY_STILL_COME}"
    since = f" since {_format_date(digest.last_import)}" if digest.last_import else ""
    return (
        f"Nothing has come in{since}, so this is not a quiet day: a source is silent. "
        "Whoever runs Paperround should look at the import."
    )


def _explain_all_left_out(digest: Digest, new: str) -> str:
    """Why, with counts where the reasons differ."""
    only = (
        _describe_left_out_reason(next(iter(digest.left_out)), digest.preferences)
        if len(digest.left_out) == 1
        else ""
    )
    if digest.considered == 1:
        return f"One new paper came in and was left out: {only or _describe_left_out(digest)}."
    return f"All {new} were {only}." if only else f"All {new} were left out: {_describe_left_out(digest)}."


def _explain_silence(silence: AnnouncementGap, digest: Digest) -> str:
    """The evenings are New York's: in Tokyo the papers of a Friday evening would come on Saturday."""
    again = digest.next_papers_edition
    coming = f"The next papers come with the digest of {format_weekday_date(again)}." if again else ""
    match silence.reason:
        case GapReason.HOLIDAY if silence.evening:
            day, name = format_weekday_date(silence.evening), silence.holiday
            if silence.is_certain:
                return f"arXiv announced no papers on {day}, for {name}. {coming}"
            return f"arXiv most likely announced no papers on {day}: it was {name}. {coming}"
        case GapReason.NOT_YET:
            return f"arXiv has announced no papers since the last digest. {coming}"
        case _:
            return f"arXiv announces no papers on Friday and Saturday evenings. {coming}"


def format_update_line(update: PaperUpdate) -> str:
    """What came since a message was posted, for under its card; a withdrawal is the newest version's only news."""
    parts = []
    if update.withdrawn:
        parts.append(f"withdrawn by its authors on {_format_date(update.withdrawn)}")
    elif update.version:
        parts.append(
            f"v{update.version} since {_format_date(update.updated)}"
            if update.updated
            else f"now v{update.version}"
        )
    if update.has_new_review:
        parts.append(_describe_new_review(update))
    return f"Update: {' · '.join(parts)}" if parts else ""


def _describe_new_review(update: PaperUpdate) -> str:
    if update.score is None:
        return "reviewed anew" if update.had_review else "reviewed since"
    if not update.had_review or update.previous_score is None:
        return f"{'reviewed anew' if update.had_review else 'reviewed since'}: {update.score:.1f}"
    now, was = f"{update.score:.1f}", f"{update.previous_score:.1f}"
    return f"reviewed anew: {now} again" if now == was else f"reviewed anew: {now}, was {was}"


def present_search_results(query: str, results: Sequence[ScoredPaper]) -> Message:
    """The answer to a look-up: the best hit with its whole review, and the titles of the others."""
    asked = clip_text(_plain_text_of(query), 80)
    if not results:
        return Message(
            summary=f"Nothing found for “{asked}”",
            blocks=(
                Heading(f"Nothing found for “{asked}”"),
                Text("Try an arXiv id such as 2402.01306, an address, or fewer words."),
            ),
        )
    best, *others = results
    return Message(
        summary=_plain_text_of(best.paper.title),
        blocks=(build_card(best), *_build_review_texts(best.review), *_present_other_results(others)),
    )


def present_pending_fetch(paper: str) -> Message:
    """The answer while arXiv lets a person wait."""
    title = f"{paper} is not known here yet"
    return Message(
        title, (Heading(title), Text("It is being fetched from arXiv: ask again in a few minutes."))
    )


def present_unknown_paper(paper: str) -> Message:
    """The answer to an id that arXiv does not know either."""
    title = f"arXiv does not know {paper}"
    hint = "Look at the id again. A paper that is announced tonight can be had tomorrow."
    return Message(title, (Heading(title), Text(hint)))


def present_lookup(query: str, results: Sequence[ScoredPaper]) -> Message:
    """The answer in a channel: the paper that is meant, with what can be done with it, or a list to choose from."""
    if not results:
        return present_search_results(query, results)
    best, *others = results
    if others and not _has_all_words(query, _plain_text_of(best.paper.title)):
        return Message(
            f"Which paper do you mean by “{clip_text(_plain_text_of(query), 80)}”?",
            (Heading(f"Did you mean one of these {len(results)}?"), *map(_build_option_row, results)),
        )
    also: tuple[Block, ...] = (
        (Divider(), Text("Also found", is_small_print=True), *map(_build_option_row, others))
        if others
        else ()
    )
    return Message(
        _plain_text_of(best.paper.title), (build_card(best), Buttons(_build_lookup_buttons(best)), *also)
    )


def _has_all_words(query: str, title: str) -> bool:
    """Whether the title has every word that was typed, so that it is hardly another paper."""
    return all(word in title.casefold() for word in re.findall(r"\w+", query.casefold()))


def _build_option_row(scored: ScoredPaper) -> OptionRow:
    score = _format_score(scored.review)
    title = clip_text(_plain_text_of(scored.paper.title), 120)
    return OptionRow(
        " · ".join(filter(None, (title, score))), Button(ButtonAction.SHOW, "Show", scored.paper.id)
    )


def format_suggestion(scored: ScoredPaper, max_characters: int) -> str:
    """A paper in one line while it is looked for: title, score, id; the title is what is cut."""
    tail = "".join(
        f" · {part}" for part in (_format_score(scored.review), clip_text(scored.paper.id, 30)) if part
    )
    return f"{clip_text(_plain_text_of(scored.paper.title), max_characters - len(tail)) or 'Untitled paper'}{tail}"[
        :max_characters
    ]


def _build_lookup_buttons(scored: ScoredPaper) -> tuple[Button, ...]:
    share = Button(ButtonAction.SHARE, "Share to channel", scored.paper.id, is_primary=True)
    reviewed = any(text.text for text in _build_review_texts(scored.review))
    return (share, Button(ButtonAction.REVIEW, "Whole review", scored.paper.id)) if reviewed else (share,)


def present_review(scored: ScoredPaper) -> Message:
    """Every section of a paper's review."""
    title = _plain_text_of(scored.paper.title) or scored.paper.id
    texts = _build_review_texts(scored.review) or (Text("This paper was not reviewed."),)
    small_print = Text(_format_review_line(scored.review), is_small_print=True)
    return Message(f"Review of {title}", (Heading(title), *texts, small_print))


def _build_review_texts(review: Review) -> tuple[Text, ...]:
    grades = dict(review.assessment.grades) if review.assessment else {}
    sections = {
        "Grades, 1 to 5": ", ".join(f"{name} {grade}" for name, grade in grades.items()),
        "Methodology": review.methodology,
        "Experiments": review.experiments,
        "Reproducibility": review.reproducibility,
        "Limitations, in full": review.limitations,
        "Impact": review.impact,
    }
    return tuple(
        Text(_plain_text_of(text), label=label) for label, text in sections.items() if _plain_text_of(text)
    )


def _present_other_results(others: Sequence[ScoredPaper]) -> tuple[Block, ...]:
    if not others:
        return ()
    lines = [f"{other.paper.id}  {clip_text(_plain_text_of(other.paper.title), 100)}" for other in others]
    return Divider(), Text("\n".join(lines), is_small_print=True, label="Also found\n")


def format_paper_lines(papers: Sequence[ScoredPaper]) -> list[str]:
    """Hits as lines for a terminal: id, score, title."""
    return [
        f"{scored.paper.id:<12} {_format_score(scored.review) or '-':<16} {_plain_text_of(scored.paper.title)}"
        for scored in papers
    ]


def to_paper_records(papers: Sequence[ScoredPaper]) -> list[dict[str, Any]]:
    """Hits as JSON takes them."""
    return [
        {
            "id": scored.paper.id,
            "title": _plain_text_of(scored.paper.title),
            "url": scored.paper.url,
            "authors": list(scored.paper.authors),
            "primary_category": scored.paper.primary_category,
            "published": scored.paper.published.isoformat() if scored.paper.published else None,
            "score": scored.review.score,
            "rank": scored.review.rank,
            "tldr": _plain_text_of(scored.review.tldr),
        }
        for scored in papers
    ]
