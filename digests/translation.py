"""A review's TL;DR and key limitations in another language, in place of its own. Pure."""

import hashlib
import json
from dataclasses import replace

from digests.limitations import MAX_LISTED_CHARACTERS, key_limitations_of
from digests.model import Review, ReviewTexts


def list_texts(review: Review) -> ReviewTexts:
    """Return the texts of a review as they are translated: TL;DR, and the limitations of its card."""
    limitations = key_limitations_of(replace(review, limitations=review.limitations[:MAX_LISTED_CHARACTERS]))
    return ReviewTexts(review.tldr.strip(), limitations.points)


def digest_texts(texts: ReviewTexts) -> str:
    """Return a hash of texts. A translation counts only for the texts that it was made of."""
    source = json.dumps([texts.tldr, *texts.limitations])
    return hashlib.blake2b(source.encode(), digest_size=16).hexdigest()
