"""Answers about what is kept about a person, and its erasure. A person reaches only their own records."""

from dataclasses import dataclass

from bot.chat.message import Message
from bot.conversation.context import ConversationContext, Person
from bot.present.people import present_erasure, present_export, present_question
from digests.ports.people import Subject, SubjectKind
from digests.subscription import Channel


@dataclass(frozen=True, slots=True)
class PeopleAnswers:
    """Answers about a person's records in a workspace. Synchronous: call from a worker thread.

    Where there is no workspace, as in a direct message, the records of all workspaces of the platform count.
    """

    context: ConversationContext

    def forget_person(self, channel: Channel, person: Person, *, is_confirmed: bool) -> Message:
        """Erase everything about the person who asks, and say what it was.

        Before it is confirmed nothing is erased, and the answer says what would be. Raises StoreError.
        """
        subject, people = _identify_person(channel, person), self.context.store.people
        if not is_confirmed:
            return present_question(people.count_records(subject), self.context.digest_command)
        return present_erasure(people.forget(subject, now=self.context.clock()))

    def export_person(self, channel: Channel, person: Person) -> Message:
        """Return everything that is kept about the person who asks. Raises StoreError."""
        subject = _identify_person(channel, person)
        return present_export(subject, self.context.store.people.export(subject))


def _identify_person(channel: Channel, person: Person) -> Subject:
    return Subject(SubjectKind.PERSON, channel.platform, channel.workspace, person.id)
