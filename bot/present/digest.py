"""The message of a digest, and the failure notice to a channel's owner. Pure."""

from collections.abc import Sequence
from datetime import date
from typing import assert_never

from bot.chat.message import (
    Block,
    Button,
    ButtonAction,
    Buttons,
    Card,
    Divider,
    Heading,
    Message,
    Text,
)
from bot.present.card import build_card, build_unscored_card, shorten_title
from bot.present.empty import present_empty_digest
from bot.present.feedback import describe_effects
from bot.present.footnotes import (
    describe_left_out,
    describe_trouble,
    format_counts,
    present_late_notice,
)
from bot.present.header import describe_subject, format_header
from bot.present.wording import clean_text, format_count, format_weekday_date, present_sentence
from digests.model import Digest, Heartbeat, LeftOut, Pick
from digests.next_papers import NEXT_COUNT, NextPapers, find_next_papers
from digests.ports.outbox import DeliveryKind
from digests.subscription import Channel, Subscription


def present_digest(digest: Digest) -> Message:
    """Build the message of a digest: header, late notice, cards, troubles, and a button to the next papers.

    A digest without picks becomes the message of `present_empty_digest`, and one of papers without scores
    that of `_present_unscored_digest`.
    """
    if not digest.picks:
        return present_empty_digest(digest)
    if all(_has_no_score(pick) for pick in digest.picks):
        return _present_unscored_digest(digest)
    count = f"{len(digest.picks)} of {digest.considered:,}"
    is_plain = digest.considered == len(digest.picks) or not describe_subject(digest.preferences)
    title = format_header(digest, _count_picks(digest) if is_plain else count)
    cards = [
        build_card(pick.scored_paper, number, pick.reason, pick.translation)
        for number, pick in enumerate(digest.picks, start=1)
    ]
    return _build_message(digest, title, (Heading(title),), cards)


def _has_no_score(pick: Pick) -> bool:
    return pick.scored_paper.review.score is None and pick.scored_paper.review.rank is None


def _count_picks(digest: Digest) -> str:
    """Count the picks among the new papers: 5 of 312 papers; 2 papers, if there were no others."""
    count = len(digest.picks)
    others = digest.considered - count
    return f"{count} of {digest.considered:,} papers" if others else format_count(count, "paper")


def _present_unscored_digest(digest: Digest) -> Message:
    """Build the message of a day on which nothing is scored, which is no ranking: a list without places."""
    title = format_header(digest, "")
    line = f"No scores yet: {_count_picks(digest)}, {_describe_unscored_order(digest)}"
    line = "No score yet" if digest.considered == 1 else line
    cards = [build_unscored_card(pick.scored_paper, pick.reason, pick.translation) for pick in digest.picks]
    return _build_message(
        digest, f"{title} · {line}", (Heading(title), Text(line, is_small_print=True)), cards
    )


def _describe_unscored_order(digest: Digest) -> str:
    """Name the order of papers without scores: by upvotes and what the channel follows, else by age."""
    preferences = digest.preferences
    grounds = ["upvotes"] if any(pick.scored_paper.paper.upvotes for pick in digest.picks) else []
    grounds += ["your keywords"] if preferences.keywords else []
    grounds += ["the authors you follow"] if preferences.authors else []
    grounds += ["what you marked"] if any("which you marked" in pick.reason for pick in digest.picks) else []
    grounds += ["your feedback"] if any("want more of" in pick.reason for pick in digest.picks) else []
    named = " and ".join(filter(None, (", ".join(grounds[:-1]), *grounds[-1:])))
    return f"by {named}" if named else "newest first"


def _build_message(digest: Digest, title: str, opening: tuple[Block, ...], cards: Sequence[Card]) -> Message:
    names = "; ".join(
        shorten_title(clean_text(pick.scored_paper.paper.title), SUMMARY_TITLE_CHARACTERS)
        for pick in digest.picks
    )
    return Message(
        summary=f"{title}: {names}",
        blocks=(*opening, *present_late_notice(digest.late_notice), *cards, *_present_footer(digest)),
    )


SUMMARY_TITLE_CHARACTERS = 60
"""Characters of a title in a notification."""


