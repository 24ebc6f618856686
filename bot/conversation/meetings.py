"""Answers about a channel's meetings: the plan, the poll, and who leads."""

from dataclasses import dataclass, replace
from datetime import date
from zoneinfo import ZoneInfo

from bot.chat.message import ButtonAction, Message, People
from bot.conversation.context import ConversationContext, Person, Reply
from bot.conversation.meeting_form import FORM_WORDS, MeetingForm, fill_in_plan, read_plan
from bot.conversation.meeting_words import parse_span, understand_plan
from bot.conversation.typed_text import clean_lookup_text
from bot.present.meeting import (
    describe_days_off,
    describe_next,
    describe_plan,
    describe_span,
    format_meeting_day,
    present_calendar,
    present_meeting,
    present_no_meeting,
    present_plan_change,
)
from bot.present.meeting_calendar import build_calendar
from bot.present.wording import capitalise_first, clean_text, present_sentence
from digests.errors import InputError
from digests.meetings.model import DaysOff, MeetingPlan, Member
from digests.meetings.rota import choose_presenter
from digests.meetings.timetable import MIN_NOTICE
from digests.model import AttachedFile
from digests.ports.meetings import Meeting
from digests.schedule import anchor_weeks
from digests.subscription import Channel, Subscription
from digests.text import clip_text, parse_number

MAX_DAYS_OFF = 20
"""Spans of days off of a plan. Those that are over are dropped."""

_TASK = "plan the meetings of a channel"

_CHANGED_MEANWHILE = "The meeting has changed just now: look at it, and try again."
_NOT_THIS_ONE = "This meeting is over, or was called off."


