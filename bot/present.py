"""What is said, and in which order: digests and papers become messages. Decided once, for every platform."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from bot.message import Action, Block, Button, Buttons, Card, Divider, Heading, Message, Offer, Text
from digests.calendar import Silence, Why
from digests.domains import domain_name
from digests.limitations import limitations_of
from digests.model import (
    NOT_REVIEWED,
    Condition,
    Digest,
    Heartbeat,
    Late,
    LeftOut,
    News,
    Nothing,
    Paper,
    Pick,
    Review,
    ScoredPaper,
    Subscription,
    Trouble,
    Wish,
)
from digests.text import clip, plain, sentences

TLDR_LENGTH = 420
"""Characters of a TL;DR: what is read in ten seconds, on eight lines of a phone."""

EXCERPT_LENGTH = 120
"""Characters of a flagged passage: enough to judge it."""

NAMED_AUTHORS = 3
"""Up to so many authors are all named; of more, the first two."""

MOST_READ = 20_000
"""Characters of any text that are looked at: seven times the longest abstract of a month of arXiv. More is an attack."""

LIMITATIONS_NOT_REVIEWED = "Limitations not reviewed"


def digest_message(digest: Digest) -> Message:
    """The whole digest, with what was considered and why the rest was left out."""
    day = day_name(digest.edition)
    if not digest.picks:
        return _nothing_message(digest, day)
    counted = f"{len(digest.picks)} of {digest.considered:,} new {_papers(digest.considered)}"
    cards = [card(pick.scored, number, pick.reason) for number, pick in enumerate(digest.picks, start=1)]
    return Message(
        summary=f"{day} - {counted}: {'; '.join(_short(pick) for pick in digest.picks)}",
        blocks=(Heading(f"{day} - {counted}"), *_late(digest.late), *cards, *_footer(digest)),
    )


NAMED_MISSED = 3
"""Up to so many missed days are named; more are counted."""


def _late(late: Late | None) -> tuple[Block, ...]:
    """That it comes late, and what became of the days before it."""
    if late is None:
        return ()
    sentences = []
    if late.due:
        sentences.append(
            f"This digest comes late: it was due on {day_name(late.due.date())} at {late.due:%H:%M}."
        )
    if late.missed:
        sentences.append(f"{_missed(late)} never came{_what_of_them(late)}")
    return (Text(" ".join(sentences), quiet=True),)


def _missed(late: Late) -> str:
    """The days, oldest first."""
    if len(late.missed) > NAMED_MISSED:
        return f"The {len(late.missed):,} digests before it"
    *others, last = [day_name(day) for day in reversed(late.missed)]
    return f"Those of {', '.join(others)} and {last}" if others else f"The one of {last}"


def _what_of_them(late: Late) -> str:
    if late.passed_over is None:
        return f"; this one chooses from {'their' if len(late.missed) > 1 else 'its'} papers too."
    if not late.passed_over:
        return ", and had no papers."
    return f"; {late.passed_over:,} {_papers(late.passed_over)} of that time were passed over."


def failed_message(subscription: Subscription, edition: date, reason: str, *, stopped: bool) -> Message:
    """For the person who subscribed a channel: its digest could not be posted, why, and what happens next."""
    title = f"The digest of {day_name(edition)} could not be posted"
    then = (
        "No more come until that is mended and somebody resumes the channel's digest."
        if stopped
        else "The next one comes at its hour, and chooses from these papers again."
    )
    where = Text(f"Channel: {_plain(subscription.channel.channel)}. {then}", quiet=True)
    return Message(f"{title}: {_plain(reason)}", (Heading(title), Text(_plain(reason)), where))


def _plain(text: str) -> str:
    return plain(text[:MOST_READ])


def day_name(day: date) -> str:
    """Tuesday 24 November."""
    return f"{day:%A} {day.day} {day:%B}"


def _papers(count: int) -> str:
    return "paper" if count == 1 else "papers"


def _short(pick: Pick) -> str:
    """A title as far as its colon, for a notification."""
    title = _plain(pick.scored.paper.title)
    name, colon, _ = title.partition(": ")
    return name if colon and len(name) >= 3 else clip(title, 60)


def card(scored: ScoredPaper, number: int | None = None, reason: str = "") -> Card:
    """One paper, as it stands in a digest and as the answer to a look-up."""
    paper, review = scored.paper, scored.review
    limitations = limitations_of(replace(review, limitations=review.limitations[:MOST_READ])).points
    return Card(
        paper=paper.id,
        title=_plain(paper.title) or paper.id,
        url=paper.url,
        number=number,
        score=_score(review),
        authors=author_line(paper.authors),
        domain=domain_name(paper.primary_category) if paper.primary_category else "",
        tldr=_tldr(scored),
        limitations=tuple(_capitalised(point) for point in limitations),
        limitations_note="" if limitations else LIMITATIONS_NOT_REVIEWED,
        warnings=tuple(_warnings(paper)),
        reviewed=_reviewed(review),
        reason=_capitalised(reason),
    )


def _warnings(paper: Paper) -> Iterable[str]:
    if paper.withdrawn:
        yield f"Withdrawn by its authors on {_day(paper.withdrawn)}"
    for flag in paper.flags:
        what = "Text of this paper that readers cannot see" if flag.hidden else "A passage of this paper"
        yield f"{what} reads like an order to its reviewer ({_category(flag.category)}): “{_excerpt(flag.excerpt)}”"


def _excerpt(text: str) -> str:
    """A passage that begins in the middle of a sentence says so."""
    passage = clip(_plain(text), EXCERPT_LENGTH)
    return f"…{passage}" if passage[:1].islower() else passage


def _score(review: Review) -> str:
    parts = [f"{review.score:.1f}/10"] if review.score is not None else []
    return ", ".join(parts + ([f"rank {review.rank}"] if review.rank is not None else []))


def author_line(authors: Sequence[str]) -> str:
    """A. Author, B. Author and 12 more."""
    names = [initialled(_plain(author)) for author in authors if _plain(author)]
    if len(names) > NAMED_AUTHORS:
        return f"{names[0]}, {names[1]} and {len(names) - 2:,} more"
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def initialled(name: str) -> str:
    """Kawin Ethayarajh is K. Ethayarajh; a single name, a group's name and one in another script stay whole."""
    given, space, family = name.partition(" ")
    if not space or given.endswith(".") or given.isupper() or not given[0].isupper():
        return name
    if family.split()[0].lower() in _GROUP_WORDS:
        return name
    return f"{given[0]}. {family}"


