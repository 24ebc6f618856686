"""The contracts of `digests.ports` over one database, each loaded when it is first used."""

import threading
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from digests.panel import PanelPolicy
from digests.ports import Store
from digests.store.engine import Database

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
    from digests.store.leadership import FileLeadership, PostgresLeadership


class SqlStore(Store):
    """A store in SQLite or PostgreSQL. A short command needs few of its contracts and loads no others."""

    _database: Database
    _tombstones: Path | None
    _panel_policy: PanelPolicy
    _open_leadership: "list[FileLeadership | PostgresLeadership]"
    _is_closed: bool
    _mutex: threading.Lock

    @classmethod
    def connect(cls, database: Database, *, tombstones: Path | None, panel_policy: PanelPolicy) -> "SqlStore":
        """Connect the contracts to a database, which `close` disposes of. Opens no connection or file yet.

        `tombstones` is the file of `SqlPeople`.
        """
        store = cls.__new__(cls)  # The constructor takes contracts that are loaded: `replace` calls it.
        vars(store).update(
            _database=database,
            _tombstones=tombstones,
            _panel_policy=panel_policy,
            _open_leadership=[],
            _is_closed=False,
            _mutex=threading.Lock(),
            close=store._close,
        )
        return store

    @cached_property
    def library(self) -> "Library":
        from digests.store.library import SqlLibrary

        return SqlLibrary(self._database, self._panel_policy)

    @cached_property
    def paper_requests(self) -> "PaperRequests":
        from digests.store.paper_requests import SqlPaperRequests

        return SqlPaperRequests(self._database)

    @cached_property
    def subscriptions(self) -> "Subscriptions":
        from digests.store.subscriptions import SqlSubscriptions

        return SqlSubscriptions(self._database)

    @cached_property
    def outbox(self) -> "Outbox":
        from digests.store.outbox.outbox import SqlOutbox

        return SqlOutbox(self._database)

    @cached_property
    def failure_notices(self) -> "FailureNotices":
        from digests.store.outbox.failure_notices import SqlFailureNotices

        return SqlFailureNotices(self._database)

    @cached_property
    def delivery_reports(self) -> "DeliveryReports":
        from digests.store.outbox.reports import SqlDeliveryReports

        return SqlDeliveryReports(self._database)

    @cached_property
    def overview(self) -> "Overview":
        from digests.store.overview import SqlOverview

        return SqlOverview(self._database)

    @cached_property
    def posts(self) -> "Posts":
        from digests.store.posts import SqlPosts

        return SqlPosts(self._database)

    @cached_property
    def marks(self) -> "Marks":
        from digests.store.marks import SqlMarks

        return SqlMarks(self._database)

    @cached_property
    def meeting_plans(self) -> "MeetingPlans":
        from digests.store.meetings import SqlMeetingPlans

        return SqlMeetingPlans(self._database)

    @cached_property
    def meetings(self) -> "Meetings":
        from digests.store.meetings import SqlMeetings

        return SqlMeetings(self._database)

    @cached_property
    def feedback(self) -> "Feedback":
        from digests.store.feedback import SqlFeedback

        return SqlFeedback(self._database)

    @cached_property
    def recaps(self) -> "Recaps":
        from digests.store.recaps import SqlRecaps

        return SqlRecaps(self._database)

    @cached_property
    def queue_decisions(self) -> "QueueDecisions":
        from digests.store.queue_decisions import SqlQueueDecisions

        return SqlQueueDecisions(self._database)

    @cached_property
    def discussions(self) -> "Discussions":
        from digests.store.discussions import SqlDiscussions

        return SqlDiscussions(self._database)

    @cached_property
    def paper_notes(self) -> "PaperNotes":
        from digests.store.paper_notes import SqlPaperNotes

        return SqlPaperNotes(self._database)

    @cached_property
    def queue_consents(self) -> "QueueConsents":
        from digests.store.queue_groups import SqlQueueConsents

        return SqlQueueConsents(self._database)

    @cached_property
    def account_links(self) -> "AccountLinks":
        from digests.store.account_links import SqlAccountLinks

        return SqlAccountLinks(self._database)

    @cached_property
    def post_edits(self) -> "PostEdits":
        from digests.store.post_edits import SqlPostEdits

        return SqlPostEdits(self._database)

    @cached_property
    def sources(self) -> "Sources":
        from digests.store.sources import SqlSources

        return SqlSources(self._database)

    @cached_property
    def health(self) -> "Health":
        from digests.store.sources import SqlHealth

        return SqlHealth(self._database)

    @cached_property
    def events(self) -> "Events":
        from digests.store.notes import SqlEvents

        return SqlEvents(self._database)

    @cached_property
    def alerts(self) -> "Alerts":
        from digests.store.alerts import SqlAlerts

        return SqlAlerts(self._database)

    @cached_property
    def metrics(self) -> "Metrics":
        from digests.store.metrics import SqlMetrics

        return SqlMetrics(self._database)

    @cached_property
    def notes(self) -> "Notes":
        from digests.store.notes import SqlNotes

        return SqlNotes(self._database)

    @cached_property
    def review_queue(self) -> "ReviewQueue":
        from digests.store.review_queue import SqlReviewQueue

        return SqlReviewQueue(self._database)

    @cached_property
    def review_reports(self) -> "ReviewReports":
        from digests.store.review_reports import SqlReviewReports

        return SqlReviewReports(self._database)

    @cached_property
    def re_reviews(self) -> "ReReviews":
        from digests.store.re_reviews import SqlReReviews

        return SqlReReviews(self._database)

    @cached_property
    def budget(self) -> "Budget":
        from digests.store.budget import SqlBudget

        return SqlBudget(self._database)

    @cached_property
    def pairwise_ranking(self) -> "PairwiseRanking":
        from digests.store.pairwise_ranking import SqlPairwiseRanking

        return SqlPairwiseRanking(self._database)

    @cached_property
    def translations(self) -> "Translations":
        from digests.store.translations import SqlTranslations

        return SqlTranslations(self._database)

    @cached_property
    def starter_questions(self) -> "StarterQuestions":
        from digests.store.starter_questions import SqlStarterQuestions

        return SqlStarterQuestions(self._database)

    @cached_property
    def moderation(self) -> "Moderation":
        from digests.store.moderation import SqlModeration

        return SqlModeration(self._database)

    @cached_property
    def workspaces(self) -> "Workspaces":
        from digests.store.workspaces import SqlWorkspaces

        return SqlWorkspaces(self._database)

    @cached_property
    def access_tokens(self) -> "AccessTokens":
        from digests.store.access_tokens import SqlAccessTokens

        return SqlAccessTokens(self._database)

    @cached_property
    def installations(self) -> "Installations":
        from digests.store.installations import SqlInstallations

        return SqlInstallations(self._database)

    @cached_property
    def people(self) -> "People":
        from digests.store.people import SqlPeople
        from digests.store.tombstones import TombstoneFile

        return SqlPeople(self._database, TombstoneFile(self._tombstones) if self._tombstones else None)

    @cached_property
    def leadership(self) -> "Leadership":
        return self._get_leadership()

    @cached_property
    def worker_locks(self) -> "WorkerLocks":
        from digests.store.worker_locks import build_worker_locks

        return build_worker_locks(self._get_leadership(), self._database)

    def reapply_tombstones(self) -> None:
        """Erase what a restored backup brought back. Raises StoreError, also for an unreadable file."""
        try:
            is_empty = not self._tombstones or self._tombstones.stat().st_size == 0
        except FileNotFoundError:
            return
        except OSError:
            is_empty = False  # The reader says in a sentence what is wrong with the file.
        if not is_empty:
            self.people.reapply_tombstones()

    def _get_leadership(self) -> "FileLeadership | PostgresLeadership":
        """Return the one object of this store that holds locks, whichever thread asks first.

        That of a closed store is closed: nobody would end a session that it opened.
        """
        from digests.store.leadership import build_leadership

        with self._mutex:
            if not self._open_leadership:
                self._open_leadership.append(build_leadership(self._database))
                if self._is_closed:
                    self._open_leadership[0].close()
            return self._open_leadership[0]

    def _close(self) -> None:
        with self._mutex:
            self._is_closed = True
            opened = list(self._open_leadership)
        for leadership in opened:
            leadership.close()
        self._database.engine.dispose()
