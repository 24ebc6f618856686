"""Suggestions for the options of slash commands while a person types."""

from collections.abc import Iterable

from discord.app_commands import Choice

from bot.conversation.time_zones import suggest_time_zones
from bot.conversation.topics import list_topics
from bot.platforms.discord.replies import Interaction

MAX_CHOICES = 25
"""Most suggestions that Discord takes; `CHOICE_CHARACTERS` is the longest one."""
CHOICE_CHARACTERS = 100


def _find_matching(typed: str, names: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the pairs of label and value of which the label contains the typed text, up to `MAX_CHOICES`.

    Labels that begin with it come first. Case is ignored.
    """
    wanted = typed.strip().casefold()
    matching = [pair for pair in names if wanted in pair[0].casefold()]
    matching.sort(key=lambda pair: not pair[0].casefold().startswith(wanted))
    return matching[:MAX_CHOICES]


async def offer_domains(interaction: Interaction, typed: str) -> list[Choice[str]]:
    """Suggest domains for the last entry of a comma-separated list; the entries before it stay.

    The suggestions show full names. Their values are domains, and topics such as rl that are keywords.
    """
    *finished, last = typed.split(",")
    prefix = "".join(f"{entry.strip()}, " for entry in finished)
    return _to_choices(
        (prefix + label, prefix + value) for label, value in _find_matching(last, list_topics())
    )


async def offer_time_zones(interaction: Interaction, typed: str) -> list[Choice[str]]:
    """Suggest time zones: common ones at first, afterwards those whose city or abbreviation is typed."""
    return _to_choices(suggest_time_zones(typed, MAX_CHOICES))


async def offer_days(interaction: Interaction, typed: str) -> list[Choice[str]]:
    """Suggest days and common lists of days that contain the typed text."""
    names = ("weekdays", "daily", "weekends", "mon", "mon, wed, fri", "mon, thu", "fri")
    return _to_choices(_find_matching(typed, [(name, name) for name in names]))


def _to_choices(pairs: Iterable[tuple[str, str]]) -> list[Choice[str]]:
    """Return pairs of label and value as choices, without those that Discord would refuse as too long."""
    return [
        Choice(name=label, value=value)
        for label, value in pairs
        if len(label) <= CHOICE_CHARACTERS and len(value) <= CHOICE_CHARACTERS
    ]