_GROUP_WORDS = ("team", "group", "collaboration", "ai", "research", "labs")


def _tldr(scored: ScoredPaper) -> str:
    if tldr := _plain(scored.review.tldr):
        return _whole_sentences(tldr)
    abstract = _whole_sentences(_plain(scored.paper.abstract))
    return f"From the abstract: {abstract}" if abstract else ""


def _whole_sentences(text: str) -> str:
    """As many sentences as fit: a thought that is finished reads faster than one that is cut."""
    fitting = ""
    for sentence in sentences(text[: TLDR_LENGTH + 1]) if len(text) > TLDR_LENGTH else [text]:
        longer = f"{fitting} {sentence}".strip()
        if (
            not text.startswith(longer)
            or len(longer) > TLDR_LENGTH
            or not longer.endswith((".", "!", "?", "。"))
        ):
            break
        fitting = longer
    return fitting or clip(text, TLDR_LENGTH)


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def _category(category: str) -> str:
    return clip(_plain(category).strip("[]").replace("_", " "), 40) or "unnamed"


def _reviewed(review: Review) -> str:
    """Who said so: "Reviewed by qwen3, 23 November 2026, from the full text"."""
    if review == NOT_REVIEWED:
        return "Not reviewed"
    by = (
        f"Reviewed by {_plain(review.model)}"
        if _plain(review.model)
        else "Reviewed; the reviewer is not named"
    )
    when = _day(review.reviewed_at) if review.reviewed_at else ""
    depth = f"from the {review.read_depth}" if review.read_depth else ""
    return ", ".join(part for part in (by, when, depth) if part)


def _day(instant: date) -> str:
    return f"{instant.day} {instant:%B %Y}"


def _footer(digest: Digest) -> tuple[Block, ...]:
    left_out = _left_out(digest)
    considered = f"{digest.considered:,} new {_papers(digest.considered)} considered"
    lines = [f"{considered}. Left out: {left_out}." if left_out else f"{considered}."]
    if digest.came_late:
        lines.append("These papers came in after today's first message.")
    lines += [_trouble_sentence(one, digest.edition) for one in digest.troubles]
    if digest.heartbeat is Heartbeat.ALWAYS:
        lines.append(f"{_counts(digest)}{'' if digest.troubles else ' Every source is well.'}")
    return Divider(), Text("\n".join(lines), quiet=True)


