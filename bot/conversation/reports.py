"""Reports of readers about a review: the form, what is kept, and the re-review that a decider starts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.chat.message import Message
from bot.conversation.context import ConversationContext, Person
from bot.present.reports import ReaderReports, name_reviewed_paper, present_doubt
from bot.present.wording import clean_text, present_sentence
from digests.errors import InputError
from digests.injections import scan_text
from digests.limitations import digest_limitation, list_limitations
from digests.model import NOT_REVIEWED, ScoredPaper
from digests.ports import Store
from digests.ports.review_reports import ReviewPart, ReviewReport, SavedReport
from digests.subscription import Channel
from digests.text import clip_text, normalize_text, parse_number

MAX_REASON_CHARACTERS = 500
"""Characters of a reason that are kept: some sentences."""

MAX_EXAMINED_CHARACTERS = 4_000
"""Characters of a reason that are read, as many as a form's field gives."""

MAX_REPORTS_PER_DAY = 20
"""Most reports of one person in a day (UTC). Whoever reads the papers first has fewer."""

MAX_LISTED_REPORTS = 50
"""Reports that are read for a list of doubted reviews. A chat shows the first of them."""

LABEL_CHARACTERS = 75
"""Longest label of a part in a form: Slack's limit. Discord takes 100 characters."""

WRONG, RIGHT = "wrong", "right"
STANCES = {WRONG: "It is wrong", RIGHT: "It is right: I checked it"}
"""Labels of what a person can say of a part."""

_LIMITATION_PREFIX = "limitation:"
_PART_LABELS = {"score": ReviewPart.SCORE, "tldr": ReviewPart.TLDR, "other": ReviewPart.OTHER}

STALE_REPORT = "The review has changed since this form was opened, so nothing was kept: open it again."


@dataclass(frozen=True, slots=True)
class ReportForm:
    """A form about a paper's review. `parts` has the labels of the parts by their values."""

    paper: str
    title: str
    parts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ReportFields:
    """A filled-in form, which is not trusted: the paper's id, a part's value, one of `STANCES`, a reason."""

    paper: str
    part: str
    stance: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReportOutcome:
    """The answer to a person, and the notice to each of some deciders, None if nobody is told."""

    message: Message
    notice: Message | None = None
    deciders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportAnswers:
    """Answers about reports. Synchronous: call from a worker thread.

    A report belongs to the workspace of the channel, and no other one sees it. Methods raise InputError with
    a sentence for the person, and StoreError.
    """

    context: ConversationContext

    def open_form(self, paper: str, channel: Channel) -> ReportForm:
        """Return the form about a paper's review. Raises InputError if there is nothing to report here."""
        scored = self._require_reviewed(paper, channel)
        parts = {"score": "The score"} if scored.review.score is not None else {}
        if scored.review.tldr.strip():
            parts["tldr"] = "The TL;DR"
        for number, text in enumerate(list_limitations(scored.review), 1):
            label = clip_text(f"Limitation {number}: {clean_text(text)}", LABEL_CHARACTERS)
            parts.setdefault(f"{_LIMITATION_PREFIX}{digest_limitation(text)}", label)
        return ReportForm(paper, name_reviewed_paper(scored), {**parts, "other": "Something else"})

    def save_report(self, fields: ReportFields, channel: Channel, person: Person) -> ReportOutcome:
        """Keep a report, and return the sentence for the person.

        Deciders of the workspace are told of the first doubt about a paper on a day (UTC).
        """
        scored = self._require_reviewed(fields.paper, channel)
        report = self._build_report(fields, scored, channel, person)
        saved = self.context.store.review_reports.save(report, per_day=MAX_REPORTS_PER_DAY)
        if saved is SavedReport.REFUSED:
            raise InputError(f"You have reported {MAX_REPORTS_PER_DAY} times today; tomorrow you can again.")
        replaced = " It takes the place of your earlier one." if saved is SavedReport.REPLACED else ""
        outcome = present_sentence(
            f"Thank you: it is kept.{replaced} The full review says so to the people here, without your name."
        )
        deciders = self._choose_deciders(report)
        notice = present_doubt(report, scored, self.context.digest_command) if deciders else None
        return ReportOutcome(outcome, notice, deciders)

    def _build_report(
        self, fields: ReportFields, scored: ScoredPaper, channel: Channel, person: Person
    ) -> ReviewReport:
        raw_reason = fields.reason[:MAX_EXAMINED_CHARACTERS]
        reason = clip_text(normalize_text(raw_reason), MAX_REASON_CHARACTERS)
        if not reason:
            raise InputError("Say in a sentence why, so that others can check it.")
        if fields.stance not in STANCES:
            raise InputError(STALE_REPORT)
        part, subject = _find_part(fields.part, scored)
        return ReviewReport(
            channel.platform,
            channel.workspace,
            person.id,
            scored.paper.id,
            part,
            reason,
            self.context.clock(),
            limitation=digest_limitation(subject) if subject else "",
            subject=subject,
            is_right=fields.stance == RIGHT,
            is_suspect=bool(scan_text(raw_reason, "report")),
        )

    def _choose_deciders(self, report: ReviewReport) -> tuple[str, ...]:
        """Return the ids of the deciders in the workspace who are told of a doubt, others than its person."""
        start = f"{report.platform}:{report.workspace}:"
        names = {each.removeprefix(start) for each in self.context.deciders if each.startswith(start)}
        names -= {report.person}
        event = f"doubt {start}{report.paper} {report.at.date()}"
        if report.is_right or not names:
            return ()
        return tuple(sorted(names)) if self.context.store.events.record_once(event, now=report.at) else ()

    def load_readers(self, paper: str, channel: Channel) -> ReaderReports:
        """Return what the readers of the channel's workspace say of a paper's review."""
        reports, place = self.context.store.review_reports, (channel.platform, channel.workspace)
        if not channel.workspace:
            return ReaderReports()
        counts = reports.count_readers(paper, *place)
        newest = reports.list_of_paper(paper, *place, MAX_LISTED_REPORTS) if counts else ()
        return ReaderReports(counts, newest)

    def start_re_review(self, value: str, channel: Channel, person: Person) -> str:
        """Ask for a re-review of the paper of a report, by its number, and return the outcome in a sentence.

        `value` is not trusted. Raises InputError for a person who may not decide, and for a report that is
        not one of this workspace.
        """
        self.context.require_decider(channel, person)
        report = self.context.store.review_reports.find(parse_report_number(value))
        if not report or (report.platform, report.workspace) != (channel.platform, channel.workspace):
            raise InputError("There is no such report here any more.")
        if not self.context.can_review_again:
            raise InputError(NO_REVIEWER)
        return ask_for_re_review(
            self.context.store,
            report,
            by=person.name,
            by_id=person.qualify_id(channel),
            now=self.context.clock(),
        )

    def _require_reviewed(self, paper: str, channel: Channel) -> ScoredPaper:
        if not channel.workspace:
            raise InputError("A report is for the people of a workspace: open the review in a channel there.")
        scored = self.context.store.library.get([paper]).get(paper)
        if not scored:
            raise InputError(f"The paper {clip_text(paper, 60)!r} is not here any more.")
        if scored.review == NOT_REVIEWED:
            raise InputError("This paper has no review that could be wrong.")
        return scored


