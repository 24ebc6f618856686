"""Shared types of all conversation: the person, the reply, and the services behind an answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.chat.message import Message
from bot.conversation.subscription_form import SubscriptionForm
from digests.build import DigestPolicy
from digests.errors import InputError
from digests.model import Paper, ScoredPaper
from digests.ports import Store


@dataclass(frozen=True, slots=True)
class Person:
    """A person who asks. `id` is the platform's, `name` is shown; `time_zone` is an IANA name or empty."""

    id: str
    name: str
    is_admin: bool = False
    time_zone: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one person: `announcement` goes to the whole channel, `form` is opened for the person."""

    message: Message
    announcement: Message | None = None
    form: SubscriptionForm | None = None


@dataclass(frozen=True, slots=True)
class ConversationContext:
    """Services and settings that answers need, the same for every channel of a platform.

    `fetch_paper` asks arXiv for an unknown paper, within seconds. It returns None for a paper that does not
    exist, and raises SourceError while arXiv cannot be reached. None stands for a set-up without arXiv.
    `admins_label` names the people who may change a digest where not everybody may.
    """

    store: Store
    find_papers: Callable[[str, int], Sequence[ScoredPaper]]
    digest_policy: DigestPolicy
    clock: Callable[[], datetime]
    paper_command: str = "/paper"
    digest_command: str = "/digest"
    anyone_may_change: bool = True
    admins_label: str = "workspace admins"
    has_shared_queue: bool = True
    mark_retention: timedelta = timedelta(days=30)
    fetch_paper: Callable[[str], Paper | None] | None = None

    def may_change_digest(self, person: Person) -> bool:
        """Return whether the person may change digests and decide about held papers."""
        return self.anyone_may_change or person.is_admin

    def require_permission(self, person: Person, task: str) -> None:
        """Raise InputError, naming the task and the people who may do it, unless this person may."""
        if not self.may_change_digest(person):
            raise InputError(self.describe_permission(task))

    def describe_permission(self, task: str) -> str:
        """Say who may do a task such as "change a channel's digest"."""
        return f"Only {self.admins_label} may {task} here: ask one of them."