def _counts(digest: Digest) -> str:
    return f"{digest.considered:,} seen, {digest.scored:,} scored, {len(digest.picks):,} shown."


SOURCE_NAMES = {"arxiv": "arXiv", "huggingface": "Hugging Face"}


def _source_name(subject: str) -> str:
    return SOURCE_NAMES.get(subject, clip(_plain(subject), 40))


def _trouble_sentence(one: Condition, edition: date) -> str:
    """What is wrong, since when, in one short sentence for readers."""
    since = f"since {one.since:%H:%M}" if one.since.date() == edition else f"since {_day(one.since)}"
    match one.trouble:
        case Trouble.OUTAGE:
            return f"{_source_name(one.subject)} has not answered {since}."
        case Trouble.STALE:
            return f"{_source_name(one.subject)} answers, but has shown nothing new {since}."
        case Trouble.REVIEWER_DOWN:
            return f"The reviewer has not answered {since}{_waiting(one)}."
        case Trouble.BUDGET_SPENT:
            return f"The budget for reviews is spent for today{_waiting(one)}."
        case None:
            return f"{_source_name(one.subject)} is well."


def _waiting(one: Condition) -> str:
    verb = "waits" if one.waiting == 1 else "wait"
    return f"; {one.waiting:,} {_papers(one.waiting)} {verb} for a review" if one.waiting else ""


def _left_out(digest: Digest) -> str:
    """Why the others are not there, the commonest reason first."""
    by_count = sorted(digest.left_out.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count:,} {_why(reason, digest.wish)}" for reason, count in by_count)


def _why(reason: LeftOut, wish: Wish) -> str:
    match reason:
        case LeftOut.UNDER_SCORE:
            return f"under the minimum score of {wish.min_score:g}"
        case LeftOut.NOT_SCORED:
            return f"without a score (this channel asks for {wish.min_score:g} or more)"
        case LeftOut.BEYOND_TOP:
            return f"beyond the top {wish.top}"
        case LeftOut.OTHER_DOMAIN:
            return "in other domains" if not wish.keywords else "on other subjects"
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


def _nothing_message(digest: Digest, day: str) -> Message:
    title, explanation = _nothing(digest)
    return Message(
        summary=f"{day} - {title}. {explanation}",
        blocks=(
            Heading(f"{day} - {title}"),
            *_late(digest.late),
            Text(explanation),
            Text("\n".join([_counts(digest), *_other_troubles(digest)]), quiet=True),
        ),
    )


_TOLD = {
    Nothing.OUTAGE: Trouble.OUTAGE,
    Nothing.STALE: Trouble.STALE,
    Nothing.REVIEWER_DOWN: Trouble.REVIEWER_DOWN,
    Nothing.BUDGET_SPENT: Trouble.BUDGET_SPENT,
}


def _other_troubles(digest: Digest) -> list[str]:
    """What is in trouble besides what the explanation tells."""
    told = _TOLD.get(digest.nothing) if digest.nothing else None
    return [_trouble_sentence(one, digest.edition) for one in digest.troubles if one.trouble is not told]


MAY_STILL_COME = "If its papers come before midnight, they take this message's place."


def _nothing(digest: Digest) -> tuple[str, str]:
    """Which kind of nothing, and what to do about it: a quiet day must not look like a fault, nor a fault like one."""
    new = f"{digest.considered:,} new {_papers(digest.considered)}"
    match digest.nothing:
        case Nothing.NO_PAPERS:
            return (
                "no papers imported yet",
                "There is nothing to choose from. Whoever runs Paperround can bring papers in with "
                "“paperround import FILE”, or name sources in its settings.",
            )
        case Nothing.OUTAGE:
            return "a source does not answer", f"{_troubles(digest, Trouble.OUTAGE)} {MAY_STILL_COME}"
        case Nothing.STALE:
            return "no papers are coming in", _stale(digest)
        case Nothing.NO_ANNOUNCEMENT:
            return "nothing from arXiv today", _silence(digest.silence, digest) if digest.silence else ""
        case Nothing.REVIEWER_DOWN:
            return (
                "papers wait for their reviews",
                f"{_troubles(digest, Trouble.REVIEWER_DOWN)} If they are reviewed before midnight, they take this "
                "message's place.",
            )
        case Nothing.BUDGET_SPENT:
            return (
                "the budget for reviews is spent",
                f"{_troubles(digest, Trouble.BUDGET_SPENT)} Reviewing goes on tomorrow.",
            )
        case Nothing.UNDER_THRESHOLD:
            return "nothing over the threshold", f"{_all_left_out(digest, new)}"
        case Nothing.NONE_WANTED:
            return f"none of {new} for this channel", _all_left_out(digest, new)
        case _:
            return (
                "a quiet day",
                "No new papers since the last digest. The sources are well; see you at the next one.",
            )