NO_REVIEWER = (
    "No reviewer with a share for requested papers is set up here, so no paper can be reviewed again."
)


def parse_report_number(text: str) -> int:
    """Parse the number of a report, which is not trusted. Raises InputError for anything else."""
    if (number := parse_number(text)) is None:
        raise InputError(f"{clip_text(text, 40)!r} is no number of a report, such as 3.")
    return number


def ask_for_re_review(store: Store, report: ReviewReport, *, by: str, by_id: str, now: datetime) -> str:
    """Ask for a re-review in the name `by`, and return the outcome as a sentence.

    Raises InputError for a report that confirms the review, for a paper that is gone or has no review, and
    for one that waits already. Checks no permission.
    """
    if report.is_right:
        raise InputError("This report confirms the review, so there is nothing to ask.")
    scored = store.library.get([report.paper]).get(report.paper)
    if not scored or scored.review == NOT_REVIEWED or scored.paper.withdrawn:
        raise InputError("The paper is not here any more, is withdrawn, or has no review.")
    limitations = list_limitations(scored.review)
    title = f"“{name_reviewed_paper(scored)}”"
    if not store.re_reviews.ask(
        report.id, review_number=scored.review_number, limitations=limitations, by=by, by_id=by_id, now=now
    ):
        raise InputError(f"{title} waits to be reviewed again already.")
    told = "without the reason, which reads like an order" if report.is_suspect else "with the reason"
    return (
        f"{title} will be reviewed again, {told}, within the share of requested papers. Its cards then say "
        "what changed."
    )


def _find_part(value: str, scored: ScoredPaper) -> tuple[ReviewPart, str]:
    """Return the part for a value of the form, with its text if it is a limitation, else "".

    Raises InputError for a part that the review lacks.
    """
    if part := _PART_LABELS.get(value):
        return part, ""
    for text in list_limitations(scored.review):
        if value == f"{_LIMITATION_PREFIX}{digest_limitation(text)}":
            return ReviewPart.LIMITATION, text
    raise InputError(STALE_REPORT)
