"""The header of a digest: its name or subject, the day, and the number of papers. Pure."""

from bot.present.wording import clean_text, format_short_weekday
from digests.domains import name_domain_in_header
from digests.model import Digest
from digests.subscription import Preferences
from digests.text import clip_text

MAX_NAMED_SUBJECTS = 2
"""Domains or keywords that a header names. More are counted."""


def format_header(digest: Digest, ending: str) -> str:
    """Format a header: Vision · Tue 24 Nov · 5 of 312. Empty parts are left out.

    The name of a digest, if it has one, stands in place of its subject.
    """
    subject = f"{digest.name[:1].upper()}{digest.name[1:]}" or describe_subject(digest.preferences)
    parts = (subject, format_short_weekday(digest.edition), ending)
    return " · ".join(filter(None, parts))


def describe_subject(preferences: Preferences) -> str:
    """Name the subject of a channel: its domains, else its keywords in quotes, else ""."""
    domains = [clip_text(name_domain_in_header(domain), 40) for domain in preferences.domains]
    named = domains or [f"“{clip_text(clean_text(word), 30)}”" for word in preferences.keywords]
    others = len(named) - MAX_NAMED_SUBJECTS
    if others > 0:
        return f"{', '.join(named[:MAX_NAMED_SUBJECTS])} and {others:,} more"
    return " and ".join(named)
