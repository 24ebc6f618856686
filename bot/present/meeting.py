"""Messages about meetings: the plan, the poll, the agenda, the reminder. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from bot.chat.message import (
    Appointment,
    Block,
    Button,
    ButtonAction,
    Buttons,
    Card,
    Divider,
    Heading,
    Message,
    OptionRow,
    People,
    Text,
)
from bot.present.card import build_card, format_score
from bot.present.discussion import build_questions
from bot.present.wording import (
    capitalise_first,
    clean_text,
    format_count,
    format_short_weekday,
    format_weekday_date,
)
from digests.limitations import digest_limitation
from digests.meetings.model import DaysOff, MeetingPlan
from digests.meetings.poll import count_votes
from digests.meetings.rota import order_rota
from digests.model import AttachedFile, ScoredPaper
from digests.ports.discussions import AnswerCounts
from digests.ports.meetings import Meeting
from digests.schedule import next_due_edition
from digests.text import clip_text

TITLE_CHARACTERS = 90
"""Characters of a paper's title in a heading or in a poll."""

QUESTION_CHARACTERS = 220
"""Characters of a weak point in a starter question."""

CALENDAR_MEETINGS = 4
"""Next meetings that the answer about the calendar names."""

MAX_DAYS_OFF = 5
"""Spans of days off that are named; older ones are over by then."""

_OPENINGS = (
    "“{}” How much does that take away from the result?",
    "“{}” Which experiment would settle it?",
    "“{}” Would it matter where you would use this?",
)
"""Starter questions about a paper's weak points, in the words of its review."""

BY_MODEL = "(by the model)"
"""Words after a question that the model wrote."""

_GENERAL_QUESTIONS = (
    "What is the one result that you would tell a colleague about?",
    "Which experiment is missing?",
    "What would you do differently?",
)
"""Starter questions about a paper whose review names fewer weak points."""


def present_meeting(meeting: Meeting, papers: Mapping[str, ScoredPaper], command: str) -> Message:
    """Build the answer to a question about the channel's meetings. `papers` are by id."""
    if not meeting.is_active:
        return present_no_meeting(command)
    blocks: list[Block] = [Heading("Meetings"), Text(capitalise_first(f"{describe_plan(meeting.plan)}."))]
    if meeting.is_off:
        blocks.append(Text(_describe_day_off(meeting)))
    else:
        blocks.append(build_appointment(meeting, "Next"))
        if meeting.paper is not None:
            blocks.append(Text(f"“{_format_title(meeting.paper, papers)}”", label="Paper"))
        else:
            is_open = meeting.plan.has_poll and bool(meeting.candidates)
            step = "The poll closes" if is_open else "The paper is chosen"
            blocks.append(
                Appointment(
                    step,
                    meeting.timetable.closes_at,
                    _format_instant(meeting.timetable.closes_at, meeting.plan),
                )
            )
    blocks += [People("Leads", (meeting.presenter,))] if meeting.presenter else []
    if meeting.members:
        blocks.append(People("Rota", tuple(member.person for member in order_rota(meeting.members))))
    else:
        blocks.append(Text("Nobody has agreed to lead yet.", label="Rota"))
    days_off = [
        span
        for span in meeting.plan.days_off
        if span.last >= meeting.plan.find_day(meeting.timetable.poll_at)
    ]
    if days_off:
        blocks.append(Text(", ".join(map(format_span, days_off[:MAX_DAYS_OFF])), label="Days off"))
    hints = (
        f"{command} meet join - lead a meeting when it is your turn; leave, away until 14 dec, back\n"
        f"{command} meet take, swap, pass - who leads the next one\n"
        f"{command} meet fri 15:00, weekly, place Room 4, without poll - change one thing; set - a form\n"
        f"{command} meet skip, off 21 dec to 3 jan, end - call one off, or all\n"
        f"{command} meet ics - the next ones, for your calendar"
    )
    blocks.append(Text(hints, is_small_print=True))
    return Message(f"Meetings: {describe_plan(meeting.plan)}", tuple(blocks))


def present_no_meeting(command: str) -> Message:
    """Build the answer in a channel without meetings."""
    text = (
        "This channel has no meetings. A week before each one people vote on the papers of the queue, "
        f"somebody of the rota is named to lead, and a reminder comes on the day before: "
        f"{command} meet thu 16:00 every 2 weeks place Room 4"
    )
    return Message("This channel has no meetings.", (Heading("Meetings"), Text(text)))


