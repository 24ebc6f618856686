"""Token buckets of people and workspaces."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.conversation import fair_use
from bot.conversation.fair_use import (
    USE_LIMITS,
    FairUse,
    LimitReachedError,
    Use,
    find_use_of_command,
)
from digests.subscription import Channel

PAPERS = Channel("slack", "C1", "T1")


@dataclass
class ManualClock:
    """A clock in seconds that a test moves."""

    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def take_all(limits: FairUse, use: Use, person: str, channel: Channel = PAPERS) -> int:
    """Take a person's tokens until one is refused, and return their number."""
    count = 0
    while limits.has_token(use, channel, person):
        count += 1
    return count


@pytest.mark.parametrize("use", Use)
def test_a_burst_is_allowed_and_the_next_use_is_refused_with_the_seconds_to_wait(
    use: Use, clock: ManualClock
) -> None:
    limits, person = FairUse(clock), USE_LIMITS[use].person
    assert take_all(limits, use, "ada") == person.burst
    with pytest.raises(LimitReachedError, match=r"^You have .* just now; try again in \d+ seconds?\.$"):
        limits.take_token(use, PAPERS, "ada")
    clock.seconds += 1 / person.per_second + 0.001
    assert take_all(limits, use, "ada") == 1


def test_the_sentence_names_the_whole_seconds_until_the_next_token(clock: ManualClock) -> None:
    limits = FairUse(clock)
    take_all(limits, Use.CHANGE, "ada")
    clock.seconds += 0.5
    with pytest.raises(LimitReachedError, match="You have changed a lot just now; try again in 5 seconds"):
        limits.take_token(Use.CHANGE, PAPERS, "ada")
    clock.seconds += 4
    with pytest.raises(LimitReachedError, match="try again in 1 second\\."):
        limits.take_token(Use.CHANGE, PAPERS, "ada")


def test_a_person_and_a_use_have_a_bucket_each(clock: ManualClock) -> None:
    limits = FairUse(clock)
    take_all(limits, Use.CHANGE, "ada")
    limits.take_token(Use.LOOK_UP, PAPERS, "ada")
    limits.take_token(Use.CHANGE, PAPERS, "bob")
    with pytest.raises(LimitReachedError):
        limits.take_token(Use.CHANGE, Channel("slack", "C2", "T2"), "ada")


def test_many_people_of_a_workspace_meet_its_limit_and_other_workspaces_do_not(clock: ManualClock) -> None:
    limits, other = FairUse(clock), Channel("slack", "C2", "T2")
    total = sum(take_all(limits, Use.UNKNOWN_PAPER, f"person {number}") for number in range(50))
    assert total == USE_LIMITS[Use.UNKNOWN_PAPER].workspace.burst
    with pytest.raises(LimitReachedError, match=r"^The people here have asked"):
        limits.take_token(Use.UNKNOWN_PAPER, PAPERS, "somebody new")
    limits.take_token(Use.UNKNOWN_PAPER, other, "somebody new")


def test_a_refused_use_takes_nothing_from_the_others(clock: ManualClock) -> None:
    limits, person = FairUse(clock), USE_LIMITS[Use.SHARE].person
    take_all(limits, Use.SHARE, "ada")
    for _ in range(1000):
        limits.has_token(Use.SHARE, PAPERS, "ada")
    assert take_all(limits, Use.SHARE, "bob") == person.burst


def test_a_bucket_never_holds_more_than_its_burst_also_when_the_clock_stands_still_or_steps_back(
    clock: ManualClock,
) -> None:
    limits, person = FairUse(clock), USE_LIMITS[Use.MARK].person
    limits.take_token(Use.MARK, PAPERS, "ada")
    clock.seconds += 10**9
    assert take_all(limits, Use.MARK, "ada") == person.burst
    clock.seconds -= 10**6
    assert take_all(limits, Use.MARK, "ada") == 0


def test_the_memory_is_bounded_and_an_emptied_bucket_in_use_is_kept(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fair_use, "MAX_BUCKETS", 10)
    limits = FairUse(clock)
    take_all(limits, Use.CHANGE, "ada")
    for number in range(50):
        limits.take_token(Use.CHANGE, PAPERS, f"person {number}")
        assert not limits.has_token(Use.CHANGE, PAPERS, "ada")
    assert len(limits._buckets) == 10


@pytest.mark.parametrize(
    ("text", "use"),
    [
        ("subscribe vision", Use.CHANGE), ("Pause", Use.CHANGE), ("stop", Use.CHANGE), ("start", Use.CHANGE),
        ("unsubscribe", Use.CHANGE), ("queue done 1", Use.DECISION), ("queue", Use.LOOK_UP),
        ("today", Use.LOOK_UP), ("", Use.LOOK_UP), ("no such command", Use.LOOK_UP),
        ("top 99999", Use.LOOK_UP),
    ],
)  # fmt: skip
def test_every_command_has_a_limit(text: str, use: Use) -> None:
    assert find_use_of_command(text) is use


def test_the_docs_name_every_limit() -> None:
    page = (Path(__file__).parents[3] / "docs" / "operations.md").read_text(encoding="utf-8")
    for limits in USE_LIMITS.values():
        person, workspace = limits.person, limits.workspace
        cells = (person.burst, 1 / person.per_second, workspace.burst, workspace.per_second)
        assert f"| {' | '.join(f'{cell:g}' for cell in cells)} |" in page
