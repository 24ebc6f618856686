"""The message of a digest with picks, and the message to a channel's owner after a failed delivery."""

from datetime import date
from typing import assert_never

from bot.chat.message import (
    Block,
    Divider,
    Heading,
    Message,
    Text,
)
from bot.present.card import build_card
from bot.present.empty import present_empty_digest
from bot.present.footnotes import describe_left_out, describe_trouble, format_counts, present_late_notice
from bot.present.wording import clean_text, format_count, format_weekday_date
from digests.model import (
    Digest,
    Heartbeat,
    Pick,
)
from digests.ports.outbox import DeliveryKind
from digests.subscription import Subscription
from digests.text import clip_text


def present_digest(digest: Digest) -> Message:
    """Present a digest: header, cards, and the counts of considered and left-out papers."""
    day = format_weekday_date(digest.edition)
    if not digest.picks:
        return present_empty_digest(digest, day)
    counted = f"{len(digest.picks)} of {format_count(digest.considered, 'new paper')}"
    cards = [
        build_card(pick.scored_paper, number, pick.reason)
        for number, pick in enumerate(digest.picks, start=1)
    ]
    return Message(
        summary=f"{day} - {counted}: {'; '.join(_shorten_title(pick) for pick in digest.picks)}",
        blocks=(
            Heading(f"{day} - {counted}"),
            *present_late_notice(digest.late_notice),
            *cards,
            *_present_footer(digest),
        ),
    )


def _shorten_title(pick: Pick) -> str:
    """Cut a title at its colon, for a notification."""
    title = clean_text(pick.scored_paper.paper.title)
    name, colon, _ = title.partition(": ")
    return name if colon and len(name) >= 3 else clip_text(title, 60)


def _present_footer(digest: Digest) -> tuple[Block, ...]:
    left_out = describe_left_out(digest)
    considered = f"{format_count(digest.considered, 'new paper')} considered"
    lines = [f"{considered}. Left out: {left_out}." if left_out else f"{considered}."]
    if digest.is_follow_up:
        lines.append("These papers came in after today's first message.")
    lines += [describe_trouble(one, digest.edition) for one in digest.troubles]
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
    """Tell the owner of a subscription that an edition was not posted, the reason, and what happens next."""
    match kind:
        case DeliveryKind.DIGEST:
            subject, then = "digest", "The next one comes at its hour, and chooses from these papers again."
        case DeliveryKind.RECAP:
            subject, then = "recap", "The next one comes at its hour."
        case _:
            assert_never(kind)
    title = f"The {subject} of {format_weekday_date(edition)} could not be posted"
    if stopped:
        then = "No more come until that is mended and somebody resumes the channel's digest."
    where = Text(f"Channel: {clean_text(subscription.channel.channel)}. {then}", is_small_print=True)
    return Message(f"{title}: {clean_text(reason)}", (Heading(title), Text(clean_text(reason)), where))
