"""The form of meetings says and takes what the words do, with an error at each wrong field."""

from dataclasses import replace
from datetime import time

import pytest

from bot.conversation.meeting_form import MeetingForm, fill_in_plan, read_plan
from bot.conversation.meeting_words import understand_plan
from bot.conversation.subscription_form import FormError
from digests.meetings.model import DaysOff, MeetingPlan
from digests.subscription import Schedule
from tests.builders import TODAY

THURSDAYS = MeetingPlan(Schedule(time(16), frozenset({3}), "Europe/Berlin"), place="Room 4")


@pytest.mark.parametrize(
    "plan",
    [
        THURSDAYS,
        replace(THURSDAYS, has_poll=False, place=""),
        replace(THURSDAYS, schedule=Schedule(time(9, 30), frozenset({0}), "Asia/Tokyo", every_weeks=2)),
        replace(THURSDAYS, days_off=(DaysOff(TODAY, TODAY),)),
    ],
)
def test_a_form_that_nobody_changes_leaves_the_plan_as_it_is(plan: MeetingPlan) -> None:
    assert read_plan(fill_in_plan(plan, "UTC"), plan) == plan


def test_a_new_plan_is_what_the_same_words_make() -> None:
    form = replace(
        fill_in_plan(None, "Europe/Berlin"), day="fri", at="4pm", every_weeks="2", place="Room 5", poll="no"
    )
    words = "fri 16:00 every 2 weeks without poll place Room 5"
    assert read_plan(form, None) == understand_plan(words, None, "Europe/Berlin")
    assert read_plan(replace(form, time_zone="new york"), None).schedule.time_zone == "America/New_York"


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("day", "someday", "Choose a day"),
        ("day", "", "Choose a day"),
        ("at", "25:00", "“25:00”"),
        ("at", "", "isn't a valid time"),
        ("every_weeks", "3", "Choose a rhythm"),
        ("time_zone", "Nowhereland", "“Nowhereland”"),
        ("time_zone", "", "Write a city or a time zone"),
        ("place", "x" * 201, "longer than 200"),
        ("poll", "maybe", "Choose a choice"),
    ],
)
def test_each_wrong_field_has_its_sentence(field: str, value: str, says: str) -> None:
    form = replace(fill_in_plan(THURSDAYS, ""), **{field: value})
    with pytest.raises(FormError) as refused:
        read_plan(form, THURSDAYS)
    assert list(refused.value.problems) == [field]
    assert says in refused.value.problems[field]


def test_all_wrong_fields_are_named_at_once() -> None:
    with pytest.raises(FormError) as refused:
        read_plan(MeetingForm("x", "x", "x", "x", "x" * 999, "x"), None)
    assert set(refused.value.problems) == {"day", "at", "every_weeks", "time_zone", "place", "poll"}


def test_a_hostile_place_is_kept_as_plain_text_on_one_line() -> None:
    plan = read_plan(replace(fill_in_plan(THURSDAYS, ""), place=" <!channel>\n@everyone \u202e "), THURSDAYS)
    assert "\n" not in plan.place
    assert "\u202e" not in plan.place