def _troubles(digest: Digest, kind: Trouble) -> str:
    return " ".join(_trouble_sentence(one, digest.edition) for one in digest.troubles if one.trouble is kind)


def _stale(digest: Digest) -> str:
    if told := _troubles(digest, Trouble.STALE):
        return f"{told} {MAY_STILL_COME}"
    since = f" since {_day(digest.last_import)}" if digest.last_import else ""
    return (
        f"Nothing has come in{since}, so this is not a quiet day: a source is silent. "
        "Whoever runs Paperround should look at the import."
    )


def _all_left_out(digest: Digest, new: str) -> str:
    """Why, with counts where the reasons differ."""
    only = _why(next(iter(digest.left_out)), digest.wish) if len(digest.left_out) == 1 else ""
    if digest.considered == 1:
        return f"One new paper came in and was left out: {only or _left_out(digest)}."
    return f"All {new} were {only}." if only else f"All {new} were left out: {_left_out(digest)}."


def _silence(silence: Silence, digest: Digest) -> str:
    """The evenings are New York's: in Tokyo the papers of a Friday evening would come on Saturday."""
    again = digest.papers_again
    coming = f"The next papers come with the digest of {day_name(again)}." if again else ""
    match silence.why:
        case Why.HOLIDAY if silence.evening:
            day, name = day_name(silence.evening), silence.holiday
            if silence.certain:
                return f"arXiv announced no papers on {day}, for {name}. {coming}"
            return f"arXiv most likely announced no papers on {day}: it was {name}. {coming}"
        case Why.NOT_YET:
            return f"arXiv has announced no papers since the last digest. {coming}"
        case _:
            return f"arXiv announces no papers on Friday and Saturday evenings. {coming}"


def news_line(news: News) -> str:
    """What came since a message was posted, for under its card; a withdrawal is the newest version's only news."""
    parts = []
    if news.withdrawn:
        parts.append(f"withdrawn by its authors on {_day(news.withdrawn)}")
    elif news.version:
        parts.append(
            f"v{news.version} since {_day(news.updated)}" if news.updated else f"now v{news.version}"
        )
    if news.reviewed:
        parts.append(_reviewed_since(news))
    return f"Update: {' · '.join(parts)}" if parts else ""


def _reviewed_since(news: News) -> str:
    if news.score is None:
        return "reviewed anew" if news.was_reviewed else "reviewed since"
    if not news.was_reviewed or news.was_score is None:
        return f"{'reviewed anew' if news.was_reviewed else 'reviewed since'}: {news.score:.1f}"
    now, was = f"{news.score:.1f}", f"{news.was_score:.1f}"
    return f"reviewed anew: {now} again" if now == was else f"reviewed anew: {now}, was {was}"


def found_message(words: str, found: Sequence[ScoredPaper]) -> Message:
    """The answer to a look-up: the best hit with its whole review, and the titles of the others."""
    asked = clip(_plain(words), 80)
    if not found:
        return Message(
            summary=f"Nothing found for “{asked}”",
            blocks=(
                Heading(f"Nothing found for “{asked}”"),
                Text("Try an arXiv id such as 2402.01306, an address, or fewer words."),
            ),
        )
    best, *others = found
    return Message(
        summary=_plain(best.paper.title), blocks=(card(best), *_review_texts(best.review), *_also(others))
    )


def being_fetched_message(paper: str) -> Message:
    """The answer while arXiv lets a person wait."""
    title = f"{paper} is not known here yet"
    return Message(
        title, (Heading(title), Text("It is being fetched from arXiv: ask again in a few minutes."))
    )


