"""Contracts between the domain and what stores its data, one subject a file."""

from collections.abc import Callable
from dataclasses import dataclass

from digests.ports.delivery_reports import DeliveryReports
from digests.ports.events import Events
from digests.ports.failure_notices import FailureNotices
from digests.ports.health import Health
from digests.ports.leadership import Leadership
from digests.ports.library import Library
from digests.ports.marks import Marks
from digests.ports.notes import Notes
from digests.ports.outbox import Outbox
from digests.ports.post_edits import PostEdits
from digests.ports.review_queue import Reviewing
from digests.ports.sources import Sources
from digests.ports.subscriptions import Subscriptions


@dataclass(frozen=True, slots=True)
class Store:
    """The books of the house, over one database. `close` gives its connections back."""

    library: Library
    subscriptions: Subscriptions
    outbox: Outbox
    failure_notices: FailureNotices
    delivery_reports: DeliveryReports
    marks: Marks
    events: Events
    sources: Sources
    health: Health
    notes: Notes
    post_edits: PostEdits
    reviewing: Reviewing
    leadership: Leadership
    close: Callable[[], None]
