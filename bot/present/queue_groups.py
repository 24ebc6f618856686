"""Messages about shared queues and linked accounts. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from bot.chat.message import Heading, Message, Text
from bot.present.wording import clean_text, format_count, present_sentence
from digests.ports.account_links import LinkStep
from digests.ports.marks import QueueScope
from digests.ports.queue_groups import QueueGroup
from digests.text import clip_text

MAX_NAME_CHARACTERS = 100
"""Characters of a group's name that are shown."""


@dataclass(frozen=True, slots=True)
class GroupState:
    """A group as one of its members, `own`, sees it: who has agreed, and the names of workspaces.

    `names` are those that people know, by platform and workspace. Some are not known.
    """

    group: QueueGroup
    own: QueueScope
    agreed: Collection[QueueScope]
    names: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the name of the group, clipped."""
        return clip_text(clean_text(self.group.name), MAX_NAME_CHARACTERS)

    @property
    def partners(self) -> list[QueueScope]:
        """Return the members with whom the own one shares its queue now."""
        return [each for each in self.agreed if each != self.own] if self.own in self.agreed else []


def present_group(state: GroupState, command: str) -> Message:
    """Build the answer about a group: its members, who of them has agreed, and what to type."""
    name, own, agreed = state.name, state.own, state.agreed
    lines = [
        f"{_name_member(member, state)}: {'has agreed' if member in agreed else 'has not agreed yet'}"
        for member in state.group.members
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


def present_group_change(state: GroupState, person: str) -> Message:
    """Build the notice in the channel after the person with this name agreed to share, or ended it."""
    who = clean_text(person)
    if state.own not in state.agreed:
        return present_sentence(f"{who} ended the sharing of this queue as “{state.name}”.")
    sentence = f"{who} agreed to share this queue as “{state.name}”."
    if not state.partners:
        return present_sentence(f"{sentence} Nothing is shared until another member agrees too.")
    partners = ", ".join(_name_member(each, state) for each in state.partners)
    return present_sentence(
        f"{sentence} From now on {partners} and this channel see the same papers to discuss, and how many "
        "want each. Who wants one is shown to the own side alone."
    )


def _name_member(member: QueueScope, state: GroupState) -> str:
    """Name a member for people: here, Harbor Club (Discord), or Slack (T01ABCDEF) without a known name."""
    if member == state.own:
        return "This channel" if member.channel else "This workspace"
    known = clip_text(
        clean_text(state.names.get((member.platform, member.workspace), "")), MAX_NAME_CHARACTERS
    )
    platform = member.platform.title()
    return f"{known} ({platform})" if known else f"{platform} ({member.channel or member.workspace})"


def present_code(code: str, minutes: int, linked_count: int, command: str) -> Message:
    """Build the answer with a new code, for the person alone."""
    shown = format_code(code)
    others = f" It is linked with {format_count(linked_count, 'account')} already." if linked_count else ""
    return present_sentence(
        f"To count as one person with your other account, type {command} me link {shown} there within "
        f"{minutes} minutes, and then here again. Give the code to nobody.{others}"
    )


def format_code(code: str) -> str:
    """Return a code in two groups: K7QX-3M2P."""
    return f"{code[:4]}-{code[4:]}"


def present_link_step(
    step: Literal[LinkStep.WAITING, LinkStep.CLAIMED, LinkStep.LINKED], code: str, command: str
) -> Message:
    """Build the answer to a code that was typed."""
    typed = f"{command} me link {format_code(code)}"
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
                f"{command} me unlink ends it."
            )
