"""Views besides the form: a person's own page, a window with an answer, and the card under a link. Pure."""

from collections.abc import Sequence
from typing import Any

from bot.chat.message import Card, Message
from bot.platforms.responses import choose_reply_style
from bot.platforms.slack.blocks import SlackBlock
from bot.platforms.slack.render import render
from bot.platforms.slack.reports import replace_feedback_buttons
from bot.present.lookup import remove_share_button
from digests.subscription import DigestStyle, Subscription

LOOK_UP_ACTION_ID = "look_up"
"""The action_id of the look-up box on a person's page."""
MAX_LISTED_DIGESTS = 20
"""Channels that a person's page lists. Our own limit."""
MAX_VIEW_BLOCKS = 100
"""Blocks of a view (https://docs.slack.dev/reference/views)."""


def build_home_view(
    marked_papers: Message,
    subscriptions: Sequence[Subscription],
    digest_command: str,
    operator_summary: Message | None = None,
) -> dict[str, Any]:
    """Build a person's page: the papers they marked, the channels that get digests, and a look-up box.

    People of the operator also have `operator_summary` there.
    """
    (page, *_) = render(marked_papers, DigestStyle.COMPACT)
    blocks = [*page.payload["blocks"], *_build_channel_blocks(subscriptions, digest_command)]
    if operator_summary:
        (summary, *_) = render(operator_summary, DigestStyle.COMPACT)
        blocks += [{"type": "divider"}, *summary.payload["blocks"]]
    return {"type": "home", "blocks": [*blocks[: MAX_VIEW_BLOCKS - 1], _LOOK_UP_BLOCK]}


def _build_channel_blocks(subscriptions: Sequence[Subscription], digest_command: str) -> list[SlackBlock]:
    """List the channels that get a digest, up to `MAX_LISTED_DIGESTS`, and the number of the others.

    Slack shows the ids as names, and hides the names of private channels from people who are not in them.
    """
    lines = [_describe_digest(subscription) for subscription in subscriptions[:MAX_LISTED_DIGESTS]]
    remaining = len(subscriptions) - len(lines)
    lines += [f"and {remaining:,} more"] if remaining else []
    text = "\n".join(lines) or f"No channel gets a digest yet: type {digest_command} subscribe in one."
    return [
        {"type": "divider"},
        {"type": "section", "text": {"type": "mrkdwn", "text": f"*Digests*\n{text}", "verbatim": True}},
    ]


def _describe_digest(subscription: Subscription) -> str:
    """Return a line such as "<#C1> at 09:00 (Europe/Berlin)", or that the digest is stopped or paused.

    The link to the channel is its only markup.
    """
    is_own, channel = subscription.channel.is_direct, subscription.channel.channel
    link = "Your own digest" if is_own else f"<#{channel}>"
    link += f" “{subscription.name}”" if subscription.name else ""
    if subscription.stop_reason:
        return f"{link}: stopped"
    if subscription.paused_by:
        return f"{link}: paused"
    return f"{link} at {subscription.schedule.at:%H:%M} ({subscription.schedule.time_zone})"


_LOOK_UP_BLOCK: SlackBlock = {
    "type": "input",
    "block_id": LOOK_UP_ACTION_ID,
    "dispatch_action": True,
    "label": {"type": "plain_text", "text": "Look a paper up"},
    "element": {
        "type": "plain_text_input",
        "action_id": LOOK_UP_ACTION_ID,
        "placeholder": {"type": "plain_text", "text": "2402.01306, an address, or words"},
        "dispatch_action_config": {"trigger_actions_on": ["on_enter_pressed"]},
    },
}


def build_answer_window(message: Message) -> dict[str, Any]:
    """Build a modal that shows a message, without its share buttons: it belongs to no channel."""
    pages = render(remove_share_button(message), choose_reply_style(message))
    return {
        "type": "modal",
        "title": {"type": "plain_text", "text": "Paperround"},
        "close": {"type": "plain_text", "text": "Close"},
        "blocks": replace_feedback_buttons(
            [block for page in pages for block in page.payload["blocks"]][:MAX_VIEW_BLOCKS]
        ),
    }


def build_link_card(message: Message) -> list[SlackBlock]:
    """Return the blocks of the card under a link. It has no buttons: the message is another person's."""
    cards = tuple(block for block in message.blocks if isinstance(block, Card))
    (page, *_) = render(Message(message.summary, cards), DigestStyle.CARDS)
    return [block for block in page.payload["blocks"] if block["type"] != "actions"]
