"""The time zone of tests that read the machine's clock: it is noon there at any hour."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from config.validators import validate_time_zone
from tests.wall_clock import find_noon_zone


@pytest.mark.parametrize("hour", range(24))
def test_the_noon_zone_of_every_hour_is_an_accepted_one_in_which_it_is_noon(hour: int) -> None:
    now = datetime(2026, 12, 31, hour, 59, 40, tzinfo=UTC)
    zone = validate_time_zone(find_noon_zone(now))
    assert now.astimezone(ZoneInfo(zone)).hour == 12
    later = now + timedelta(hours=11)
    assert later.astimezone(ZoneInfo(zone)).date() == now.astimezone(ZoneInfo(zone)).date()