def present_calendar(meeting: Meeting, file: AttachedFile) -> Message:
    """Build the answer to a question for the calendar: the next meetings that are held, and the file."""
    plan, starts_at = meeting.plan, meeting.timetable.starts_at
    lines: list[Block] = []
    while len(lines) < CALENDAR_MEETINGS:
        if not plan.is_day_off(plan.find_day(starts_at)):
            label, text = f"{len(lines) + 1}", _format_instant(starts_at, plan)
            is_last = len(lines) == CALENDAR_MEETINGS - 1  # All have one place.
            lines.append(Appointment(label, starts_at, text, clean_text(plan.place) if is_last else ""))
        starts_at = next_due_edition(plan.schedule, starts_at).at
    note = (
        "Where files can be attached, this answer has one for your calendar. A later one replaces what has "
        "changed."
    )
    blocks = (Heading("Next meetings"), *lines, Text(note, is_small_print=True))
    return Message(f"Meetings: {describe_plan(plan)}", blocks, file)


def describe_plan(plan: MeetingPlan) -> str:
    """Describe a plan, without a full stop: every second Thursday at 16:00 (Europe/Berlin), in Room 4."""
    schedule = plan.schedule
    day = f"{date(2024, 1, 1 + min(schedule.days)):%A}"  # 1 January 2024 was a Monday.
    rhythm = "every second" if schedule.every_weeks == 2 else "every"
    parts = [f"{rhythm} {day} at {schedule.at:%H:%M} ({schedule.time_zone})"]
    parts += [f"place: {clean_text(plan.place)}"] if plan.place else []
    parts += [] if plan.has_poll else ["the most wanted paper is taken without a poll"]
    return ", ".join(parts)


def present_plan_change(meeting: Meeting, name: str, change: str, *, names_plan: bool = True) -> Message:
    """Build the notice of a change of a plan by the person `name`, with *Undo*. `change` is a verb.

    Such as: Ada planned meetings: every Thursday at 16:00 (Europe/Berlin). Without `names_plan` the sentence
    ends after the verb.
    """
    who = clean_text(name)
    undo = Buttons((Button(ButtonAction.UNDO_PLAN, "Undo", str(meeting.plan_revision)),))
    if not meeting.is_active:
        sentence = f"{who} ended the meetings here."
        return Message(sentence, (Text(sentence), undo))
    sentence = f"{who} {change}: {describe_plan(meeting.plan)}." if names_plan else f"{who} {change}."
    coming = Text(_describe_day_off(meeting)) if meeting.is_off else build_appointment(meeting, "Next")
    return Message(sentence, (Text(sentence), coming, undo))


def build_appointment(meeting: Meeting, label: str = "When") -> Appointment:
    """Build the line with a meeting's start and place."""
    starts_at = meeting.timetable.starts_at
    return Appointment(
        label, starts_at, _format_instant(starts_at, meeting.plan), clean_text(meeting.plan.place)
    )


def format_meeting_day(meeting: Meeting) -> str:
    """Format the local date of a meeting: Thursday 3 December."""
    return format_weekday_date(meeting.plan.find_day(meeting.timetable.starts_at))


def format_span(span: DaysOff) -> str:
    """Format a span of dates: 24 December; 16 to 20 November; 21 December to 3 January."""
    first, last = (f"{day.day} {day:%B}" for day in (span.first, span.last))
    if span.first == span.last:
        return first
    is_one_month = (span.first.year, span.first.month) == (span.last.year, span.last.month)
    return f"{span.first.day if is_one_month else first} to {last}"


def describe_span(span: DaysOff) -> str:
    """Name a span of dates in a sentence: on 24 December; from 16 to 20 November."""
    return f"{'on' if span.first == span.last else 'from'} {format_span(span)}"


def _format_instant(instant: datetime, plan: MeetingPlan) -> str:
    """Format an instant in the zone of a plan: Thu 3 Dec, 16:00 (Europe/Berlin)."""
    local = instant.astimezone(ZoneInfo(plan.schedule.time_zone))
    return f"{format_short_weekday(local)}, {local:%H:%M} ({plan.schedule.time_zone})"


