"""Types that all conversation shares: a person, a reply, and the services and settings behind an answer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.chat.message import Message
from bot.conversation.paper_fetch_queue import PaperFetchQueue
from bot.conversation.subscription_form import SubscriptionForm
from digests.build import DigestPolicy
from digests.errors import InputError
from digests.model import Post
from digests.ports import Store
from digests.ports.budget import BudgetLimit
from digests.ports.likeness import LikenessFinder, find_no_likeness
from digests.ports.queue_groups import QueueGroup
from digests.ports.search import SearchRequest, SearchResult
from digests.subscription import Channel
from digests.text import clip_text

NOT_YOURS = "This digest is another person's, so nothing was changed."


@dataclass(frozen=True, slots=True)
class Person:
    """A person who types or clicks. `id` is the platform's id, and `name` is shown to others.

    `is_admin` means that the platform gives the person the right to manage the workspace. `time_zone` is an
    IANA name, or empty if the platform does not tell it.
    """

    id: str
    name: str
    is_admin: bool = False
    time_zone: str = ""

    def qualify_id(self, channel: Channel) -> str:
        """Return the id with the platform and workspace of a channel in which the person types or clicks.

        It is immutable, unlike the name, and unique among all platforms: `slack:T1:U1`.
        """
        return f"{channel.platform}:{channel.workspace}:{self.id}"


@dataclass(frozen=True, slots=True)
class Reply:
    """Reply to one person: `message` is for the person alone, `announcement` for the whole channel.

    None announces nothing. A platform with forms opens `form` for the person, if there is one, in place of
    the message. `missing_papers` are arXiv ids that the person named and the library lacks: where papers can
    be fetched, they are fetched, and shown in place of the message.
    """

    message: Message
    announcement: Message | None = None
    form: SubscriptionForm | None = None
    missing_papers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConversationContext:
    """Services and settings that answers need, the same for every channel of a platform.

    `find_papers` searches the library, and raises SearchError and StoreError. `fetch_queue` fetches unknown
    papers from arXiv; it is None in a set-up without arXiv. `admins_label` names the people who may change a
    digest where not everybody may. With `has_workspace_queue`, the channels of a workspace have one queue,
    else each channel has its own; those of `queue_groups` share theirs, once they agree. A mark counts in the
    queue for `mark_retention`; the number on a card has no age limit.
    `deciders` are the people who may decide about held papers and re-reviews, by `Person.qualify_id`. Without
    `can_review_again` there is no reviewer with a share for it. `budget_limit` is that of its day, None
    without a reviewer. `find_likeness` compares new papers with
    marked ones, as for a posted digest. `schedule_refreshes` schedule the refresh of a post, by platform: the
    platforms of one process share it, and each adds its own.
    """

    store: Store
    find_papers: Callable[[SearchRequest], SearchResult]
    digest_policy: DigestPolicy
    clock: Callable[[], datetime]
    paper_command: str = "/paper"
    digest_command: str = "/digest"
    anyone_may_change: bool = True
    admins_label: str = "workspace admins"
    has_workspace_queue: bool = True
    queue_groups: tuple[QueueGroup, ...] = ()
    mark_retention: timedelta = timedelta(days=30)
    fetch_queue: PaperFetchQueue | None = None
    deciders: frozenset[str] = frozenset()
    can_review_again: bool = False
    budget_limit: BudgetLimit | None = None
    find_likeness: LikenessFinder = find_no_likeness
    schedule_refreshes: dict[str, Callable[[Post], None]] = field(default_factory=dict)

    def require_decider(self, channel: Channel, person: Person) -> None:
        """Raise InputError, with the person's id for the settings, if the person is none of `deciders`."""
        person_id = person.qualify_id(channel)
        if person_id not in self.deciders:
            raise InputError(
                "Decisions about held papers and reviews count for every channel, so only those whom the "
                "operator names can see and make them: whoever runs Paperround can add "
                f"{clip_text(person_id, 120)!r} to deciders under [operator]."
            )

    def may_change_digest(self, channel: Channel, person: Person) -> bool:
        """Return True if the person may change the digests of a channel.

        That is everybody if `anyone_may_change`, else only an admin. In a direct message it is the person
        whose conversation it is, and nobody else. Raises StoreError.
        """
        digests = self.store.subscriptions.list_of_channel(channel)
        if channel.is_direct or any(each.channel.is_direct for each in digests):
            return channel.is_direct and all(each.owner_id in ("", person.id) for each in digests)
        return self.anyone_may_change or person.is_admin

    def require_permission(self, channel: Channel, person: Person, task: str) -> None:
        """Raise InputError if the person may not do the task, with a sentence that names who may."""
        if not self.may_change_digest(channel, person):
            raise InputError(NOT_YOURS if channel.is_direct else self.describe_permission(task))

    def describe_permission(self, task: str) -> str:
        """Return a sentence that names the people who may do a task such as "change a channel's digest"."""
        return f"Only {self.admins_label} may {task} here: ask one of them."
