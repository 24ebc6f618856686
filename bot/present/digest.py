"""The message of a digest, and the failure notice to a channel's owner. Pure."""

from datetime import date
from typing import assert_never

from bot.chat.message import Block, Divider, Heading, Message, Text
from bot.present.card import build_card
from bot.present.empty import present_empty_digest
from bot.present.footnotes import describe_left_out, describe_trouble, format_counts, present_late_notice
from bot.present.wording import clean_text, format_count, format_weekday_date
from digests.model import Digest, Heartbeat, Pick
from digests.ports.outbox import DeliveryKind
from digests.subscription import Subscription
from digests.text import clip_text


def present_digest(digest: Digest) -> Message:
    """Build the message of a digest: header, late notice, cards, and a footer with counts and troubles.

    A digest without picks becomes the message of `present_empty_digest`.
    """
    day = format_weekday_date(digest.edition)
    if not digest.picks:
        return present_empty_digest(digest, day)
    title = f"{day} - {len(digest.picks)} of {format_count(digest.considered, 'new paper')}"
    cards = [
        build_card(pick.scored_paper, number, pick.reason)
        for number, pick in enumerate(digest.picks, start=1)
    ]
    return Message(
        summary=f"{title}: {'; '.join(_shorten_title(pick) for pick in digest.picks)}",
        blocks=(
            Heading(title),
            *present_late_notice(digest.late_notice),
            *cards,
            *_present_footer(digest),
        ),
    )


def _shorten_title(pick: Pick) -> str:
    """Return the part of a title before ": ", for a notification.

    Returns the title clipped to 60 characters if it has no such colon, or less than 3 characters before it.
    """
    title = clean_text(pick.scored_paper.paper.title)
    name, colon, _ = title.partition(": ")
    return name if colon and len(name) >= 3 else clip_text(title, 60)


def _present_footer(digest: Digest) -> tuple[Block, ...]:
    """Say how many papers were considered and left out, and name troubles. `Heartbeat.ALWAYS` adds counts."""
    left_out = describe_left_out(digest)
    considered = f"{format_count(digest.considered, 'new paper')} considered"
    lines = [f"{considered}. Left out: {left_out}." if left_out else f"{considered}."]
    if digest.is_follow_up:
        lines.append("These papers came in after today's first message.")
    lines += [describe_trouble(report, digest.edition) for report in digest.troubles]
    if digest.heartbeat is Heartbeat.ALWAYS:
        lines.append(f"{format_counts(digest)}{'' if digest.troubles else ' Every source is well.'}")
    return Divider(), Text("\n".join(lines), is_small_print=True)


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
        case _:
            assert_never(kind)
    title = f"The {subject} of {format_weekday_date(edition)} could not be posted"
    if stopped:
        next_step = "No more are posted until that is fixed and somebody resumes the channel's digest."
    channel = clean_text(subscription.channel.channel)
    small_print = Text(f"Channel: {channel}. {next_step}", is_small_print=True)
    return Message(f"{title}: {clean_text(reason)}", (Heading(title), Text(clean_text(reason)), small_print))
