"""Completion of slash command options while a person types."""

from collections.abc import Iterable
from zoneinfo import available_timezones

from discord.app_commands import Choice

from bot.platforms.discord.replies import Interaction
from digests.domains import CATEGORY_NAMES, DOMAIN_GROUPS, domain_name

MAX_CHOICES = 25
CHOICE_CHARACTERS = 100

TIME_ZONES = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/"))
COMMON_TIME_ZONES = (
    "UTC", "Europe/London", "Europe/Berlin", "Europe/Paris", "America/New_York", "America/Chicago",
    "America/Los_Angeles", "America/Sao_Paulo", "Asia/Kolkata", "Asia/Shanghai", "Asia/Tokyo", "Asia/Seoul",
    "Asia/Singapore", "Australia/Sydney",
)  # fmt: skip


def _find_matching(typed: str, names: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Returns the choices that contain the typed text. Those that begin with it come first."""
    wanted = typed.strip().casefold()
    found = [pair for pair in names if wanted in pair[0].casefold()]
    found.sort(key=lambda pair: not pair[0].casefold().startswith(wanted))
    return found[:MAX_CHOICES]


async def offer_domains(interaction: Interaction, typed: str) -> list[Choice[str]]:
    """Completes the last entry of a comma-separated list and keeps the others."""
    *before, last = typed.split(",")
    kept = "".join(f"{one.strip()}, " for one in before)
    names = [(group, group) for group in DOMAIN_GROUPS] + [
        (domain_name(name), name) for name in CATEGORY_NAMES
    ]
    found = [(kept + label, kept + value) for label, value in _find_matching(last, names)]
    return _to_choices(found)


async def offer_time_zones(interaction: Interaction, typed: str) -> list[Choice[str]]:
    zones = TIME_ZONES if typed.strip() else COMMON_TIME_ZONES
    spoken = typed.replace(" ", "_")
    return _to_choices(
        _find_matching(
            spoken, [(zone, zone) for zone in ("UTC", *zones)] if typed else [(z, z) for z in zones]
        )
    )


async def offer_days(interaction: Interaction, typed: str) -> list[Choice[str]]:
    names = ("weekdays", "daily", "weekends", "mon", "mon, wed, fri", "mon, thu", "fri")
    return _to_choices(_find_matching(typed, [(name, name) for name in names]))


def _to_choices(pairs: Iterable[tuple[str, str]]) -> list[Choice[str]]:
    return [
        Choice(name=label, value=value)
        for label, value in pairs
        if len(label) <= CHOICE_CHARACTERS and len(value) <= CHOICE_CHARACTERS
    ]