def _present_footer(digest: Digest) -> tuple[Block, ...]:
    """Name troubles, papers that came late and effects of feedback, and offer the next papers, if any.

    `Heartbeat.ALWAYS` adds counts.
    """
    lines = ["These papers came in after today's first message."] if digest.is_follow_up else []
    lines += [describe_trouble(report, digest.edition) for report in digest.troubles]
    lines += [describe_effects(digest.effects)] if digest.effects else []
    if digest.heartbeat is Heartbeat.ALWAYS:
        well = "Every source is well." if digest.has_sources and not digest.troubles else ""
        lines.append(f"{format_counts(digest)} {well}".strip())
    small_print = (Divider(), Text("\n".join(lines), is_small_print=True)) if any(lines) else ()
    next_papers = find_next_papers(digest)
    return (*small_print, *(_build_next_button(next_papers, digest) if next_papers else ()))


def _build_next_button(next_papers: NextPapers, digest: Digest) -> tuple[Block, ...]:
    count = min(NEXT_COUNT, digest.left_out.get(LeftOut.BEYOND_TOP, 0))
    return (Buttons((Button(ButtonAction.NEXT, f"Next {count}", next_papers.format_value()),)),)


def present_next_papers(digest: Digest, following: NextPapers | None) -> Message:
    """Build the answer to the button of `_present_footer`: the papers of `digest`, which have no places.

    `following` are the papers after them. The last answer says what was left out.
    """
    if not digest.picks:
        return present_sentence("There are no more papers of this day here.")
    is_unscored = all(_has_no_score(pick) for pick in digest.picks)
    build = build_unscored_card if is_unscored else build_card
    cards = [build(pick.scored_paper, translation=pick.translation) for pick in digest.picks]
    title = format_header(digest, f"next {len(cards)}")
    if following:
        return Message(title, (Heading(title), *cards, *_build_next_button(following, digest)))
    left_out = describe_left_out(digest)
    closing = Text(f"Left out: {left_out}." if left_out else "These were the last ones.", is_small_print=True)
    return Message(title, (Heading(title), *cards, Divider(), closing))


def present_failure(
    subscription: Subscription,
    edition: date,
    reason: str,
    *,
    kind: DeliveryKind,
    stopped: bool,
) -> Message:
    """Build the failure notice to a subscription's owner: the edition, the reason, and what happens next.

    `reason` is a sentence, and `kind` is that of the delivery. `stopped` means that the channel gets no more
    digests until somebody resumes them.
    """
    match kind:
        case DeliveryKind.DIGEST:
            subject = "digest"
            next_step = "The next one comes at its hour, and chooses from these papers again."
        case DeliveryKind.RECAP:
            subject, next_step = "recap", "The next one comes at its hour."
        case DeliveryKind.POLL:
            subject, next_step = "poll", "The meeting stays; its paper is chosen without votes."
        case DeliveryKind.AGENDA:
            subject, next_step = "agenda", "The meeting stays as it is."
        case DeliveryKind.REMINDER:
            subject, next_step = "reminder", "The meeting stays as it is."
        case DeliveryKind.EVENT:
            subject, next_step = "calendar event", "The meeting stays as it is."
        case _:
            assert_never(kind)
    title = f"The {subject} of {format_weekday_date(edition)} could not be posted"
    if stopped:
        next_step = "No more are posted until that is fixed and somebody resumes the digest."
    small_print = Text(f"{_name_digest(subscription)}. {next_step}", is_small_print=True)
    return Message(f"{title}: {clean_text(reason)}", (Heading(title), Text(clean_text(reason)), small_print))


def describe_missing_page(channel: Channel, edition: date) -> str:
    """Describe a message whose arrival nobody can tell, so that it was not sent again."""
    place = "your own digest" if channel.is_direct else f"the digest in {clean_text(channel.channel)}"
    return (
        f"A message of {place} of {format_weekday_date(edition)} may be missing. No answer came when it was "
        "sent, and the messages there cannot be searched, so it was not sent again."
    )


def describe_missing_picture(channel: Channel, reason: str) -> str:
    """Describe a post that went out without its picture. `reason` is a sentence."""
    place = clean_text(f"{channel.platform}:{channel.workspace}" if channel.workspace else channel.platform)
    return f"A weekly recap in {place} was posted without its picture. {clean_text(reason)}"


def _name_digest(subscription: Subscription) -> str:
    """Name a digest to its owner: Channel: C1#friday agents; Your own digest “agents”."""
    if not subscription.channel.is_direct:
        return f"Channel: {clean_text(subscription.short_name)}"
    return f"Your own digest{f' “{clean_text(subscription.name)}”' if subscription.name else ''}"