def _format_title(paper: str, papers: Mapping[str, ScoredPaper]) -> str:
    scored = papers.get(paper)
    return clip_text(clean_text(scored.paper.title if scored else paper), TITLE_CHARACTERS)


# Posts.


def present_poll(meeting: Meeting, papers: Mapping[str, ScoredPaper]) -> Message:
    """Build the poll of a meeting: open, closed, of an empty queue, or why no meeting is held."""
    if not meeting.is_held:
        return _present_not_held(meeting, papers)
    day = format_meeting_day(meeting)
    if meeting.paper is not None:
        return _present_closed_poll(meeting, papers)
    closes = Appointment(
        "Until", meeting.timetable.closes_at, _format_instant(meeting.timetable.closes_at, meeting.plan)
    )
    if not meeting.candidates:
        title = f"No paper yet for {day}"
        text = (
            "The queue has no paper for it: mark some with 🔖, and the most wanted one is taken. "
            "Else there is no meeting."
        )
        return Message(f"{title}: {text}", (Heading(title), Text(text), closes))
    title = f"Which paper on {day}?"
    counts = count_votes(meeting.candidates, meeting.votes)
    rows = [
        OptionRow(
            f"{place}. {_describe_candidate(each.paper, papers)}{_format_votes(counts[each.paper])}",
            Button(ButtonAction.VOTE, "Vote", f"{meeting.id}:{place - 1}"),
        )
        for place, each in enumerate(meeting.candidates, start=1)
    ]
    note = Text(
        "One vote a person, which can be changed. Of equal votes the best score wins.", is_small_print=True
    )
    return Message(title, (Heading(title), *rows, closes, note))


def _describe_candidate(paper: str, papers: Mapping[str, ScoredPaper]) -> str:
    scored = papers.get(paper)
    score = format_score(scored.review) if scored and scored.review.score is not None else ""
    return " · ".join(filter(None, (_format_title(paper, papers), score)))


def _format_votes(count: int) -> str:
    return f" · {format_count(count, 'vote')}" if count else ""


def _present_closed_poll(meeting: Meeting, papers: Mapping[str, ScoredPaper]) -> Message:
    """Build the result of a poll, with the votes of each paper.

    A poll of an empty queue had none to vote on: its paper was marked since.
    """
    counts = count_votes(meeting.candidates, meeting.votes)
    title = f"{format_meeting_day(meeting)}: “{_format_title(meeting.paper or '', papers)}”"
    lines = [
        f"{place}. {_describe_candidate(candidate.paper, papers)} · "
        f"{format_count(counts[candidate.paper], 'vote')}"
        for place, candidate in enumerate(meeting.candidates, start=1)
    ]
    if not lines:
        text = "It was the most wanted paper of the queue."
        return Message(title, (Heading(title), Text(text, is_small_print=True)))
    closing = Text("The poll is closed.", is_small_print=True)
    return Message(title, (Heading(title), Text("\n".join(lines)), closing))


def present_agenda(
    meeting: Meeting,
    papers: Mapping[str, ScoredPaper],
    answers: AnswerCounts | None = None,
    questions: Mapping[str, str] | None = None,
) -> Message:
    """Build the agenda of a meeting: time and place, who leads, the paper, and questions to begin with.

    `questions` are the model's, by limitation (`digest_limitation`); the others are made by rule. Once the
    meeting has begun, `answers` are those about its paper: the agenda asks for more, and nobody takes the
    turn of whoever led it.
    """
    scored = papers.get(meeting.paper) if meeting.paper is not None else None
    cards = _build_paper_blocks(scored, questions or {}) if scored else ()
    if not meeting.is_held or meeting.paper is None:
        message = _present_not_held(meeting, papers)
        return Message(message.summary, (*message.blocks, *cards))
    day = meeting.plan.find_day(meeting.timetable.starts_at)
    title = f"{format_short_weekday(day)}: {_format_title(meeting.paper, papers)}"
    leads: Block = (
        People("Leads", (meeting.presenter,))
        if meeting.presenter
        else Text("Nobody yet. Who takes it?" if answers is None else "Nobody.", label="Leads")
    )
    if answers is not None:
        asked = (Divider(), *build_questions(scored, answers)) if scored else ()
        return Message(title, (Heading(title), build_appointment(meeting), leads, *cards, *asked))
    number = str(meeting.id)
    own_turn = (
        (Button(ButtonAction.SWAP, "Swap", number), Button(ButtonAction.SKIP_TURN, "Skip me", number))
        if meeting.presenter
        else ()
    )
    buttons = Buttons((Button(ButtonAction.LEAD, "I take it", number), *own_turn))
    return Message(title, (Heading(title), build_appointment(meeting), leads, buttons, *cards))


