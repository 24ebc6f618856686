"""The posts of a meeting: what each one does when it is first built, and its message.

Every step can be repeated after a crash. The papers of a poll, the choice and the presenter are in the store
before the message that tells of them is planned.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.chat.message import CalendarEvent, Message
from bot.chat.port import Outcome, PostError
from bot.delivery.context import DeliveryContext
from bot.present.meeting import present_agenda, present_poll, present_reminder
from bot.present.meeting_event import present_event
from digests.meetings.model import Member
from digests.meetings.poll import choose_candidates, choose_paper
from digests.meetings.rota import choose_presenter
from digests.model import PostedState, QueuedPaper, QueueOutcome, ScoredPaper
from digests.ports.discussions import AnswerCounts
from digests.ports.marks import QueueScope, choose_queue_scope
from digests.ports.meetings import PICKED_BY, Meeting
from digests.ports.outbox import Claim, DeliveryKind
from digests.ports.queue_groups import find_shared_scope
from digests.subscription import DigestStyle

CHOICE_ATTEMPTS = 5
"""Attempts to choose a paper while the meeting changes. No votes come in then: one is most often enough."""

QUEUE_LENGTH = 100
"""Papers of a queue that are considered, the most wanted first."""


@dataclass(frozen=True, slots=True)
class MeetingPost:
    """The message of a post, its style, the revision of the meeting that it shows, and the papers' state.

    A post in the calendar has an event in place of the message. One without both stays as it is.
    """

    message: Message | None
    style: DigestStyle
    revision: int
    posted_states: Mapping[str, PostedState]
    event: CalendarEvent | None = None


def build_meeting_post(claim: Claim, context: DeliveryContext) -> MeetingPost:
    """Build the present content of a post of a meeting. Blocks.

    A post that was never planned first takes its step: a poll gets its papers, an agenda its paper, which
    leaves the queue, and who leads. Raises PostError with REFUSED if the meeting does not exist any more,
    with NOT_POSTED if it changes all the time, and StoreError.
    """
    meeting = context.store.meetings.find_of_delivery(claim.id)
    if meeting is None:
        raise PostError("The meeting of this post does not exist any more.", Outcome.REFUSED)
    has_begun = context.clock() >= meeting.timetable.starts_at
    if claim.kind is DeliveryKind.EVENT:
        return _build_event_post(claim, meeting, context, has_begun=has_begun)
    if not claim.pages and has_begun:
        raise PostError("The meeting has begun.", Outcome.REFUSED)
    if not claim.pages and meeting.is_held:
        meeting = _take_step(meeting, claim.kind, context)
    shown = {candidate.paper for candidate in meeting.candidates}
    papers = context.store.library.get(
        sorted(shown | ({meeting.paper} if meeting.paper is not None else set()))
    )
    if claim.kind is DeliveryKind.AGENDA:
        posted = {paper for page in claim.pages for paper in page.papers}  # A held one says so on its card.
        papers = {paper: each for paper, each in papers.items() if paper in posted or not each.is_withheld}
    if has_begun and meeting.was_held:
        # A later change of the plan, such as its end, does not undo a meeting.
        meeting = replace(meeting, is_active=True, plan=replace(meeting.plan, days_off=()))
    message, style = _present_post(meeting, claim.kind, papers, context, has_begun=has_begun)
    states = {card.paper: papers[card.paper].posted_state for card in message.cards}
    return MeetingPost(message, style, meeting.revision, states)


def _build_event_post(
    claim: Claim, meeting: Meeting, context: DeliveryContext, *, has_begun: bool
) -> MeetingPost:
    """Build the event of a meeting. One that has begun stays as it is, and so does one that never was."""
    papers = context.store.library.get([meeting.paper] if meeting.paper is not None else [])
    shown = next((each for each in papers.values() if not each.is_withheld), None)
    has_no_paper = meeting.paper is None and context.clock() >= meeting.timetable.closes_at
    is_cancelled = has_no_paper or not meeting.is_held
    event: CalendarEvent | None = present_event(meeting, shown, is_cancelled=is_cancelled)
    is_missing = not any(page.receipt for page in claim.pages)
    if has_begun or (is_missing and is_cancelled):
        event = None
    return MeetingPost(None, DigestStyle.COMPACT, meeting.revision, {}, event)


def _take_step(meeting: Meeting, kind: DeliveryKind, context: DeliveryContext) -> Meeting:
    match kind:
        case DeliveryKind.POLL:
            return _open_poll(meeting, context)
        case DeliveryKind.AGENDA:
            return _choose_paper(meeting, context)
        case _:
            return meeting


def _open_poll(meeting: Meeting, context: DeliveryContext) -> Meeting:
    queue = _load_queue(meeting, context)
    papers = context.store.library.get([queued.paper for queued in queue])
    scores = {paper: scored.review.score for paper, scored in papers.items()}
    candidates = choose_candidates(queue, scores, discussed=meeting.discussed)
    return context.store.meetings.open_poll(meeting.id, candidates) or meeting


def _choose_paper(meeting: Meeting, context: DeliveryContext) -> Meeting:
    """Choose the paper of a meeting and who leads, unless that was done, and take the paper off the queue.

    Another paper takes the place of one that was kept from a meeting that was called off, and is held since.
    """
    for _ in range(CHOICE_ATTEMPTS):
        if meeting.paper is not None:
            if not _is_withheld(meeting.paper, context):
                _take_off_queue(meeting, context)
                return meeting
            _put_back(meeting, context)
            released = context.store.meetings.release_paper(meeting, now=context.clock())
            meeting = released or context.store.meeting_plans.find(meeting.channel) or meeting
            continue
        queue = _load_queue(meeting, context)
        paper = choose_paper(meeting.candidates, meeting.votes, queue, discussed=meeting.discussed)
        if paper is None:
            # The meeting's event follows: there is no meeting without a paper.
            released = context.store.meetings.release_paper(meeting, now=context.clock())
            if released:
                return released
            meeting = context.store.meeting_plans.find(meeting.channel) or meeting
            continue
        day = meeting.plan.find_day(meeting.timetable.starts_at)
        presenter = _find_presenter(meeting) or choose_presenter(meeting.members, day)
        chosen = context.store.meetings.choose_paper(meeting, paper, presenter, now=context.clock())
        meeting = chosen or context.store.meeting_plans.find(meeting.channel) or meeting
    raise PostError("The meeting changes all the time.", Outcome.NOT_POSTED)


def _is_withheld(paper: str, context: DeliveryContext) -> bool:
    scored = context.store.library.get([paper]).get(paper)
    return scored is not None and scored.is_withheld


def _find_presenter(meeting: Meeting) -> Member | None:
    """Return who leads already, such as in the place of a meeting that was called off."""
    known = (member for member in meeting.members if member.person == meeting.presenter)
    return next(known, Member(meeting.presenter, meeting.timetable.poll_at) if meeting.presenter else None)


def _load_queue(meeting: Meeting, context: DeliveryContext) -> Sequence[QueuedPaper]:
    """Return the papers of the meeting's queue that its channel may be shown, the most wanted first.

    Postponed, held and rejected ones are left out.
    """
    now = context.clock()
    since = now - context.queue_policy.mark_retention
    queue = context.store.marks.discussion_queue(
        _choose_scope(meeting, context), since=since, now=now, limit=QUEUE_LENGTH
    )
    papers = context.store.library.get([queued.paper for queued in queue])
    withheld = {paper for paper, scored in papers.items() if scored.is_withheld}
    return [each for each in queue if each.postponed_until is None and each.paper not in withheld]


def _choose_scope(meeting: Meeting, context: DeliveryContext) -> QueueScope:
    """Return the scope of the queue that people of the meeting's channel see."""
    policy = context.queue_policy
    shared = find_shared_scope(policy.groups, context.store.queue_consents, meeting.channel)
    return shared or choose_queue_scope(meeting.channel, has_workspace_queue=policy.has_workspace_queue)


