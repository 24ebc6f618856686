"""The papers of a digest after those that it shows: the reference that a button carries, and their choice."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from digests.build import DigestPolicy, build_unsent
from digests.errors import InputError
from digests.model import Digest, LeftOut
from digests.ports import Store
from digests.ports.likeness import LikenessFinder, find_no_likeness
from digests.subscription import Subscription, normalize_name
from digests.window import Window

NEXT_COUNT = 5
"""Papers that are shown at a time."""

MAX_SKIPPED = 45
"""Largest number of papers that are passed over: a digest and ten times more are enough."""

_MAX_DIGITS = 15


@dataclass(frozen=True, slots=True)
class NextPapers:
    """A reference to the papers after the first `skipped` ones that an edition did not show.

    `after_seq` and `to_seq` are the window of the edition, and `name` is that of the digest.
    """

    edition: date
    after_seq: int
    to_seq: int
    skipped: int = 0
    name: str = ""

    def format_value(self) -> str:
        """Return the reference as the value of a button: 2026-11-24.120.652.0, and .NAME if there is one."""
        value = f"{self.edition.isoformat()}.{self.after_seq}.{self.to_seq}.{self.skipped}"
        return f"{value}.{self.name}" if self.name else value


def parse_next_papers(value: str) -> NextPapers:
    """Parse the value of a button. Raises InputError for any other text, and beyond `MAX_SKIPPED`."""
    day, *numbers = value.split(".", maxsplit=4)
    name = normalize_name(numbers.pop()) if len(numbers) > 3 else ""
    try:
        edition = date.fromisoformat(day)
        after_seq, to_seq, skipped = map(_parse_number, numbers)
    except ValueError:
        raise InputError("This button names no papers; ask for the digest of today instead.") from None
    if skipped > MAX_SKIPPED:
        raise InputError("These were all papers that are shown this way.")
    return NextPapers(edition, after_seq, to_seq, skipped, name)


def _parse_number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > _MAX_DIGITS:
        raise ValueError(text)
    return int(text)


def find_next_papers(digest: Digest) -> NextPapers | None:
    """Return the reference to the papers that a digest left out because of its number, None without any."""
    if digest.after_seq is None or not digest.left_out.get(LeftOut.BEYOND_TOP):
        return None
    return NextPapers(digest.edition, digest.after_seq, digest.watermark, name=digest.name)


def build_next_papers(
    reference: NextPapers,
    subscription: Subscription,
    *,
    store: Store,
    policy: DigestPolicy,
    now: datetime,
    find_likeness: LikenessFinder = find_no_likeness,
) -> tuple[Digest, NextPapers | None]:
    """Return a digest of the next papers, and the reference to those after them, None without any.

    The channel's present preferences count. Papers that the channel was shown are left out. Reads the store
    and writes nothing. Raises InputError and StoreError.
    """
    after_seq, to_seq = reference.after_seq, reference.to_seq
    (shown,) = store.delivery_reports.shown_papers([(subscription, after_seq, to_seq)])
    wanted = reference.skipped + NEXT_COUNT
    digest = build_unsent(
        replace(subscription, preferences=replace(subscription.preferences, top=wanted)),
        reference.edition,
        store=store,
        policy=policy,
        now=now,
        find_likeness=find_likeness,
        window=Window(after_seq, to_seq, shown),
    )
    has_more = bool(digest.left_out.get(LeftOut.BEYOND_TOP)) and wanted <= MAX_SKIPPED
    picks = digest.picks[reference.skipped :]
    return replace(digest, picks=picks), replace(reference, skipped=wanted) if has_more else None
