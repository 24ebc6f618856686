"""A sample digest of bundled papers, to check how a platform takes our messages."""

from dataclasses import replace
from datetime import UTC, date, datetime
from importlib.resources import files

from bot.chat.message import Message
from bot.present.digest import present_digest
from digests.errors import InputError
from digests.model import Digest, Pick, ScoredPaper
from digests.ports.sources import BadRecord
from digests.sources.reviews import parse_record
from digests.subscription import Channel, Preferences

SAMPLE_PAPERS = 3

KNOWN_AT = datetime(2026, 1, 1, tzinfo=UTC)
"""Instant at which the sample's papers became known. No message shows it."""


def present_sample_digest(channel: Channel, today: date) -> Message:
    """Build the message of a digest with the first bundled papers. Reads a file of the package."""
    lines = files("bot.sample").joinpath("papers.jsonl").read_text(encoding="utf-8").splitlines()
    picks = []
    for number, line in enumerate(lines[:SAMPLE_PAPERS], 1):
        record = parse_record(line, source="the bundled papers", line=number, today=today)
        if isinstance(record, BadRecord):
            raise InputError(str(record))
        paper, review = record
        picks.append(Pick(ScoredPaper(paper, replace(review, reviewed_at=None), KNOWN_AT), ""))
    preferences = Preferences(top=SAMPLE_PAPERS)
    digest = Digest(channel, preferences, today, tuple(picks), len(lines), {}, 0, scored=len(picks))
    return present_digest(digest)