def _build_paper_blocks(scored: ScoredPaper, questions: Mapping[str, str]) -> tuple[Block, ...]:
    card = build_card(scored)
    asked = list_questions(card, questions)
    return card, Text(
        "\n".join(f"{place}. {each}" for place, each in enumerate(asked, start=1)), label="To begin with"
    )


def list_questions(card: Card, by_model: Mapping[str, str]) -> tuple[str, ...]:
    """Return three questions to begin a discussion with, out of the weak points that a card names.

    Those in `by_model`, by limitation, take the place of the ones by rule, and say that they are the model's.
    """
    asked = []
    for opening, point in zip(_OPENINGS, card.limitations, strict=False):
        question = clean_text(by_model.get(digest_limitation(point), ""))
        text = clip_text(clean_text(point), QUESTION_CHARACTERS)
        asked.append(f"{question} {BY_MODEL}" if question else opening.format(text))
    return (*asked, *_GENERAL_QUESTIONS[len(asked) :])


def _present_not_held(meeting: Meeting, papers: Mapping[str, ScoredPaper]) -> Message:
    """Say that a meeting is not held, why, and when the next one is."""
    title = f"No meeting on {format_meeting_day(meeting)}"
    if not meeting.is_active:
        lines = ["The meetings here were ended."]
    elif meeting.is_off:
        lines = ["It is a day off.", describe_next(meeting)]
        if meeting.paper is not None and meeting.paper in papers:
            lines.append(f"“{_format_title(meeting.paper, papers)}” is kept for then.")
    else:
        lines = ["The queue had no paper for it: mark some with 🔖 to discuss them.", describe_next(meeting)]
    text = " ".join(lines)
    return Message(f"{title}. {text}", (Heading(title), Text(text)))


def _describe_day_off(meeting: Meeting) -> str:
    return f"No meeting on {format_meeting_day(meeting)}: it is a day off. {describe_next(meeting)}"


def describe_days_off(meeting: Meeting, span: DaysOff) -> str:
    """Say which days have no meeting any more, and when the next one is; the plan of `meeting` has them."""
    if meeting.is_off and meeting.plan.find_day(meeting.timetable.starts_at) in (span.first, span.last):
        return f"no meeting on {format_meeting_day(meeting)}. {describe_next(meeting)}"
    coming = f"The next one is on {format_meeting_day(meeting)}."
    return f"no meeting {describe_span(span)}. {describe_next(meeting) if meeting.is_off else coming}"


def describe_next(meeting: Meeting) -> str:
    """Name the day of the next meeting after this one that is not on a day off."""
    following = next_due_edition(meeting.plan.schedule, meeting.timetable.starts_at)
    while meeting.plan.is_day_off(following.edition):
        following = next_due_edition(meeting.plan.schedule, following.at)
    return f"The next one is on {format_weekday_date(following.edition)}."


def present_reminder(
    meeting: Meeting, papers: Mapping[str, ScoredPaper], interested: Sequence[str]
) -> Message:
    """Build the reminder on the day before a meeting.

    `interested` are the ids of the people who wanted the paper.
    """
    if not meeting.is_held or meeting.paper is None:
        return _present_not_held(meeting, papers)
    day = meeting.plan.find_day(meeting.timetable.starts_at)
    title = f"Reminder · {format_short_weekday(day)}: {_format_title(meeting.paper, papers)}"
    others = tuple(person for person in interested if person != meeting.presenter)
    blocks: list[Block] = [Heading(title), build_appointment(meeting)]
    blocks.append(
        People("Leads", (meeting.presenter,)) if meeting.presenter else Text("Nobody yet.", label="Leads")
    )
    blocks += [People("Wanted by", others)] if others else []
    return Message(title, tuple(blocks))
