"""Contracts between the domain and what stores its data, one subject a file."""

from collections.abc import Callable
from dataclasses import dataclass

from digests.ports.budget import Budget
from digests.ports.delivery_reports import DeliveryReports
from digests.ports.failure_notices import FailureNotices
from digests.ports.leadership import Leadership
from digests.ports.library import Library
from digests.ports.marks import Marks
from digests.ports.moderation import Moderation
from digests.ports.notes import Events, Notes
from digests.ports.outbox import Outbox
from digests.ports.pairwise_ranking import PairwiseRanking
from digests.ports.paper_requests import PaperRequests
from digests.ports.people import People
from digests.ports.post_edits import PostEdits
from digests.ports.posts import Posts
from digests.ports.review_queue import ReviewQueue
from digests.ports.sources import Health, Sources
from digests.ports.subscriptions import Subscriptions
from digests.ports.workspaces import Workspaces


@dataclass(frozen=True, slots=True)
class Store:
    """All contracts over one database.

    Every method of a contract may raise StoreError, and may be called from several threads and processes at
    once. Instants are aware datetimes. `close` releases every leader lock and closes the connections.
    """

    library: Library
    paper_requests: PaperRequests
    subscriptions: Subscriptions
    outbox: Outbox
    failure_notices: FailureNotices
    delivery_reports: DeliveryReports
    posts: Posts
    marks: Marks
    post_edits: PostEdits
    sources: Sources
    health: Health
    events: Events
    notes: Notes
    review_queue: ReviewQueue
    budget: Budget
    pairwise_ranking: PairwiseRanking
    moderation: Moderation
    workspaces: Workspaces
    people: People
    leadership: Leadership
    close: Callable[[], None]
