"""Wording that all messages share: clean text, dates, counts with nouns, one-sentence messages. Pure."""

from datetime import date

from bot.chat.message import Message, Text
from digests.subscription import Channel, Preferences
from digests.text import to_plain_text

MAX_TEXT_CHARACTERS = 20_000
"""Characters that are read of any text: seven times the longest abstract in a month of arXiv."""


def clean_text(text: str, system_name: str = "") -> str:
    """Convert a text to one line of plain text: LaTeX and HTML become Unicode, unseen characters go.

    Only the first `MAX_TEXT_CHARACTERS` are read. `system_name` is that of `to_plain_text`.
    """
    return to_plain_text(text[:MAX_TEXT_CHARACTERS], system_name)


def capitalise_first(text: str) -> str:
    return text[:1].upper() + text[1:]


def format_weekday_date(day: date) -> str:
    """Format a date with its weekday: Tuesday 24 November."""
    return f"{day:%A} {day.day} {day:%B}"


def format_date(instant: date) -> str:
    """Format a date with its year: 24 November 2026."""
    return f"{instant.day} {instant:%B %Y}"


def format_short_weekday(day: date) -> str:
    """Format a date for a header: Tue 24 Nov."""
    return f"{day:%a} {day.day} {day:%b}"


def format_short_date(day: date) -> str:
    """Format a date with its year, for a line of facts: 24 Nov 2026."""
    return f"{day.day} {day:%b %Y}"


def format_count(count: int, noun: str) -> str:
    """Format a count with its noun, whose plural ends in s: 1 paper, 2,000 papers."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def name_place(channel: Channel) -> str:
    """Return the words for the place of a digest: this channel, or this conversation of one person."""
    return "this conversation" if channel.is_direct else "this channel"


def describe_least_score(channel: Channel, preferences: Preferences) -> str:
    """Return the wish for a minimum score: this channel wants at least 7; you want at least 7."""
    wish = "you want" if channel.is_direct else "this channel wants"
    return f"{wish} at least {preferences.min_score:g}"


def present_sentence(text: str) -> Message:
    """Build a message whose only block, and summary, is this text."""
    return Message(text, (Text(text),))
