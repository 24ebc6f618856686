"""Time zones by the names that people use."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation import time_zones
from bot.conversation.time_zones import find_time_zones, resolve_time_zone, suggest_time_zones
from digests.errors import InputError


@pytest.mark.parametrize(
    ("said", "zone"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("Berlin", "Europe/Berlin"),
        ("Berlin time", "Europe/Berlin"),
        ("new york", "America/New_York"),
        ("New_York", "America/New_York"),
        ("São Paulo", "America/Sao_Paulo"),
        ("Zürich", "Europe/Zurich"),
        ("mumbai", "Asia/Kolkata"),
        ("San Francisco", "America/Los_Angeles"),
        ("beijing", "Asia/Shanghai"),
        ("istanbul", "Europe/Istanbul"),
        ("Germany", "Europe/Berlin"),
        ("utc", "UTC"),
        ("JST", "Asia/Tokyo"),
    ],
)
def test_a_place_with_one_zone_is_that_zone(said: str, zone: str) -> None:
    assert resolve_time_zone(said) == zone


@pytest.mark.parametrize("said", ["CET", "PST", "est", "IST", "C.S.T.", "GMT"])
def test_an_abbreviation_of_several_places_asks_which(said: str) -> None:
    with pytest.raises(InputError, match=r"several places: write the one you mean, .* or "):
        resolve_time_zone(said)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("Berlinn", 'did you mean "Europe/Berlin"?'),
        ("Mars/Phobos", "isn't a valid time zone"),
        ("posix/UTC", "isn't a valid time zone"),
        ("UTC+2", "isn't a valid time zone"),
        ("", "isn't a valid time zone"),
        ("x" * 10_000, "isn't a valid time zone"),
        ("../../etc/passwd", "isn't a valid time zone"),
    ],
)
def test_an_unknown_place_is_one_sentence(said: str, answer: str) -> None:
    with pytest.raises(InputError) as refused:
        resolve_time_zone(said)
    assert answer in str(refused.value)
    assert len(str(refused.value)) < 200


def test_every_zone_of_the_tables_exists() -> None:
    zones = {zone for zones in time_zones._PLACES_BY_ABBREVIATION.values() for zone in zones}
    for zone in zones | set(time_zones._FURTHER_CITIES.values()):
        assert ZoneInfo(zone).key == zone


@pytest.mark.parametrize(
    ("typed", "zone"),
    [
        ("mumbai", "Asia/Kolkata"),
        ("san fran", "America/Los_Angeles"),
        ("pst", "America/Los_Angeles"),
        ("beijing", "Asia/Shanghai"),
        ("cet", "Europe/Berlin"),
        ("berl", "Europe/Berlin"),
        ("Europe/Be", "Europe/Belfast"),
        ("zür", "Europe/Zurich"),
        ("ut", "UTC"),
    ],
)
def test_a_place_is_suggested_while_it_is_typed(typed: str, zone: str) -> None:
    assert suggest_time_zones(typed, 25)[0][1] == zone


@given(st.text(max_size=80))
def test_any_text_has_few_suggestions_each_zone_once(typed: str) -> None:
    zones = [zone for _, zone in suggest_time_zones(typed, 25)]
    assert len(zones) == len(set(zones)) <= 25
    assert all(ZoneInfo(zone) for zone in find_time_zones(typed))
