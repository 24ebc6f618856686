"""Words that every message shares: clean text, dates, counts with their nouns, one-sentence messages."""

from datetime import date

from bot.chat.message import Message, Text
from digests.text import to_plain_text

MAX_TEXT_CHARACTERS = 20_000
"""Characters of any text that are read: seven times the longest arXiv abstract of a month."""


def clean_text(text: str) -> str:
    """Return bounded plain text: no markup, no control characters, one line."""
    return to_plain_text(text[:MAX_TEXT_CHARACTERS])


def capitalise_first(text: str) -> str:
    return text[:1].upper() + text[1:]


def format_weekday_date(day: date) -> str:
    """Format a date: Tuesday 24 November."""
    return f"{day:%A} {day.day} {day:%B}"


def format_date(instant: date) -> str:
    """Format a date with its year: 24 November 2026."""
    return f"{instant.day} {instant:%B %Y}"


def format_count(count: int, noun: str) -> str:
    """Format a count with its noun: 1 paper, 2,000 papers."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def present_sentence(text: str) -> Message:
    """Build a message of one sentence."""
    return Message(text, (Text(text),))
