"""Answers about sharing a queue with other workspaces, and about linking a person's accounts."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from bot.chat.message import Message
from bot.conversation.context import ConversationContext, Person, Reply
from bot.present.queue_groups import (
    GroupState,
    present_code,
    present_group,
    present_group_change,
    present_link_step,
)
from bot.present.wording import present_sentence
from digests.errors import InputError
from digests.model import Account
from digests.ports.account_links import LinkStep
from digests.ports.marks import QueueScope
from digests.ports.queue_groups import QueueGroup, find_group
from digests.subscription import Channel
from digests.text import clip_text

CODE_LIFETIME = timedelta(minutes=10)
"""Time for which a code can be typed."""

CODE_SIGNS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
"""Signs of a code, without those that look alike."""

CODE_LENGTH = 8
"""Signs of a code: 39 bits. A person may type a few a minute, so that none is found by trying."""


@dataclass(frozen=True, slots=True)
class GroupAnswers:
    """Answers about shared queues and linked accounts. Synchronous: call from a worker thread."""

    context: ConversationContext

    def show_group(self, channel: Channel) -> Message:
        """Say with whom the channel's queue is shared, who has agreed, and who can change that."""
        found = find_group(self.context.queue_groups, channel)
        if not found:
            return present_sentence(
                "This queue can be shared with nobody: whoever runs Paperround names those who may "
                "share one, under [[discussion.groups]] of the settings."
            )
        return present_group(self._load_state(*found), self.context.digest_command)

    def _load_state(self, group: QueueGroup, member: QueueScope) -> GroupState:
        agreed = self.context.store.queue_consents.list_agreed(group)
        return GroupState(group, member, agreed, self._load_names())

    def _load_names(self) -> dict[tuple[str, str], str]:
        """Return the names of workspaces by platform and id: those that installed the app, or ask for it."""
        installed = self.context.store.installations.list_all()
        listed = self.context.store.workspaces.list_all()
        return {
            **{(each.platform, each.workspace): each.name for each in installed},
            **{(each.platform, each.id): each.name for each in listed if each.name},
        }

    def join_group(self, name: str, channel: Channel, person: Person) -> Reply:
        """Agree for the channel's workspace, or the channel, to share its queue with a group.

        The channel is told. Raises InputError for a person who is no admin, and for a group that the channel
        is not of.
        """
        group, member = self._require_group(name, channel, person)
        self.context.store.queue_consents.agree(
            group,
            member,
            by=person.name,
            by_id=person.qualify_id(channel),
            now=self.context.clock(),
        )
        return self._reply_to_change(group, member, person)

    def leave_group(self, name: str, channel: Channel, person: Person) -> Reply:
        """Withdraw the agreement: from now on nothing is shared with this member. Raises InputError.

        The channel is told.
        """
        group, member = self._require_group(name, channel, person)
        if not self.context.store.queue_consents.withdraw(group, member, now=self.context.clock()):
            raise InputError(f"This queue was not shared as “{group.name}”, so nothing was changed.")
        return self._reply_to_change(group, member, person)

    def _reply_to_change(self, group: QueueGroup, member: QueueScope, person: Person) -> Reply:
        state = self._load_state(group, member)
        return Reply(
            present_group(state, self.context.digest_command), present_group_change(state, person.name)
        )

    def _require_group(self, name: str, channel: Channel, person: Person) -> tuple[QueueGroup, QueueScope]:
        """Return the channel's group and its member, for an admin who names it. Raises InputError."""
        found = find_group(self.context.queue_groups, channel)
        if not found or found[0].name.casefold() != name.casefold():
            raise InputError(
                f"There is no group {clip_text(name, 60)!r} that this channel can share its queue with; "
                f"{self.context.digest_command} group shows the one that there is."
            )
        if not person.is_admin:
            raise InputError(self.context.describe_permission("share the queue with others"))
        return found

    def offer_code(self, channel: Channel, person: Person) -> Message:
        """Make a code by which the person's other account can prove that both are one person's."""
        code = "".join(secrets.choice(CODE_SIGNS) for _ in range(CODE_LENGTH))
        account, now = _identify_account(channel, person), self.context.clock()
        links = self.context.store.account_links
        links.offer(account, code, now=now, expires_at=now + CODE_LIFETIME)
        minutes = CODE_LIFETIME // timedelta(minutes=1)
        return present_code(code, minutes, len(links.list_linked(account)), self.context.digest_command)

    def enter_code(self, code: str, channel: Channel, person: Person) -> Message:
        """Take a code that the person typed, and link the two accounts once both have typed it.

        Raises InputError for a code that is unknown, too old, used up, or was typed by a third account.
        """
        plain = "".join(sign for sign in code.upper() if sign.isalnum())
        account, now = _identify_account(channel, person), self.context.clock()
        step = self.context.store.account_links.enter(account, plain, now=now)
        if step in (LinkStep.UNKNOWN, LinkStep.TAKEN):
            raise InputError(
                "This code is not valid (any more): each is good for ten minutes, for two accounts, and "
                f"once. {self.context.digest_command} me link makes a new one."
            )
        return present_link_step(step, plain, self.context.digest_command)

    def unlink(self, channel: Channel, person: Person) -> Message:
        """Take the person's account out of its links. Raises InputError if it has none."""
        account, now = _identify_account(channel, person), self.context.clock()
        if not self.context.store.account_links.unlink(account, now=now):
            raise InputError("This account is linked with no other, so nothing was changed.")
        return present_sentence("This account counts for itself again; the others stay as they are.")


def _identify_account(channel: Channel, person: Person) -> Account:
    return Account(channel.platform, channel.workspace, person.id)
