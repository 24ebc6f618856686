"""Messages about shared queues and linked accounts. Pure."""

from collections.abc import Collection
from typing import Literal

from bot.chat.message import Heading, Message, Text
from bot.present.wording import clean_text, format_count, present_sentence
from digests.ports.account_links import LinkStep
from digests.ports.marks import QueueScope
from digests.ports.queue_groups import QueueGroup
from digests.text import clip_text

MAX_NAME_CHARACTERS = 100
"""Characters of a group's name that are shown."""


def present_group(
    group: QueueGroup, own: QueueScope, agreed: Collection[QueueScope], command: str
) -> Message:
    """Build the answer about a group: its members, who of them has agreed, and what to type.

    `own` is the member that asks.
    """
    name = clip_text(clean_text(group.name), MAX_NAME_CHARACTERS)
    lines = [
        f"{format_member(member)}{' (here)' if member == own else ''}: "
        f"{'shares' if member in agreed else 'has not agreed'}"
        for member in group.members
    ]
    if own not in agreed:
        advice = f"An admin here can agree: {command} group join {name}"
    elif len(agreed) < 2:
        advice = (
            f"Nothing is shared until an admin of another member types {command} group join {name} there."
        )
    else:
        advice = (
            "Papers, numbers of marks and decisions are shared, and no names of people who mark. To end it: "
            f"{command} group leave {name}"
        )
    return Message(
        f"A queue shared as “{name}”", (Heading(f"Shared as “{name}”"), Text("\n".join(lines)), Text(advice))
    )


def format_member(member: QueueScope) -> str:
    """Return a member as the settings name it: slack:T01ABCDEF:C01ABCDEF."""
    return ":".join(filter(None, (member.platform, member.workspace, member.channel)))


def present_code(code: str, minutes: int, linked_count: int, command: str) -> Message:
    """Build the answer with a new code, for the person alone."""
    shown = format_code(code)
    others = f" It is linked with {format_count(linked_count, 'account')} already." if linked_count else ""
    return present_sentence(
        f"To count as one person with your other account, type {command} link {shown} there within {minutes} "
        f"minutes, and then here again. Give the code to nobody.{others}"
    )


def format_code(code: str) -> str:
    """Return a code in two groups: K7QX-3M2P."""
    return f"{code[:4]}-{code[4:]}"


def present_link_step(
    step: Literal[LinkStep.WAITING, LinkStep.CLAIMED, LinkStep.LINKED], code: str, command: str
) -> Message:
    """Build the answer to a code that was typed."""
    typed = f"{command} link {format_code(code)}"
    match step:
        case LinkStep.WAITING:
            return present_sentence(
                f"Nobody has typed this code yet: type {typed} in your other account first."
            )
        case LinkStep.CLAIMED:
            return present_sentence(
                f"Now type {typed} where you got the code: then both accounts are linked."
            )
        case LinkStep.LINKED:
            return present_sentence(
                "Linked: both accounts count as one person in every queue that they share. "
                f"{command} unlink ends it."
            )
