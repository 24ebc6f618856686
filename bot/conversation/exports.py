"""Collection of papers to export: the queue, discussions and marks of a workspace or a channel."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bot.chat.message import Message
from bot.conversation.context import ConversationContext
from bot.conversation.discussions import find_own_discussions
from bot.conversation.queue import MAX_QUEUED
from bot.present.citations import ExportedPaper, ExportFormat, ExportKind, format_papers
from bot.present.exports import present_export, present_nothing_to_export
from digests.model import AttachedFile
from digests.ports import Store
from digests.ports.marks import QueueScope, choose_queue_scope
from digests.subscription import Channel

MAX_EXPORTED_NOTES = 50
"""Notes about one paper in an export, the newest."""


@dataclass(frozen=True, slots=True)
class _Listed:
    """A paper of a list before its facts are loaded."""

    paper: str
    mark_count: int = 0
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class PaperExport:
    """The papers of a scope's own channels, and nobody's names. Synchronous: call from a worker thread.

    Marks count in the queue for `mark_retention`.
    """

    store: Store
    scope: QueueScope
    now: datetime
    mark_retention: timedelta

    def collect_papers(self, kind: ExportKind) -> list[ExportedPaper]:
        """Return the papers of a list: the queue in its order, the others with the newest first.

        Held and rejected papers are left out. Raises StoreError.
        """
        listed = self._list_papers(kind)
        ids = [each.paper for each in listed]
        papers = self.store.library.get(ids)
        answers = self.store.discussions.count_answers(self.scope, ids)
        noted, days = self.store.paper_notes.count(self.scope, ids), self._find_days(ids)
        return [
            ExportedPaper(
                each.paper,
                papers.get(each.paper),
                each.mark_count,
                each.since,
                days.get(each.paper),
                answers.get(each.paper),
                self._load_notes(each.paper) if each.paper in noted else (),
            )
            for each in listed
            if each.paper not in papers or not papers[each.paper].is_withheld
            if kind is not ExportKind.DISCUSSIONS or each.paper in days
        ]

    def _list_papers(self, kind: ExportKind) -> Sequence[_Listed]:
        match kind:
            case ExportKind.QUEUE:
                queue = self.store.marks.discussion_queue(
                    self.scope, since=self.now - self.mark_retention, now=self.now, limit=MAX_QUEUED
                )
                return [_Listed(each.paper, each.mark_count, each.since) for each in queue]
            case ExportKind.MARKS:
                marked = self.store.marks.list_marked(self.scope, limit=MAX_QUEUED)
                return [_Listed(each.paper, each.mark_count, each.since) for each in marked]
            case ExportKind.DISCUSSIONS:
                return [
                    _Listed(paper)
                    for paper in self.store.queue_decisions.list_discussed(self.scope, limit=MAX_QUEUED)
                ]

    def _find_days(self, papers: Sequence[str]) -> dict[str, date]:
        """Return the days on which papers were discussed; that of a meeting is its own."""
        discussed, meetings = find_own_discussions(self.store, self.scope, papers)
        days = {}
        for paper, at in discussed.items():
            meeting = meetings.get(paper)
            is_by_meeting = meeting is not None and meeting.chosen_at is not None and meeting.chosen_at >= at
            if not meeting or not is_by_meeting:
                days[paper] = at.date()
            elif meeting.starts_at <= self.now:
                days[paper] = meeting.day
        return days

    def _load_notes(self, paper: str) -> tuple[str, ...]:
        notes = self.store.paper_notes.list_of_paper(self.scope, paper, MAX_EXPORTED_NOTES)
        return tuple(note.text for note in notes)


@dataclass(frozen=True, slots=True)
class ExportAnswers:
    """Answers with a list of papers as a file. Synchronous: call from a worker thread.

    Whoever sees the queue gets it: what it has, the people of the workspace can see in answers too.
    """

    context: ConversationContext

    def export_papers(self, kind: ExportKind, export_format: ExportFormat, channel: Channel) -> Message:
        """Return a list of the channel's own papers, without a partner's. Raises StoreError."""
        context = self.context
        scope = choose_queue_scope(channel, has_workspace_queue=context.has_workspace_queue)
        export = PaperExport(context.store, scope, context.clock(), context.mark_retention)
        papers = export.collect_papers(kind)
        if not papers:
            return present_nothing_to_export(kind)
        text = format_papers(papers, kind, export_format)
        file = AttachedFile(export_format.build_file_name(kind), text.encode())
        return present_export(file, kind, export_format, len(papers))
