"""Meetings by command and by button: the plan in words, who may plan, the rota, swaps, votes."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from bot.chat.message import Appointment, ButtonAction, Buttons, Message, People, Text
from bot.conversation.answers import Answers
from bot.conversation.context import Person, Reply
from bot.conversation.meeting_words import parse_span, understand_plan
from digests.build import DigestPolicy
from digests.errors import InputError
from digests.meetings.model import Candidate, DaysOff, MeetingPlan, Member
from digests.meetings.rota import choose_presenter
from digests.ports import Store
from digests.ports.meetings import Meeting
from digests.ports.outbox import MEETING_KINDS
from digests.subscription import Channel, Schedule, Subscription
from tests.builders import NOW, a_paper, a_review, a_store, a_subscription, find_nothing

CHANNEL = Channel("slack", "C1", "T1")
ADA = Person("UADA", "Ada", time_zone="Europe/Berlin")
BOB = Person("UBOB", "Bob")
TODAY = date(2026, 11, 24)
THURSDAYS = MeetingPlan(Schedule(time(16), frozenset({3}), "Europe/Berlin"))


def understand(text: str, base: MeetingPlan | None = None) -> MeetingPlan:
    return understand_plan(text, base, "Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "day", "at", "weeks"),
    [
        ("thu 16:00", 3, time(16), 1),
        ("every thursday at 4pm", 3, time(16), 1),
        ("16:00 on Thursdays, weekly", 3, time(16), 1),
        ("thu 16:00 every 2 weeks", 3, time(16), 2),
        ("every second Thu at 4 pm", 3, time(16), 2),
        ("Every other friday 9.30", 4, time(9, 30), 2),
        ("mon noon biweekly", 0, time(12), 2),
    ],
)
def test_a_plan_is_read_in_words(text: str, day: int, at: time, weeks: int) -> None:
    schedule = understand(text).schedule
    assert (schedule.days, schedule.at, schedule.every_weeks) == (frozenset({day}), at, weeks)
    assert schedule.time_zone == "Europe/Berlin"


def test_place_zone_and_poll_are_read_too() -> None:
    plan = understand("thu 16:00 in New York without poll place Room 4, second floor")
    assert plan.schedule.time_zone == "America/New_York"
    assert (plan.place, plan.has_poll) == ("Room 4, second floor", False)
    linked = understand("thu 16:00 https://meet.example/abc with poll")
    assert (linked.place, linked.has_poll) == ("https://meet.example/abc", True)


def test_what_is_not_mentioned_stays() -> None:
    base = replace(THURSDAYS, place="Room 4", has_poll=False)
    assert understand("fri", base) == replace(base, schedule=replace(base.schedule, days=frozenset({4})))
    assert understand("place Room 5", base) == replace(base, place="Room 5")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("thu", "Write a day and a time"),
        ("16:00", "Write a day and a time"),
        ("thu 25:00", "“25:00”"),
        ("thu fri 16:00", "one day of the week"),
        ("thu 16:00 every 3 weeks", "“every 3 weeks”"),
        ("thu 16:00 every month", "“every month”"),
        ("thu 16:00 in Nowhereland", "“Nowhereland”"),
        ("thu 16:00 in", "after “in”"),
        ("thu 16:00 somewhere", "“somewhere”"),
        (f"thu 16:00 place {'x' * 300}", "longer than 200"),
    ],
)
def test_a_word_that_is_not_understood_is_named(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        understand(text)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("24 dec", (2026, 12, 24), (2026, 12, 24)),
        ("21 dec to 3 jan", (2026, 12, 21), (2027, 1, 3)),
        ("from December 21st until January 3rd", (2026, 12, 21), (2027, 1, 3)),
        ("until 14 december", (2026, 11, 24), (2026, 12, 14)),
        ("2026-12-21 - 2027-01-03", (2026, 12, 21), (2027, 1, 3)),
        ("tomorrow", (2026, 11, 25), (2026, 11, 25)),
        ("1 nov", (2027, 11, 1), (2027, 11, 1)),
    ],
)
def test_spans_of_dates_are_read(text: str, first: tuple[int, int, int], last: tuple[int, int, int]) -> None:
    assert parse_span(text, TODAY) == DaysOff(date(*first), date(*last))


def test_a_leap_day_is_found_in_the_next_year() -> None:
    assert parse_span("29 feb", date(2027, 11, 24)) == DaysOff(date(2028, 2, 29), date(2028, 2, 29))
    with pytest.raises(InputError, match="“29 feb” isn't a date"):
        parse_span("29 feb", TODAY)


@pytest.mark.parametrize(
    "text",
    ["", "someday", "32 dec", "30 feb", "2026-11-01", "2026-12-24 to 2026-12-21", "2030-01-01", "1 1 1 1"],
)
def test_other_dates_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"isn't a (date|span)"):
        parse_span(text, TODAY)


class Group:
    """A channel with a digest, and the answers of its meetings at a clock that a test moves."""

    def __init__(self, **options: Any) -> None:
        self.store: Store = a_store()
        self.now = NOW
        digest = Subscription(CHANNEL, a_subscription().preferences, a_subscription().schedule)
        self.store.subscriptions.change(CHANNEL, digest, by="Ada", now=NOW)
        self.answers = Answers(self.store, find_nothing, DigestPolicy(), lambda: self.now, **options)

    def meet(self, words: str, person: Person = ADA, channel: Channel = CHANNEL) -> Reply:
        return self.answers.run_digest_command(f"meet {words}", channel, person)

    def click(self, action: ButtonAction, value: str, person: Person = ADA) -> Reply:
        return self.answers.meetings.handle_click(action, value, CHANNEL, person)

    @property
    def meeting(self) -> Meeting:
        meeting = self.store.meeting_plans.find(CHANNEL)
        assert meeting
        return meeting

    def choose(self, presenter: str) -> None:
        """Let a paper be chosen, and a person lead."""
        self.now = self.meeting.timetable.closes_at
        assert self.store.meetings.choose_paper(self.meeting, "kto", Member(presenter, NOW), now=self.now)


def a_group(*people: Person, **options: Any) -> Group:
    """Build a group that meets on Thursdays, with these people in its rota."""
    group = Group(**options)
    group.meet("thu 16:00 place Room 4", replace(ADA, is_admin=True))
    for person in people:
        group.now += timedelta(minutes=1)
        group.meet("join", person)
    return group


def read_text(message: Message | None) -> str:
    assert message
    return " ".join(block.text for block in message.blocks if isinstance(block, Text))


def test_a_plan_is_saved_announced_and_shown() -> None:
    group = Group()
    reply = group.meet("thu 16:00 every 2 weeks")
    assert "every second Thursday at 16:00 (Europe/Berlin)" in read_text(reply.message)
    assert "Ada planned meetings: every second Thursday" in read_text(reply.announcement)
    shown = [block for block in group.meet("").message.blocks if isinstance(block, Appointment)]
    appointment = next(block for block in shown if block.label == "Next")
    assert appointment.at == group.meeting.timetable.starts_at
    assert appointment.text == "Thu 3 Dec, 16:00 (Europe/Berlin)"


def test_a_notice_can_be_undone_once() -> None:
    group = Group()
    notice = group.meet("thu 16:00").announcement
    assert notice
    (undo,) = (button for block in notice.blocks if isinstance(block, Buttons) for button in block.buttons)
    reply = group.click(undo.action, undo.value, BOB)
    assert "Bob ended the meetings here." in read_text(reply.announcement)
    with pytest.raises(InputError, match="cannot be undone here"):
        group.click(undo.action, undo.value)


@pytest.mark.parametrize("value", ["", "x", "9" * 30, "²", "-1"])
def test_the_value_of_an_undo_button_is_not_trusted(value: str) -> None:
    with pytest.raises(InputError, match="cannot be undone here"):
        a_group().click(ButtonAction.UNDO_PLAN, value)


def test_a_channel_without_a_digest_or_a_direct_message_has_no_meetings() -> None:
    group = Group()
    with pytest.raises(InputError, match="subscribe first"):
        group.meet("thu 16:00", channel=Channel("slack", "C2", "T1"))
    with pytest.raises(InputError, match=r"Meetings are for channels|another person's"):
        group.meet("thu 16:00", channel=Channel("slack", "D1", "T1", is_direct=True))


def test_without_a_plan_an_example_is_shown() -> None:
    assert "/digest meet thu 16:00" in read_text(Group().meet("").message)
    with pytest.raises(InputError, match="no meetings yet"):
        Group().meet("join")


def test_only_those_who_may_change_digests_plan_meetings_and_everybody_takes_part() -> None:
    group = a_group(ADA, anyone_may_change=False)
    for words in ("fri 16:00", "end", "skip", "off 24 dec"):
        with pytest.raises(InputError, match="Only workspace admins may plan the meetings"):
            group.meet(words, BOB)
    group.meet("join", BOB)
    group.choose("UADA")
    with pytest.raises(InputError, match="Only workspace admins may hand on the turn"):
        group.meet("swap", BOB)
    group.meet("take", BOB)
    assert group.meeting.presenter == "UBOB"


def test_the_answer_to_skip_names_the_date_that_is_off_and_the_next_one() -> None:
    group = a_group()
    assert read_text(group.meet("skip").message) == (
        "Done: no meeting on Thursday 3 December. The next one is on Thursday 10 December."
    )
    with pytest.raises(InputError, match=r"called off already\. The next one is on Thursday 10 December"):
        group.meet("skip")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            "off 21 dec to 3 jan",
            "no meeting from 21 December to 3 January. The next one is on Thursday 3 December",
        ),
        (
            "off 1 dec to 12 dec",
            "no meeting from 1 to 12 December. The next one is on Thursday 17 December",
        ),
        ("off 3 dec", "no meeting on Thursday 3 December. The next one is on Thursday 10 December"),
    ],
)
def test_the_answer_to_days_off_names_the_next_meeting(words: str, says: str) -> None:
    assert says in read_text(a_group().meet(words).message)


def test_the_calendar_names_the_next_meetings_without_those_that_are_off() -> None:
    group = a_group()
    group.meet("skip")
    answer = group.meet("ics").message
    shown = [block.text for block in answer.blocks if isinstance(block, Appointment)]
    assert shown[0] == "Thu 10 Dec, 16:00 (Europe/Berlin)"
    assert answer.file
    assert answer.file.name == "meetings.ics"
    group.meet("end")
    with pytest.raises(InputError, match="no meetings yet"):
        group.meet("ics")


def test_the_same_plan_again_changes_nothing() -> None:
    group = a_group()
    reply = group.meet("thu 16:00")
    assert "Nothing changed" in read_text(reply.message)
    assert reply.announcement is None


def test_a_digest_that_comes_back_brings_no_second_plan() -> None:
    group = a_group()
    for words in ("add agents in language at 09:00", "unsubscribe", "meet fri 15:00", "subscribe vision"):
        group.answers.run_digest_command(words, CHANNEL, ADA)
    assert "every Friday" in group.meet("").message.summary
    group.meet("end")
    assert "This channel has no meetings" in read_text(group.meet("").message)


def test_another_workspace_in_a_shared_channel_sees_and_changes_only_its_own_meetings() -> None:
    group, neighbours = a_group(ADA), replace(CHANNEL, workspace="T2")
    assert "This channel has no meetings" in read_text(group.meet("", BOB, neighbours).message)
    for words in ("join", "end", "skip"):
        with pytest.raises(InputError, match="no meetings yet"):
            group.meet(words, BOB, neighbours)
    digest = Subscription(neighbours, a_subscription().preferences, a_subscription().schedule)
    group.store.subscriptions.change(neighbours, digest, by="Bob", now=NOW)
    group.meet("fri 15:00", BOB, neighbours)
    group.meet("end", BOB, neighbours)
    assert "every Thursday" in group.meet("").message.summary


def test_meetings_end_and_begin_again() -> None:
    group = a_group()
    assert "Ada ended the meetings here." in read_text(group.meet("end").announcement)
    assert "This channel has no meetings" in read_text(group.meet("").message)
    group.meet("thu 16:00")
    assert group.meeting.is_active


def test_the_next_meeting_is_skipped_and_days_off_are_named() -> None:
    group = a_group()
    group.meet("skip")
    assert group.meeting.is_off
    with pytest.raises(InputError, match="called off already"):
        group.meet("skip")
    group.meet("off 21 dec to 3 jan")
    assert "3 December, 21 December to 3 January" in read_text(group.meet("").message)
    group.meet("off none")
    assert group.meeting.plan.days_off == ()


def test_people_join_and_leave_the_rota() -> None:
    group = a_group(ADA, BOB)
    assert "already" in read_text(group.meet("join").message)
    rota = next(block for block in group.meet("").message.blocks if isinstance(block, People))
    assert rota == People("Rota", ("UADA", "UBOB"))
    group.meet("leave", BOB)
    assert [member.person for member in group.meeting.members] == ["UADA"]
    assert "not in the rota" in read_text(group.meet("leave", BOB).message)


def test_whoever_swaps_leads_the_next_time_and_whoever_skips_comes_last() -> None:
    for words, following in (("swap", "UADA"), ("skip me", "UEVE")):
        group = a_group(ADA, BOB, replace(BOB, id="UEVE"))
        group.choose("UADA")
        group.meet(words)
        assert group.meeting.presenter == "UBOB"
        claim_posts(group)
        next_one = choose_presenter(group.meeting.members, date(2026, 12, 10))
        assert next_one
        assert next_one.person == following


def claim_posts(group: Group) -> None:
    """Let the hour of the meeting come, at which the next one is planned."""
    now = group.meeting.timetable.starts_at
    group.store.outbox.claim_due(
        owner="w", now=now, lease=timedelta(minutes=5), limit=9, kinds=[*MEETING_KINDS]
    )


def test_a_swap_is_announced_to_whoever_leads_now() -> None:
    group = a_group(ADA, BOB)
    group.choose("UADA")
    notice = group.click(ButtonAction.SWAP, str(group.meeting.id)).announcement
    assert notice
    assert notice.blocks == (People("Thursday 3 December", ("UBOB",), "leads now; Ada handed it on."),)


def test_without_another_person_nobody_leads() -> None:
    group = a_group(ADA)
    group.choose("UADA")
    reply = group.click(ButtonAction.SKIP_TURN, str(group.meeting.id))
    assert "Who takes it?" in read_text(reply.announcement)
    assert group.meeting.presenter == ""
    with pytest.raises(InputError, match="Nobody leads"):
        group.click(ButtonAction.SWAP, str(group.meeting.id))


def test_nobody_is_asked_twice_for_one_meeting() -> None:
    group = a_group(ADA, BOB)
    group.choose("UADA")
    group.meet("swap", ADA)
    group.meet("swap", BOB)
    assert group.meeting.presenter == ""


def test_whoever_leaves_or_is_away_hands_the_meeting_on() -> None:
    for words in ("leave", "away until 14 dec"):
        group = a_group(ADA, BOB)
        group.choose("UADA")
        assert group.meet(words).announcement
        assert group.meeting.presenter == "UBOB"


def test_an_absence_on_other_days_changes_nothing_and_ends() -> None:
    group = a_group(ADA, BOB)
    group.choose("UADA")
    assert group.meet("away 20 dec to 24 dec").announcement is None
    assert group.meeting.presenter == "UADA"
    assert group.meeting.members[0].away == DaysOff(date(2026, 12, 20), date(2026, 12, 24))
    group.meet("back")
    assert group.meeting.members[0].away is None
    with pytest.raises(InputError, match="not in the rota"):
        group.meet("away 24 dec", replace(BOB, id="UEVE"))


def test_a_button_of_another_or_a_past_meeting_does_nothing() -> None:
    group = a_group(ADA)
    group.choose("UADA")
    for value in ("", "x", str(group.meeting.id + 1)):
        with pytest.raises(InputError, match="This meeting is over"):
            group.click(ButtonAction.LEAD, value, BOB)
    group.now = group.meeting.timetable.starts_at
    with pytest.raises(InputError, match="This meeting is over"):
        group.click(ButtonAction.LEAD, str(group.meeting.id), BOB)


def test_a_vote_is_stored_and_said_back() -> None:
    group = a_group()
    group.store.library.add([(a_paper("kto", title="KTO"), a_review())], now=NOW)
    group.store.meetings.open_poll(group.meeting.id, [Candidate("kto")])
    answer = group.answers.meetings.vote(f"{group.meeting.id}:0", CHANNEL, BOB)
    assert "You voted for “KTO”" in read_text(answer)
    assert group.meeting.votes == {"UBOB": "kto"}
    for value in (
        "",
        "1",
        f"{group.meeting.id}:1",
        f"{group.meeting.id}:x",
        f"{group.meeting.id}:{'9' * 40}",
    ):
        with pytest.raises(InputError, match=r"poll is closed|meeting is over"):
            group.answers.meetings.vote(value, CHANNEL, BOB)


def test_what_people_can_type_is_in_the_help() -> None:
    assert "meet thu 16:00" in read_text(Group().answers.run_digest_command("help", CHANNEL, ADA).message)


def test_an_hour_far_from_here_is_shown_in_the_zone_of_the_plan() -> None:
    group = Group()
    group.meet("fri 9:00 in Tokyo")
    assert group.meeting.timetable.starts_at == datetime(2026, 12, 4, 0, tzinfo=UTC)