def unknown_message(paper: str) -> Message:
    """The answer to an id that arXiv does not know either."""
    title = f"arXiv does not know {paper}"
    hint = "Look at the id again. A paper that is announced tonight can be had tomorrow."
    return Message(title, (Heading(title), Text(hint)))


def look_up_message(words: str, found: Sequence[ScoredPaper]) -> Message:
    """The answer in a channel: the paper that is meant, with what can be done with it, or a list to choose from."""
    if not found:
        return found_message(words, found)
    best, *others = found
    if others and not _all_words_in(words, _plain(best.paper.title)):
        return Message(
            f"Which paper do you mean by “{clip(_plain(words), 80)}”?",
            (Heading(f"Did you mean one of these {len(found)}?"), *map(_offer, found)),
        )
    also: tuple[Block, ...] = (
        (Divider(), Text("Also found", quiet=True), *map(_offer, others)) if others else ()
    )
    return Message(_plain(best.paper.title), (card(best), Buttons(_look_up_buttons(best)), *also))


def _all_words_in(words: str, title: str) -> bool:
    """Whether the title has every word that was typed, so that it is hardly another paper."""
    return all(word in title.casefold() for word in re.findall(r"\w+", words.casefold()))


def _offer(scored: ScoredPaper) -> Offer:
    score = _score(scored.review)
    title = clip(_plain(scored.paper.title), 120)
    return Offer(" · ".join(filter(None, (title, score))), Button(Action.SHOW, "Show", scored.paper.id))


def suggestion(scored: ScoredPaper, characters: int) -> str:
    """A paper in one line while it is looked for: title, score, id; the title is what is cut."""
    tail = "".join(f" · {part}" for part in (_score(scored.review), clip(scored.paper.id, 30)) if part)
    return f"{clip(_plain(scored.paper.title), characters - len(tail)) or 'Untitled paper'}{tail}"[
        :characters
    ]


def _look_up_buttons(scored: ScoredPaper) -> tuple[Button, ...]:
    share = Button(Action.SHARE, "Share to channel", scored.paper.id, primary=True)
    reviewed = any(text.text for text in _review_texts(scored.review))
    return (share, Button(Action.REVIEW, "Whole review", scored.paper.id)) if reviewed else (share,)


def review_message(scored: ScoredPaper) -> Message:
    """Every section of a paper's review."""
    title = _plain(scored.paper.title) or scored.paper.id
    texts = _review_texts(scored.review) or (Text("This paper was not reviewed."),)
    small_print = Text(_reviewed(scored.review), quiet=True)
    return Message(f"Review of {title}", (Heading(title), *texts, small_print))


def _review_texts(review: Review) -> tuple[Text, ...]:
    grades = dict(review.assessment.grades) if review.assessment else {}
    sections = {
        "Grades, 1 to 5": ", ".join(f"{name} {grade}" for name, grade in grades.items()),
        "Methodology": review.methodology,
        "Experiments": review.experiments,
        "Reproducibility": review.reproducibility,
        "Limitations, in full": review.limitations,
        "Impact": review.impact,
    }
    return tuple(Text(_plain(text), label=label) for label, text in sections.items() if _plain(text))


def _also(others: Sequence[ScoredPaper]) -> tuple[Block, ...]:
    if not others:
        return ()
    lines = [f"{other.paper.id}  {clip(_plain(other.paper.title), 100)}" for other in others]
    return Divider(), Text("\n".join(lines), quiet=True, label="Also found\n")


def found_lines(found: Sequence[ScoredPaper]) -> list[str]:
    """Hits as lines for a terminal: id, score, title."""
    return [
        f"{scored.paper.id:<12} {_score(scored.review) or '-':<16} {_plain(scored.paper.title)}"
        for scored in found
    ]


def found_records(found: Sequence[ScoredPaper]) -> list[dict[str, Any]]:
    """Hits as JSON takes them."""
    return [
        {
            "id": scored.paper.id,
            "title": _plain(scored.paper.title),
            "url": scored.paper.url,
            "authors": list(scored.paper.authors),
            "primary_category": scored.paper.primary_category,
            "published": scored.paper.published.isoformat() if scored.paper.published else None,
            "score": scored.review.score,
            "rank": scored.review.rank,
            "tldr": _plain(scored.review.tldr),
        }
        for scored in found
    ]
