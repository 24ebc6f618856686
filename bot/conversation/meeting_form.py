"""The form of a plan of meetings: filled in with a plan, and read back with its errors by field."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import time
from typing import TypeVar

from bot.conversation.meeting_words import clip_place
from bot.conversation.subscription_form import DAYS, FormError, parse_time, parse_time_zone
from digests.errors import InputError
from digests.meetings.model import MeetingPlan
from digests.subscription import Schedule

Value = TypeVar("Value")

FORM_WORDS = ("form", "set")
"""Words after /digest meet that alone ask for the form."""

USUAL_DAY, USUAL_TIME = "thu", time(16)
"""Day and time with which the form of a new plan is filled in."""

WEEKS = {"1": 1, "2": 2}
POLLS = {"yes": True, "no": False}
"""Values of the fields of which one is chosen."""


@dataclass(frozen=True, slots=True)
class MeetingForm:
    """The fields of the form as texts, which are not trusted when they come from a platform."""

    day: str = USUAL_DAY
    at: str = f"{USUAL_TIME:%H:%M}"
    every_weeks: str = "1"
    time_zone: str = ""
    place: str = ""
    poll: str = "yes"


def fill_in_plan(plan: MeetingPlan | None, time_zone: str) -> MeetingForm:
    """Return the form filled in with a plan; without one, with what is usual in a time zone."""
    if plan is None:
        return MeetingForm(time_zone=time_zone)
    schedule = plan.schedule
    return MeetingForm(
        day=DAYS[min(schedule.days)],
        at=f"{schedule.at:%H:%M}",
        every_weeks=str(schedule.every_weeks),
        time_zone=schedule.time_zone,
        place=plan.place,
        poll="yes" if plan.has_poll else "no",
    )


def read_plan(form: MeetingForm, base: MeetingPlan | None) -> MeetingPlan:
    """Return the plan of a submitted form; what it has no field for stays as in `base`.

    Raises FormError with a sentence for each wrong field, in the words of the command.
    """
    problems: dict[str, str] = {}

    def read(field: str, parse: Callable[[str], Value]) -> Value | None:
        try:
            return parse(getattr(form, field))
        except InputError as error:
            problems[field] = str(error)
            return None

    day = read("day", lambda text: _choose(text, {name: place for place, name in enumerate(DAYS)}, "day"))
    at, time_zone = read("at", parse_time), read("time_zone", parse_time_zone)
    weeks = read("every_weeks", lambda text: _choose(text, WEEKS, "rhythm"))
    place = read("place", clip_place)
    has_poll = read("poll", lambda text: _choose(text, POLLS, "choice"))
    if day is None or at is None or time_zone is None or weeks is None or place is None or has_poll is None:
        raise FormError(problems)
    schedule = base.schedule if base else Schedule()
    schedule = replace(schedule, at=at, days=frozenset({day}), time_zone=time_zone, every_weeks=weeks)
    plan = base or MeetingPlan(schedule)
    return replace(plan, schedule=schedule, place=place, has_poll=has_poll)


def _choose(text: str, values: dict[str, Value], name: str) -> Value:
    if text not in values:
        raise InputError(f"Choose a {name} of the list.")
    return values[text]