def _take_off_queue(meeting: Meeting, context: DeliveryContext) -> None:
    """Take the paper of a meeting off the queue as of its choice: a mark made later adds it again."""
    if meeting.paper is None or meeting.chosen_at is None:
        return
    scope = _choose_scope(meeting, context)
    context.store.queue_decisions.decide(
        meeting.paper, scope, QueueOutcome.DISCUSSED, by=PICKED_BY, by_id="", now=meeting.chosen_at
    )


def _put_back(meeting: Meeting, context: DeliveryContext) -> None:
    """Undo that the paper of a meeting was taken off the queue: it is not discussed."""
    if meeting.paper is not None and meeting.chosen_at is not None:
        scope = _choose_scope(meeting, context)
        context.store.queue_decisions.undo(meeting.paper, scope, at=meeting.chosen_at)


def _present_post(
    meeting: Meeting,
    kind: DeliveryKind,
    papers: Mapping[str, ScoredPaper],
    context: DeliveryContext,
    *,
    has_begun: bool,
) -> tuple[Message, DigestStyle]:
    match kind:
        case DeliveryKind.POLL:
            return present_poll(meeting, papers), DigestStyle.COMPACT
        case DeliveryKind.AGENDA:
            answers = _count_answers(meeting, context) if has_begun else None
            questions = _load_questions(meeting, context)
            return present_agenda(meeting, papers, answers, questions), DigestStyle.THREAD
        case _:
            in_workspace = not _choose_scope(meeting, context).channel  # Partners' people are not named.
            interested = context.store.meetings.find_interested(meeting, in_workspace=in_workspace)
            return present_reminder(meeting, papers, interested), DigestStyle.COMPACT


def _load_questions(meeting: Meeting, context: DeliveryContext) -> Mapping[str, str]:
    """Return the model's questions about the paper of a meeting, by limitation.

    They are those that were there when the paper was chosen: people may have talked about the others since.
    """
    if meeting.paper is None or meeting.chosen_at is None:
        return {}
    return context.store.starter_questions.find(meeting.paper, until=meeting.chosen_at)


def _count_answers(meeting: Meeting, context: DeliveryContext) -> AnswerCounts | None:
    """Count what people of the channel's queue say of the paper of a meeting; None without a paper."""
    if meeting.paper is None or not meeting.was_held:
        return None
    has_workspace_queue = context.queue_policy.has_workspace_queue
    scope = choose_queue_scope(meeting.channel, has_workspace_queue=has_workspace_queue)
    counts = context.store.discussions.count_answers(scope, [meeting.paper])
    return counts.get(meeting.paper, AnswerCounts())
