"""Answers and decisions about held papers, for the chat platforms and the terminal."""

from dataclasses import dataclass, replace
from datetime import datetime

from bot.chat.message import Message, Text
from bot.conversation.context import ConversationContext, Person
from bot.conversation.reports import MAX_LISTED_REPORTS, ReportAnswers
from bot.present.moderation import present_held_papers
from bot.present.reports import build_report_blocks
from bot.present.wording import format_weekday_date
from digests.errors import InputError
from digests.ports import Store
from digests.ports.moderation import ModerationDecision
from digests.subscription import Channel
from digests.text import clip_text, to_plain_text

MAX_TITLE_CHARACTERS = 80
"""Characters of a title within a sentence."""


@dataclass(frozen=True, slots=True)
class ModerationAnswers:
    """Answers about held papers. Synchronous: call from a worker thread.

    Methods raise InputError for a person who may not decide, and StoreError.
    """

    context: ConversationContext

    def show_held_papers(self, channel: Channel, person: Person) -> Message:
        """Return a list of the papers that wait for a decision, with buttons to release or reject each.

        The reviews that people of the workspace doubt follow, with buttons that have the papers reviewed
        again. Raises InputError for a person who may not decide.
        """
        self.context.require_decider(channel, person)
        store = self.context.store
        held = present_held_papers(store.moderation.list_held(), self.context.paper_command)
        reports = store.review_reports.list_open(
            MAX_LISTED_REPORTS, platform=channel.platform, workspace=channel.workspace
        )
        papers = store.library.get({report.paper for report in reports})
        known = [report for report in reports if report.paper in papers]
        waiting = {each.paper for each in map(store.re_reviews.find, papers) if each and each.is_open}
        return replace(held, blocks=(*held.blocks, *build_report_blocks(known, papers, waiting)))

    def start_re_review(self, report: str, channel: Channel, person: Person) -> Message:
        """Have the paper of a report reviewed again, and return the outcome and the list of what is left.

        Raises InputError for a person who may not decide.
        """
        self.context.require_decider(channel, person)
        try:
            outcome = ReportAnswers(self.context).start_re_review(report, channel, person)
        except InputError as error:
            outcome = str(error)
        return Message(outcome, (Text(outcome), *self.show_held_papers(channel, person).blocks))

    def decide_on_held_paper(self, paper: str, channel: Channel, person: Person, *, release: bool) -> Message:
        """Release or reject a held paper. Returns the outcome in a sentence, and the list of the papers left.

        If the paper is not held any more, nothing changes, and the sentence names the earlier decision.
        Raises InputError for a person who may not decide.
        """
        self.context.require_decider(channel, person)
        store, now = self.context.store, self.context.clock()
        try:
            outcome = decide_held_paper(
                store, paper, is_release=release, by=person.name, by_id=person.qualify_id(channel), now=now
            )
        except InputError as error:
            outcome = str(error)
        return Message(outcome, (Text(outcome), *self.show_held_papers(channel, person).blocks))


def decide_held_paper(
    store: Store, paper: str, *, is_release: bool, by: str, by_id: str, now: datetime
) -> str:
    """Release or reject a held paper in the name `by`, and return the outcome as a sentence.

    `by_id` is the id of that person, with platform and workspace. `paper` is an id. Raises InputError for a
    paper that is not held; its sentence tells the earlier decision, if there was one. Checks no permission.
    """
    apply_decision = store.moderation.release if is_release else store.moderation.reject
    title = _quote_title(store, paper)
    if not apply_decision(paper, by=by, by_id=by_id, now=now):
        raise InputError(_describe_earlier_decision(title, store.moderation.find_decision(paper)))
    if is_release:
        return f"{title} is released: the next digests may show it."
    return f"{title} is rejected: no digest shows it."


def _quote_title(store: Store, paper: str) -> str:
    scored = store.library.get([paper]).get(paper)
    if not scored:
        return clip_text(paper, MAX_TITLE_CHARACTERS)
    return f"“{clip_text(to_plain_text(scored.paper.title), MAX_TITLE_CHARACTERS)}”"


def _describe_earlier_decision(title: str, decision: ModerationDecision | None) -> str:
    if not decision:
        return f"{title} is not held, so there is nothing to decide."
    outcome = "released" if decision.is_released else "rejected"
    day = format_weekday_date(decision.at.date())
    return f"{title} is not held any more: {decision.by} {outcome} it on {day}."
