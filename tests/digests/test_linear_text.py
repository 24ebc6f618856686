"""No text costs more than its length: hostile repeats, in processes of their own with a limit of CPU time."""

import os
import subprocess
import sys

import pytest

from tests.linear_text import REGISTERED, is_linear

IS_LONG = bool(os.environ.get("PAPERROUND_CHAOS"))
SIZE = 60_000 if IS_LONG else 8_000
"""Characters of the long form of each text; the short form is a quarter of it."""


def find_slow_cases(*arguments: str) -> list[str]:
    """Return the cases that are not linear, and the last one if it used up its CPU time."""
    command = [sys.executable, "-m", "tests.linear_text", *arguments]
    process = subprocess.run(command, check=False, capture_output=True, text=True)
    lines = process.stdout.splitlines()
    assert lines, process.stderr[-2000:]
    slow = [line for line in lines if line.startswith("NOT LINEAR")]
    if process.returncode:
        slow.append(f"ended with {process.returncode} in {lines[-1]}: {process.stderr[-2000:]}")
    return slow


def test_what_once_froze_the_bot_costs_no_more_than_its_length() -> None:
    assert find_slow_cases("known") == []


@pytest.mark.parametrize("room", ["digests/", "bot/", "config/"])
def test_hostile_repeats_cost_no_more_than_their_length(room: str) -> None:
    assert find_slow_cases(room, str(SIZE), *(["long"] if IS_LONG else [])) == []


def test_every_registered_module_is_in_one_of_the_rooms() -> None:
    assert {file.split("/")[0] for file in REGISTERED} == {"digests", "bot", "config"}


def test_a_function_that_costs_more_is_told_from_a_linear_one() -> None:
    """The cubic cost is 64 times as high for four times the length: no busy machine hides that."""

    def take_cubic_time(text: str) -> object:
        return sum(1 for _ in text for _ in text for _ in text)

    assert not is_linear(take_cubic_time, "a" * 32, "a" * 128)
    assert is_linear(str.upper, "a" * 4_000, "a" * 16_000)