@dataclass(frozen=True, slots=True)
class MeetingAnswers:
    """Answers about the meetings of a channel.

    Whoever may change the channel's digest may plan its meetings. Everybody may vote, join the rota and lead.
    Methods raise InputError with a sentence for the person.
    """

    context: ConversationContext

    def run_command(self, text: str, channel: Channel, person: Person) -> Reply:
        """Run the text after /digest meet, and return the reply; an empty text shows the meetings."""
        words = clean_lookup_text(text)
        verb, _, rest = words.partition(" ")
        match verb.lower().rstrip(".!"), rest.lower().rstrip(".!"):
            case ("", _) | ("show", ""):
                return Reply(self.show_meeting(channel))
            case ("ics" | "ical" | "calendar", ""):
                return Reply(self.show_calendar(channel))
            case (word, "") if word in FORM_WORDS:
                raise InputError(f"Write the plan in words: {self._command} thu 16:00 every 2 weeks")
            case ("end" | "stop" | "cancel" | "remove", "" | "meetings" | "them"):
                return self._end_plan(channel, person)
            case ("join", _):
                return self._join_rota(channel, person)
            case ("leave", _):
                return self._leave_rota(channel, person)
            case ("away", "") | ("off", ""):
                raise InputError(f"Write the dates too: {self._command} {verb} 21 dec to 3 jan")
            case ("away", _):
                return self._save_absence(rest, channel, person)
            case ("back", ""):
                return self._end_absence(channel, person)
            case ("skip", "") | ("skip", "next" | "the next one" | "next one"):
                return self._skip_next(channel, person)
            case ("off", "none" | "nothing"):
                return self._save_days_off(None, channel, person)
            case ("off", _):
                return self._save_days_off(rest, channel, person)
            case ("take", _) | ("i", "take it"):
                return self.lead_meeting(self._require_plan(channel), channel, person)
            case ("swap", _):
                return self.hand_on(self._require_plan(channel), channel, person, keeps_place=True)
            case ("pass", _) | ("skip", "me"):
                return self.hand_on(self._require_plan(channel), channel, person, keeps_place=False)
            case _:
                return self._save_plan(words, channel, person)

    @property
    def _command(self) -> str:
        return f"{self.context.digest_command} meet"

    def show_meeting(self, channel: Channel) -> Message:
        """Return the channel's plan of meetings, the coming one, and the rota."""
        meeting = self.context.store.meeting_plans.find(channel)
        if meeting is None:
            return present_no_meeting(self.context.digest_command)
        papers = self.context.store.library.get([meeting.paper] if meeting.paper is not None else [])
        return present_meeting(meeting, papers, self.context.digest_command)

    def show_calendar(self, channel: Channel) -> Message:
        """Return the next meetings of the channel, with a calendar file of all."""
        meeting = self._require_plan(channel)
        papers = self.context.store.library.get([meeting.paper] if meeting.paper is not None else [])
        scored = papers.get(meeting.paper or "")
        shown = None if scored and scored.is_withheld else scored
        file = AttachedFile("meetings.ics", build_calendar(meeting, shown, self.context.clock()))
        return present_calendar(meeting, file)

    # The plan.

    def open_form(self, channel: Channel, person: Person) -> MeetingForm:
        """Return the form of the channel's plan for a person who may change it."""
        _, base, digest = self._find_base(channel, person)
        return fill_in_plan(base, person.time_zone or digest.schedule.time_zone)

    def save_form(self, form: MeetingForm, channel: Channel, person: Person) -> Reply:
        """Save the plan of a submitted form. Raises FormError too, with a sentence for each wrong field."""
        stored, base, digest = self._find_base(channel, person)
        return self._save_changed(read_plan(form, base), stored, base, digest, channel, person)

    def _save_plan(self, words: str, channel: Channel, person: Person) -> Reply:
        stored, base, digest = self._find_base(channel, person)
        plan = understand_plan(words, base, person.time_zone or digest.schedule.time_zone)
        return self._save_changed(plan, stored, base, digest, channel, person)

    def _find_base(
        self, channel: Channel, person: Person
    ) -> tuple[Meeting | None, MeetingPlan | None, Subscription]:
        """Return the channel's meeting, its plan unless that was ended, and the first digest.

        Raises InputError for a person who may not plan meetings, and where there can be none.
        """
        self.context.require_permission(channel, person, _TASK)
        if channel.is_direct:
            raise InputError("Meetings are for channels: give this command in the channel of your group.")
        digests = self.context.store.subscriptions.list_of_channel(channel)
        if not digests:
            raise InputError(
                "Meetings are about papers that a digest brings, and this channel has none yet: bring one "
                f"with {self.context.digest_command} subscribe first."
            )
        stored = self.context.store.meeting_plans.find(channel)
        return stored, stored.plan if stored and stored.is_active else None, digests[0]

    def _save_changed(
        self,
        plan: MeetingPlan,
        stored: Meeting | None,
        base: MeetingPlan | None,
        digest: Subscription,
        channel: Channel,
        person: Person,
    ) -> Reply:
        earliest = self.context.clock() + MIN_NOTICE
        plan = replace(plan, schedule=anchor_weeks(plan.schedule, base.schedule if base else None, earliest))
        if base == plan:
            return Reply(present_sentence(f"Nothing changed: {describe_plan(plan)}."))
        subscription_id = stored.subscription_id if stored else digest.id
        verb = "changed the meetings" if base else "planned meetings"
        return self._store_plan(subscription_id, plan, verb, channel, person)

    def _store_plan(
        self,
        subscription_id: int,
        plan: MeetingPlan,
        verb: str,
        channel: Channel,
        person: Person,
        *,
        names_plan: bool = True,
    ) -> Reply:
        meeting = self.context.store.meeting_plans.save(
            subscription_id, plan, by=person.name, by_id=person.qualify_id(channel), now=self.context.clock()
        )
        return self._reply_to_change(meeting, verb, person, names_plan=names_plan)

    def _reply_to_change(
        self, meeting: Meeting, verb: str, person: Person, *, names_plan: bool = True
    ) -> Reply:
        state = f"{describe_plan(meeting.plan)}" if meeting.is_active else "there are no meetings any more"
        hint = f" {self._command} join puts you into the rota." if meeting.is_active else ""
        message = present_sentence(f"Done: {state}.{hint}")
        return Reply(message, present_plan_change(meeting, person.name, verb, names_plan=names_plan))

    def _end_plan(self, channel: Channel, person: Person) -> Reply:
        self.context.require_permission(channel, person, _TASK)
        ended = self.context.store.meeting_plans.end(
            self._require_plan(channel).plan_id,
            by=person.name,
            by_id=person.qualify_id(channel),
            now=self.context.clock(),
        )
        if not ended:
            raise InputError(_CHANGED_MEANWHILE)
        return self._reply_to_change(ended, "", person)

    def undo_change(self, value: str, channel: Channel, person: Person) -> Reply:
        """Undo the last change of the channel's plan. `value` is that of the button, and not trusted."""
        self.context.require_permission(channel, person, _TASK)
        stored = self.context.store.meeting_plans.find(channel)
        undone = None
        number = parse_number(value)
        if stored and number is not None:
            undone = self.context.store.meeting_plans.undo(
                stored.plan_id,
                number,
                by=person.name,
                by_id=person.qualify_id(channel),
                now=self.context.clock(),
            )
        if not undone:
            raise InputError(
                "That cannot be undone here: the meetings were changed since, or the change was made "
                f"elsewhere. {self._command} shows them."
            )
        return self._reply_to_change(undone, "changed the meetings back", person)

    def _skip_next(self, channel: Channel, person: Person) -> Reply:
        self.context.require_permission(channel, person, _TASK)
        meeting = self._require_plan(channel)
        day = meeting.plan.find_day(meeting.timetable.starts_at)
        if meeting.is_off:
            off = f"The meeting on {format_meeting_day(meeting)} is called off already."
            raise InputError(f"{off} {describe_next(meeting)}")
        return self._add_days_off(meeting, DaysOff(day, day), channel, person)

    def _save_days_off(self, text: str | None, channel: Channel, person: Person) -> Reply:
        """Save days without a meeting; None removes all."""
        self.context.require_permission(channel, person, _TASK)
        meeting = self._require_plan(channel)
        if text is None:
            plan = replace(meeting.plan, days_off=())
            return self._store_plan(meeting.subscription_id, plan, "removed all days off", channel, person)
        return self._add_days_off(meeting, parse_span(text, self._today(meeting)), channel, person)

    def _add_days_off(self, meeting: Meeting, span: DaysOff, channel: Channel, person: Person) -> Reply:
        today = self._today(meeting)
        days_off = {span, *(each for each in meeting.plan.days_off if each.last >= today)}
        if len(days_off) > MAX_DAYS_OFF:
            raise InputError(
                f"These are more than {MAX_DAYS_OFF} spans of days off: {self._command} off none"
            )
        plan = replace(meeting.plan, days_off=tuple(sorted(days_off, key=lambda each: each.first)))
        verb = f"called off the meetings {describe_span(span)}"
        reply = self._store_plan(meeting.subscription_id, plan, verb, channel, person, names_plan=False)
        changed = replace(meeting, plan=plan)
        return replace(reply, message=present_sentence(f"Done: {describe_days_off(changed, span)}"))

    def _today(self, meeting: Meeting) -> date:
        return self.context.clock().astimezone(ZoneInfo(meeting.plan.schedule.time_zone)).date()

    # The rota.

    def _join_rota(self, channel: Channel, person: Person) -> Reply:
        meeting = self._require_plan(channel)
        if _find_member(meeting, person):
            return Reply(present_sentence("You are in the rota already."))
        member = Member(person.id, self.context.clock())
        self.context.store.meeting_plans.save_member(meeting.plan_id, member)
        return Reply(
            present_sentence(
                f"You are in the rota: you lead when it is your turn. {self._command} leave ends it."
            )
        )

    def _leave_rota(self, channel: Channel, person: Person) -> Reply:
        meeting = self._require_plan(channel)
        replied = self._hand_on_own(meeting, person, keeps_place=False)
        if not self.context.store.meeting_plans.remove_member(meeting.plan_id, person.id) and not replied:
            return Reply(present_sentence("You are not in the rota."))
        return Reply(present_sentence("You are out of the rota."), replied.announcement if replied else None)

    def _save_absence(self, text: str, channel: Channel, person: Person) -> Reply:
        meeting = self._require_plan(channel)
        member = self._require_member(meeting, person)
        away = parse_span(text, self._today(meeting))
        self.context.store.meeting_plans.save_member(meeting.plan_id, replace(member, away=away))
        is_concerned = away.first <= meeting.plan.find_day(meeting.timetable.starts_at) <= away.last
        replied = self._hand_on_own(meeting, person, keeps_place=True) if is_concerned else None
        return Reply(
            present_sentence(f"You are away {describe_span(away)}, and keep your place in the rota."),
            replied.announcement if replied else None,
        )

    def _end_absence(self, channel: Channel, person: Person) -> Reply:
        meeting = self._require_plan(channel)
        member = replace(self._require_member(meeting, person), away=None)
        self.context.store.meeting_plans.save_member(meeting.plan_id, member)
        return Reply(present_sentence("Welcome back: you lead when it is your turn."))

    def lead_meeting(self, meeting: Meeting, channel: Channel, person: Person) -> Reply:
        """Let the person lead a meeting. Whoever led it before keeps the place in the rota."""
        self._require_open(meeting)
        if meeting.presenter == person.id:
            return Reply(present_sentence("You lead this meeting already."))
        member = _find_member(meeting, person) or Member(person.id, self.context.clock())
        return self._set_presenter(meeting, member, None, person)

    def hand_on(self, meeting: Meeting, channel: Channel, person: Person, *, keeps_place: bool) -> Reply:
        """Let the next person of the rota lead a meeting, in place of whoever leads it.

        With `keeps_place` that person leads the next meeting, else comes last in the rota. Anybody may do it
        for themselves, and those who may plan meetings for others. Without another person nobody leads.
        """
        self._require_open(meeting)
        if not meeting.presenter:
            raise InputError("Nobody leads this meeting yet.")
        if meeting.presenter != person.id:
            self.context.require_permission(channel, person, "hand on the turn of somebody else")
        return self._hand_on(meeting, person, keeps_place=keeps_place)

    def _hand_on_own(self, meeting: Meeting, person: Person, *, keeps_place: bool) -> Reply | None:
        """Hand the coming meeting on if the person leads it. Returns None otherwise."""
        is_over = self.context.clock() >= meeting.timetable.starts_at
        if is_over or not meeting.is_held or meeting.presenter != person.id:
            return None
        return self._hand_on(meeting, person, keeps_place=keeps_place)

    def _hand_on(self, meeting: Meeting, person: Person, *, keeps_place: bool) -> Reply:
        now = self.context.clock()
        current = next((each for each in meeting.members if each.person == meeting.presenter), None)
        others = [each for each in meeting.members if each.person != meeting.presenter]
        following = choose_presenter(others, meeting.plan.find_day(meeting.timetable.starts_at))
        declined = current and (current if keeps_place else replace(current, passed_at=now))
        return self._set_presenter(meeting, following, declined, person)

    def _set_presenter(
        self, meeting: Meeting, presenter: Member | None, declined: Member | None, person: Person
    ) -> Reply:
        changed = self.context.store.meetings.set_presenter(
            meeting, presenter, declined=declined, now=self.context.clock()
        )
        if not changed:
            raise InputError(_CHANGED_MEANWHILE)
        day = format_meeting_day(changed)
        if presenter is None:
            sentence = f"Nobody leads on {day} any more. Who takes it? {self._command} take"
            return Reply(present_sentence("Done: nobody leads now."), present_sentence(sentence))
        if presenter.person == person.id:
            sentence = f"{capitalise_first(clean_text(person.name))} leads on {day}."
            return Reply(present_sentence(f"You lead on {day}."), present_sentence(sentence))
        text = f"leads now; {clean_text(person.name)} handed it on."
        news = Message(f"The meeting on {day} has another lead.", (People(day, (presenter.person,), text),))
        return Reply(present_sentence(f"Done: somebody else leads on {day}."), news)

    # The poll.

    def vote(self, value: str, channel: Channel, person: Person) -> Message:
        """Store a vote, by the value of a button, which is not trusted, and return the answer."""
        number, _, place = value.partition(":")
        meeting = self.find_meeting(number, channel)
        place_number = parse_number(place)
        voted = place_number is not None and self.context.store.meetings.vote(
            meeting.id, place_number, person.id, now=self.context.clock()
        )
        if not voted:
            raise InputError("This poll is closed.")
        paper = voted.votes[person.id]
        scored = self.context.store.library.get([paper]).get(paper)
        title = clip_text(clean_text(scored.paper.title), 80) if scored else paper
        return present_sentence(f"You voted for “{title}”. Another vote takes its place.")

    def find_meeting(self, number: str, channel: Channel) -> Meeting:
        """Return the coming meeting of a channel if it has this number, which is not trusted."""
        meeting = self.context.store.meeting_plans.find(channel)
        if meeting is None or number != str(meeting.id):
            raise InputError(_NOT_THIS_ONE)
        return meeting

    def handle_click(self, action: str, value: str, channel: Channel, person: Person) -> Reply:
        """Carry out a button of an agenda, or *Undo* below a notice. The value is not trusted."""
        if action == ButtonAction.UNDO_PLAN:
            return self.undo_change(value, channel, person)
        meeting = self.find_meeting(value, channel)
        if action == ButtonAction.LEAD:
            return self.lead_meeting(meeting, channel, person)
        return self.hand_on(meeting, channel, person, keeps_place=action == ButtonAction.SWAP)

    # What has to be there.

    def _require_plan(self, channel: Channel) -> Meeting:
        meeting = self.context.store.meeting_plans.find(channel)
        if meeting is None or not meeting.is_active:
            raise InputError(
                f"This channel has no meetings yet: plan them with {self._command} thu 16:00 every 2 weeks"
            )
        return meeting

    def _require_open(self, meeting: Meeting) -> None:
        if not meeting.is_held or self.context.clock() >= meeting.timetable.starts_at:
            raise InputError(_NOT_THIS_ONE)

    def _require_member(self, meeting: Meeting, person: Person) -> Member:
        member = _find_member(meeting, person)
        if not member:
            raise InputError(f"You are not in the rota: {self._command} join puts you into it.")
        return member


def _find_member(meeting: Meeting, person: Person) -> Member | None:
    return next((member for member in meeting.members if member.person == person.id), None)
