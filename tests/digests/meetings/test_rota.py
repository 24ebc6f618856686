"""Who leads the next meeting: fair turns, absences, turns given up."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from digests.meetings.model import DaysOff, Member
from digests.meetings.rota import choose_presenter, order_rota

JOINED = datetime(2026, 1, 5, 12, tzinfo=UTC)
DAY = date(2026, 12, 3)
WEEK = timedelta(weeks=1)


def a_member(name: str, **changes: object) -> Member:
    return replace(Member(name, JOINED), **changes)  # type: ignore[arg-type]


def lead(members: list[Member], name: str, at: datetime) -> list[Member]:
    return [replace(member, led_at=at) if member.person == name else member for member in members]


def test_whoever_led_longest_ago_is_next() -> None:
    members = [
        a_member("ada", led_at=JOINED + 3 * WEEK),
        a_member("grace", led_at=JOINED + WEEK),
        a_member("alan", led_at=JOINED + 2 * WEEK),
    ]
    assert [member.person for member in order_rota(members)] == ["grace", "alan", "ada"]


def test_a_new_member_comes_after_those_whose_turn_is_longer_ago() -> None:
    members = [a_member("ada", led_at=JOINED + WEEK), a_member("new", joined_at=JOINED + 2 * WEEK)]
    assert choose_presenter(members, DAY) == members[0]


def test_a_person_who_is_away_keeps_the_place() -> None:
    away = DaysOff(DAY, DAY + WEEK)
    ada, grace = a_member("ada", away=away), a_member("grace", joined_at=JOINED + WEEK)
    assert choose_presenter([ada, grace], DAY) == grace
    assert choose_presenter([ada, replace(grace, led_at=JOINED + 9 * WEEK)], DAY + 2 * WEEK) == ada


def test_a_turn_given_up_for_good_counts_as_one() -> None:
    ada = a_member("ada", passed_at=JOINED + 9 * WEEK)
    grace = a_member("grace", led_at=JOINED + WEEK)
    assert order_rota([ada, grace]) == (grace, ada)


def test_nobody_is_asked_twice_for_one_meeting() -> None:
    ada, grace = a_member("ada", has_declined=True), a_member("grace", has_declined=True)
    assert choose_presenter([ada, grace], DAY) is None


def test_nobody_leads_without_members() -> None:
    assert choose_presenter([], DAY) is None


@given(st.integers(1, 6), st.integers(1, 40))
def test_people_who_are_always_there_lead_equally_often(people: int, meetings: int) -> None:
    members = [a_member(f"p{number}") for number in range(people)]
    led = Counter[str]()
    for number in range(meetings):
        presenter = choose_presenter(members, DAY + number * WEEK)
        assert presenter
        led[presenter.person] += 1
        members = lead(members, presenter.person, JOINED + (number + 1) * WEEK)
    counts = [led[member.person] for member in members]
    assert max(counts) - min(counts) <= 1


@given(st.lists(st.sets(st.integers(0, 4)), min_size=1, max_size=40))
def test_whoever_is_there_waits_for_no_more_turns_than_there_are_others(absences: list[set[int]]) -> None:
    members, waited = [a_member(f"p{number}") for number in range(5)], Counter[str]()
    for number, absent in enumerate(absences):
        day = DAY + number * WEEK
        present = [
            replace(member, away=DaysOff(day, day) if place in absent else None)
            for place, member in enumerate(members)
        ]
        presenter = choose_presenter(present, day)
        assert (presenter is None) == (len(absent) == 5)
        if presenter is None:
            continue
        waiting = {member.person for member in present if not member.is_away(day)} - {presenter.person}
        for person in waiting:
            waited[person] += 1
        waited[presenter.person] = 0
        assert all(waited[person] < 2 * len(members) for person in waiting)
        members = lead(members, presenter.person, JOINED + (number + 1) * WEEK)
