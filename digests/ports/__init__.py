"""Contracts between the domain and what stores its data, one subject a file."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from digests.ports.access_tokens import AccessTokens
    from digests.ports.account_links import AccountLinks
    from digests.ports.alerts import Alerts
    from digests.ports.budget import Budget
    from digests.ports.delivery_reports import DeliveryReports
    from digests.ports.discussions import Discussions
    from digests.ports.failure_notices import FailureNotices
    from digests.ports.feedback import Feedback
    from digests.ports.installations import Installations
    from digests.ports.leadership import Leadership
    from digests.ports.library import Library
    from digests.ports.marks import Marks
    from digests.ports.meetings import MeetingPlans, Meetings
    from digests.ports.metrics import Metrics
    from digests.ports.moderation import Moderation
    from digests.ports.notes import Events, Notes
    from digests.ports.outbox import Outbox
    from digests.ports.overview import Overview
    from digests.ports.pairwise_ranking import PairwiseRanking
    from digests.ports.paper_notes import PaperNotes
    from digests.ports.paper_requests import PaperRequests
    from digests.ports.people import People
    from digests.ports.post_edits import PostEdits
    from digests.ports.posts import Posts
    from digests.ports.queue_decisions import QueueDecisions
    from digests.ports.queue_groups import QueueConsents
    from digests.ports.re_reviews import ReReviews
    from digests.ports.recaps import Recaps
    from digests.ports.review_queue import ReviewQueue
    from digests.ports.review_reports import ReviewReports
    from digests.ports.sources import Health, Sources
    from digests.ports.starter_questions import StarterQuestions
    from digests.ports.subscriptions import Subscriptions
    from digests.ports.translations import Translations
    from digests.ports.worker_locks import WorkerLocks
    from digests.ports.workspaces import Workspaces


@dataclass(frozen=True)
class Store:
    """All contracts over one database.

    Every method of a contract may raise StoreError, and may be called from several threads and processes at
    once. Instants are aware datetimes. `close` releases every lock and closes the connections.
    """

    library: "Library"
    paper_requests: "PaperRequests"
    subscriptions: "Subscriptions"
    outbox: "Outbox"
    failure_notices: "FailureNotices"
    delivery_reports: "DeliveryReports"
    overview: "Overview"
    posts: "Posts"
    marks: "Marks"
    meeting_plans: "MeetingPlans"
    meetings: "Meetings"
    feedback: "Feedback"
    recaps: "Recaps"
    queue_decisions: "QueueDecisions"
    discussions: "Discussions"
    paper_notes: "PaperNotes"
    queue_consents: "QueueConsents"
    account_links: "AccountLinks"
    post_edits: "PostEdits"
    sources: "Sources"
    health: "Health"
    alerts: "Alerts"
    metrics: "Metrics"
    events: "Events"
    notes: "Notes"
    review_queue: "ReviewQueue"
    review_reports: "ReviewReports"
    re_reviews: "ReReviews"
    budget: "Budget"
    pairwise_ranking: "PairwiseRanking"
    translations: "Translations"
    starter_questions: "StarterQuestions"
    moderation: "Moderation"
    workspaces: "Workspaces"
    access_tokens: "AccessTokens"
    installations: "Installations"
    people: "People"
    leadership: "Leadership"
    worker_locks: "WorkerLocks"
    close: Callable[[], None]
