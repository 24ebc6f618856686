"""Implementation of `digests.ports.library.Library`."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    and_,
    bindparam,
    collate,
    delete,
    func,
    literal,
    select,
    update,
)

from digests.model import (
    NOT_REVIEWED,
    Assessment,
    Candidate,
    Flag,
    HoldState,
    PairwiseRank,
    Panel,
    PanelLimitation,
    PanelMember,
    Paper,
    QuotedLimitation,
    ReadDepth,
    Review,
    ReviewDepth,
    ScoredPaper,
)
from digests.panel import RECENT_SCORES, Distribution, PanelPolicy, choose_members, combine_reviews
from digests.ports.library import ImportCounts
from digests.store import schema
from digests.store.engine import Database, in_json_array, insert_many

papers, reviews = schema.papers, schema.reviews
_T = TypeVar("_T")

NEVER_ANNOUNCED = datetime(1970, 1, 1, tzinfo=UTC)
"""`known_at` of papers that were never announced: earlier than that of any other paper."""

IDS_PER_QUERY = 500
"""Ids of one statement. The oldest SQLite builds in use take 999 values."""


@dataclass(frozen=True, slots=True)
class SqlLibrary:
    """Papers in SQLite or PostgreSQL. `panel_policy` says how several reviews of a paper make one."""

    database: Database
    panel_policy: PanelPolicy = field(default_factory=PanelPolicy)

    def add(
        self, records: Sequence[tuple[Paper, Review]], *, now: datetime, announce: bool = True
    ) -> ImportCounts:
        with self.database.write() as connection:
            last_seq = _lock_last_seq(connection)  # First: this lock excludes other imports.
            entries = _fetch_entries(connection, [paper.id for paper, _ in records])
            _fetch_reviews_of_several(connection, entries, records)
            distributions = _Distributions(connection, [review for _, review in records])
            batch = _ImportBatch(
                last_seq,
                entries,
                now,
                announce,
                lambda members: combine_reviews(
                    members, self.panel_policy, distributions.of_models(review.model for review in members)
                ),
                self.panel_policy,
            )
            outcomes = Counter([batch.merge_record(paper, review) for paper, review in records])
            batch.write_changes(connection)
        return ImportCounts(**outcomes)

    def update_known(self, papers: Sequence[Paper], *, now: datetime) -> ImportCounts:
        with self.database.write() as connection:
            last_seq = _lock_last_seq(connection)
            entries = _fetch_entries(connection, [paper.id for paper in papers])
            batch = _ImportBatch(last_seq, entries, now)
            outcomes = Counter(
                [batch.merge_record(paper, NOT_REVIEWED) for paper in papers if paper.id in entries]
            )
            batch.write_changes(connection)
        return ImportCounts(**outcomes)

    def get(self, ids: Iterable[str]) -> Mapping[str, ScoredPaper]:
        with self.database.read() as connection:
            return fetch_papers(connection, list(ids))

    def reviews_of(self, paper: str) -> Sequence[Review]:
        of_paper = (
            select(*_REVIEW_COLUMNS)
            .join(papers, papers.c.id == reviews.c.paper)
            .where(papers.c.name == paper)
            .order_by(func.coalesce(reviews.c.id == papers.c.review, False).desc(), reviews.c.id.desc())
        )
        with self.database.read() as connection:
            return [_review_from_row(row) for row in connection.execute(of_paper)]

    def ids_with_title(self, title: str, limit: int) -> Sequence[str]:
        values = {"title": title.strip(), "limit": limit}
        with self.database.read() as connection:
            return list(connection.execute(_TITLED_PAPERS, values).scalars())

    def candidates(
        self, after_seq: int, to_seq: int, *, with_text: bool, with_authors: bool = False
    ) -> Sequence[Candidate]:
        query = _select_candidates(with_text, with_authors)
        with self.database.read() as connection:
            rows = connection.execute(query, {"after": after_seq, "to": to_seq}).fetchall()
            held_ids = frozenset(connection.execute(_HELD_PAPERS).scalars())
            ranks = {
                name: PairwiseRank(*rank_values)
                for name, *rank_values in connection.execute(
                    _PAIRWISE_RANKS, {"after": after_seq, "to": to_seq}
                )
            }
        return [_candidate_from_row(row, held_ids, ranks) for row in rows]

    def sequence_at(self, instant: datetime) -> int:
        with self.database.read() as connection:
            return max(0, connection.execute(_SEQUENCE_AT, {"instant": instant}).scalar() or 0)

    def ids_with_prefix(self, prefix: str, limit: int) -> Sequence[str]:
        is_postgresql = self.database.engine.dialect.name == "postgresql"
        name = collate(papers.c.name, "C") if is_postgresql else papers.c.name
        query = select(papers.c.name).where(name >= prefix, name < f"{prefix}\U0010ffff")
        with self.database.read() as connection:
            return list(connection.execute(query.order_by(name.desc()).limit(limit)).scalars())

    def changes_after(self, after_seq: int, limit: int) -> Sequence[tuple[int, ScoredPaper]]:
        values = {"after": after_seq, "limit": limit}
        with self.database.read() as connection:
            return [
                (row.changed_seq, scored_paper_from_row(row))
                for row in connection.execute(_CHANGED_PAPERS, values)
            ]

    def note_left_out(self, models_by_paper: Mapping[str, Sequence[str]]) -> None:
        with self.database.write() as connection:
            for name, models in models_by_paper.items():
                lines = "\n".join(" ".join(model.split()) for model in models)
                connection.execute(update(papers).where(papers.c.name == name).values(models_left_out=lines))

    def latest_sequence(self) -> int:
        with self.database.read() as connection:
            return connection.execute(_LATEST_SEQUENCE).scalar() or 0


def fetch_papers(connection: Connection, ids: Sequence[str]) -> dict[str, ScoredPaper]:
    """Return the known papers among these ids, by id, each with its current review.

    Reads over the caller's connection.
    """
    return {
        row.name: scored_paper_from_row(row)
        for chunk in _split_chunks(ids)
        for row in connection.execute(_NAMED_PAPERS, {"names": chunk})
    }


@dataclass(slots=True)
class _PaperEntry:
    """A paper during an import, with its current review and the fingerprints of all its reviews.

    `is_stored` means that it has a row, `is_dirty` that the row must be written. `seats` are the models and
    samples of its reviews. `all_reviews` are these with their numbers, as they arrived; None while all are
    of one seat, of which the newest counts.
    """

    id: int
    paper: Paper
    review_number: int | None
    reviewed_at: datetime | None
    known_seq: int
    known_at: datetime
    changed_seq: int
    fingerprints: set[str]
    current_review: Review
    is_stored: bool
    is_dirty: bool = False
    seats: set[tuple[str, int]] = field(default_factory=set)
    all_reviews: list[tuple[int, Review]] | None = None


class _ImportBatch:
    """Merges records one by one in memory, then writes what they changed."""

    def __init__(
        self,
        last_seq: int,
        entries: dict[str, _PaperEntry],
        now: datetime,
        announce: bool = True,
        combine: Callable[[Sequence[Review]], Review] = lambda members: members[0],
        panel_policy: PanelPolicy | None = None,
    ) -> None:
        self.last_seq = last_seq
        self.entries = entries
        self.now = now
        self.announce = announce
        self.combine = combine
        self.panel_policy = panel_policy or PanelPolicy()
        self.new_reviews: dict[int, dict[str, Any]] = {}
        self.replaced_panels: list[int] = []

    def merge_record(self, paper: Paper, review: Review) -> str:
        """Merge a record, and return the name of its count in `ImportCounts`."""
        entry = self.entries.get(paper.id)
        if entry is None:
            self._add_paper(paper, review)
            return "new"
        metadata_changed = self._merge_metadata(entry, paper)
        review_changed = _is_reviewed(review) and self._merge_review(entry, review)
        return "changed" if metadata_changed or review_changed else "unchanged"

    def _add_paper(self, paper: Paper, review: Review) -> None:
        seq = self._draw_seq()
        # Windows begin at 0, so none contains a negative number.
        known_seq, known_at = (
            (seq, self.now) if self.announce or _is_reviewed(review) else (-seq, NEVER_ANNOUNCED)
        )
        entry = _PaperEntry(
            seq,
            paper,
            None,
            None,
            known_seq,
            known_at,
            seq,
            set(),
            NOT_REVIEWED,
            is_stored=False,
            is_dirty=True,
            all_reviews=[],
        )
        self.entries[paper.id] = entry
        if _is_reviewed(review):
            self._set_review(entry, review, _compute_fingerprint(review), seq)

    def _merge_metadata(self, entry: _PaperEntry, paper: Paper) -> bool:
        merged = _merge_papers(entry.paper, paper)
        if merged == entry.paper:
            return False
        entry.paper, entry.is_dirty, entry.changed_seq = merged, True, self._draw_seq()
        return True

    def _merge_review(self, entry: _PaperEntry, review: Review) -> bool:
        fingerprint = _compute_fingerprint(review)
        if fingerprint in entry.fingerprints:
            return False
        seq = self._draw_seq()
        if entry.all_reviews is not None:
            return self._merge_into_panel(entry, entry.all_reviews, review, fingerprint, seq)
        if review.reviewed_at and entry.reviewed_at and review.reviewed_at < entry.reviewed_at:
            self._add_review_row(entry, review, fingerprint, seq)
            return True
        entry.known_seq, entry.known_at, entry.changed_seq, entry.is_dirty = seq, self.now, seq, True
        self._set_review(entry, review, fingerprint, seq)
        return True

    def _merge_into_panel(
        self,
        entry: _PaperEntry,
        all_reviews: list[tuple[int, Review]],
        review: Review,
        fingerprint: str,
        seq: int,
    ) -> bool:
        """Save the review, and make one out of all of the paper's panel current."""
        self._add_review_row(entry, review, fingerprint, seq)
        members = choose_members([each for _, each in all_reviews], self.panel_policy)
        current = self.combine(members)
        if current == entry.current_review:
            return True
        if current.panel:
            seq = number = self._draw_seq()
            # A panel may come to the same result again, so that its content is no key.
            panel_fingerprint = f"panel {number}"
            self.new_reviews[number] = _review_row(
                current, paper=entry.id, seq=number, fingerprint=panel_fingerprint
            )
        else:
            number = next(number for number, each in all_reviews if each is current)
        self._remove_panel(entry)
        entry.review_number, entry.reviewed_at, entry.current_review = number, current.reviewed_at, current
        entry.known_seq, entry.known_at, entry.changed_seq, entry.is_dirty = seq, self.now, seq, True
        return True

    def _remove_panel(self, entry: _PaperEntry) -> None:
        """Remove the row of a panel that another review replaces."""
        number = entry.review_number if entry.current_review.panel else None
        if number is not None and self.new_reviews.pop(number, None) is None:
            self.replaced_panels.append(number)

    def _set_review(self, entry: _PaperEntry, review: Review, fingerprint: str, seq: int) -> None:
        entry.review_number, entry.reviewed_at, entry.current_review = seq, review.reviewed_at, review
        self._add_review_row(entry, review, fingerprint, seq)

    def _add_review_row(self, entry: _PaperEntry, review: Review, fingerprint: str, seq: int) -> None:
        entry.fingerprints.add(fingerprint)
        if entry.all_reviews is not None:
            entry.all_reviews.append((seq, review))
        self.new_reviews[seq] = _review_row(review, paper=entry.id, seq=seq, fingerprint=fingerprint)

    def _draw_seq(self) -> int:
        self.last_seq += 1
        return self.last_seq

    def write_changes(self, connection: Connection) -> None:
        dirty_entries = [entry for entry in self.entries.values() if entry.is_dirty]
        if new_rows := [_paper_row(entry) for entry in dirty_entries if not entry.is_stored]:
            insert_many(connection, papers, new_rows)
        # Sorted: a fixed lock order prevents deadlocks.
        for entry in sorted(dirty_entries, key=lambda entry: entry.id):
            if entry.is_stored:
                connection.execute(update(papers).where(papers.c.id == entry.id).values(_paper_row(entry)))
        if self.new_reviews:
            insert_many(connection, reviews, list(self.new_reviews.values()))
        for chunk in _split_chunks(self.replaced_panels):
            connection.execute(delete(reviews).where(reviews.c.id.in_(chunk)))
        connection.execute(
            update(schema.counters).where(schema.counters.c.name == "change").values(value=self.last_seq)
        )


def _is_reviewed(review: Review) -> bool:
    # Most papers of a snapshot have the constant itself, and most reviews a score: the comparison of all
    # fields takes longer.
    return review is not NOT_REVIEWED and (review.score is not None or review != NOT_REVIEWED)


def _lock_last_seq(connection: Connection) -> int:
    """Return the last sequence number, and lock it until the transaction ends.

    So the numbers of concurrent imports become visible in order.
    """
    counter = select(schema.counters.c.value).where(schema.counters.c.name == "change").with_for_update()
    last_seq: int = connection.execute(counter).scalar_one()
    return last_seq


def _fetch_entries(connection: Connection, ids: Sequence[str]) -> dict[str, _PaperEntry]:
    entries: dict[str, _PaperEntry] = {}
    by_key: dict[int, _PaperEntry] = {}
    for chunk in _split_chunks(list(dict.fromkeys(ids))):
        for row in connection.execute(_NAMED_PAPERS, {"names": chunk}):
            entry = _entry_from_row(row)
            entries[row.name] = by_key[row.id] = entry
    for key_chunk in _split_chunks(list(by_key)):
        saved = select(reviews.c.paper, reviews.c.fingerprint, reviews.c.model, reviews.c.sample).where(
            reviews.c.paper.in_(key_chunk), reviews.c.panel.is_(None)
        )
        for key, fingerprint, model, sample in connection.execute(saved):
            by_key[key].fingerprints.add(fingerprint)
            by_key[key].seats.add((model, sample))
    return entries


def _fetch_reviews_of_several(
    connection: Connection, entries: Mapping[str, _PaperEntry], records: Sequence[tuple[Paper, Review]]
) -> None:
    """Set `all_reviews` of the papers that have reviews of several models or samples with these records."""
    if not entries:
        return
    incoming: dict[str, set[tuple[str, int]]] = {}
    for paper, review in records:
        if _is_reviewed(review):
            incoming.setdefault(paper.id, set()).add((review.model, review.sample))
    by_key = {
        entry.id: entry
        for name, entry in entries.items()
        if name in incoming and len(entry.seats | incoming[name]) > 1
    }
    for key_chunk in _split_chunks(list(by_key)):
        saved = select(reviews).where(reviews.c.paper.in_(key_chunk), reviews.c.panel.is_(None))
        for key in key_chunk:
            by_key[key].all_reviews = []
        for row in connection.execute(saved.order_by(reviews.c.id)):
            by_key[row.paper].all_reviews.append((row.id, _review_from_row(row)))  # type: ignore[union-attr]


@dataclass(slots=True)
class _Distributions:
    """Distributions of models' recent scores: those of an import's reviews, then those stored before."""

    connection: Connection
    incoming: Sequence[Review]
    known: dict[str, Distribution | None] = field(default_factory=dict)

    def of_models(self, models: Iterable[str]) -> dict[str, Distribution]:
        """Return the distributions of these models that are known, by model."""
        wanted = set(models)
        if len(wanted) < 2:
            return {}  # Samples of one model are on one scale.
        for model in wanted - self.known.keys():
            self.known[model] = Distribution.from_scores(self._list_scores(model))
        return {model: known for model in wanted if (known := self.known[model])}

    def _list_scores(self, model: str) -> list[float]:
        stored = (
            select(reviews.c.score)
            .where(reviews.c.model == model, reviews.c.panel.is_(None), reviews.c.score.is_not(None))
            .order_by(reviews.c.id.desc())
            .limit(RECENT_SCORES)
        )
        ours = [each.score for each in self.incoming if each.model == model and each.score is not None]
        return [*ours, *self.connection.execute(stored).scalars()]


def _entry_from_row(row: Row[Any]) -> _PaperEntry:
    scored = scored_paper_from_row(row)
    return _PaperEntry(
        row.id,
        scored.paper,
        row.review,
        scored.review.reviewed_at,
        row.known_seq,
        row.known_at,
        row.changed_seq,
        set(),
        scored.review,
        is_stored=True,
    )


def _merge_papers(known: Paper, incoming: Paper) -> Paper:
    """Return the metadata of the newer version, with gaps filled from the other and the flags of both.

    Upvotes and code link are the incoming ones, if it has any.
    """
    newer, other = (incoming, known) if _is_at_least_as_new(incoming, known) else (known, incoming)
    same_version = _is_same_version(incoming, known)
    return replace(
        newer,
        version=newer.version or other.version,
        title=_prefer_known_spacing(known.title, newer.title),
        authors=newer.authors or other.authors,
        abstract=_prefer_known_spacing(known.abstract, newer.abstract or other.abstract),
        primary_category=newer.primary_category or other.primary_category,
        categories=newer.categories or other.categories,
        published=newer.published or other.published,
        updated=newer.updated or (other.updated if same_version else None),
        withdrawn=newer.withdrawn or (other.withdrawn if same_version else None),
        flags=tuple(dict.fromkeys(known.flags + incoming.flags)),
        upvotes=incoming.upvotes if incoming.upvotes is not None else known.upvotes,
        code_url=incoming.code_url or known.code_url,
    )


def _is_same_version(paper: Paper, other: Paper) -> bool:
    """Return True for equal versions. A paper without a version counts as the known version."""
    return paper.version is None or other.version is None or paper.version == other.version


def _is_at_least_as_new(incoming: Paper, known: Paper) -> bool:
    """Return True if incoming metadata counts as the newer.

    That is so for an equal or higher version, and if the known one has no version. Without a version,
    incoming metadata needs a later update day than known metadata with one.
    """
    if known.version is None or incoming.version is not None:
        return known.version is None or incoming.version is None or incoming.version >= known.version
    return incoming.updated is not None and (known.updated is None or incoming.updated > known.updated)


def _prefer_known_spacing(known: str, incoming: str) -> str:
    """Return the known text if only the spacing differs, since sources break lines differently.

    Otherwise return the incoming one.
    """
    return known if known != incoming and known.split() == incoming.split() else incoming


def _split_chunks(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    return (items[start : start + IDS_PER_QUERY] for start in range(0, len(items), IDS_PER_QUERY))


def _compute_fingerprint(review: Review) -> str:
    """Return a hash of the review's content, which makes imports idempotent."""
    content = "\x1f".join(
        (
            repr(review.score), repr(review.rank), review.tldr, review.methodology, review.experiments,
            review.reproducibility, review.limitations, review.impact, review.model,
            review.reviewed_at.isoformat() if review.reviewed_at else "", review.read_depth or "",
            *([_assessment_to_json(review.assessment)] if review.assessment else []),
            *([f"sample {review.sample}"] if review.sample else []),
        )
    )  # fmt: skip
    return hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _paper_row(entry: _PaperEntry) -> dict[str, Any]:
    paper, review = entry.paper, entry.current_review
    return {
        "id": entry.id,
        "name": paper.id,
        "url": paper.url,
        "version": paper.version,
        "title": paper.title,
        "authors": "\n".join(paper.authors),
        "abstract": paper.abstract,
        "primary_category": paper.primary_category,
        "categories": " ".join(paper.categories),
        "published": paper.published,
        "updated": paper.updated,
        "withdrawn": paper.withdrawn,
        "flags": json.dumps([_flag_to_list(flag) for flag in paper.flags]) if paper.flags else "",
        "flagged": bool(paper.flags),
        "score": review.score,
        "rank": review.rank,
        "tldr": review.tldr,
        "review": entry.review_number,
        "scale": review.scale,
        "upvotes": paper.upvotes,
        "code_url": paper.code_url,
        "known_seq": entry.known_seq,
        "known_at": entry.known_at,
        "changed_seq": entry.changed_seq,
    }


def _flag_to_list(flag: Flag) -> list[Any]:
    return [flag.category, flag.excerpt, flag.location, flag.is_hidden]


def _review_row(review: Review, *, paper: int, seq: int, fingerprint: str) -> dict[str, Any]:
    return {
        "id": seq,
        "paper": paper,
        "fingerprint": fingerprint,
        "score": review.score,
        "rank": review.rank,
        "tldr": review.tldr,
        "methodology": review.methodology,
        "experiments": review.experiments,
        "reproducibility": review.reproducibility,
        "limitations": review.limitations,
        "impact": review.impact,
        "model": review.model,
        "reviewed_at": review.reviewed_at,
        "read_depth": review.read_depth,
        "review_depth": review.assessment.review_depth if review.assessment else "",
        "assessment": _assessment_to_json(review.assessment) if review.assessment else None,
        "sample": review.sample,
        "panel": json.dumps(asdict(review.panel), ensure_ascii=False) if review.panel else None,
    }


_REVIEW_DEPTH_KEY = "stage"
"""Key of `review_depth` in a stored assessment. It stays, since fingerprints of stored reviews contain it."""


def _assessment_to_json(assessment: Assessment) -> str:
    fields = {
        _REVIEW_DEPTH_KEY if name == "review_depth" else name: value
        for name, value in asdict(assessment).items()
        if name not in ("mends", "prompt") or value  # Stored reviews from before have none.
    }
    return json.dumps(fields, ensure_ascii=False)


def _assessment_from_json(text: str) -> Assessment:
    fields = json.loads(text)
    review_depth = ReviewDepth(fields.pop(_REVIEW_DEPTH_KEY))
    return Assessment(
        **{
            **fields,
            "review_depth": review_depth,
            "grades": tuple((name, grade) for name, grade in fields["grades"]),
            "key_limitations": tuple(QuotedLimitation(**point) for point in fields["key_limitations"]),
            "mends": tuple((kind, count) for kind, count in fields.get("mends", ())),
        }
    )


def _panel_from_json(text: str) -> Panel:
    fields = json.loads(text)
    return Panel(
        members=tuple(PanelMember(**member) for member in fields["members"]),
        scale=fields["scale"],
        limitations=tuple(
            PanelLimitation(point["text"], tuple(point["quotes"]), point["found_count"])
            for point in fields["limitations"]
        ),
        reader_count=fields["reader_count"],
    )


_REVIEW_COLUMNS = tuple(column for column in reviews.c if column.name not in ("id", "paper", "fingerprint"))
PAPERS_WITH_REVIEW: Select[Any] = (
    select(
        papers,
        *(column for column in _REVIEW_COLUMNS if column.name not in ("score", "rank", "tldr")),
        schema.holds.c.state.label("hold_state"),
    )
    .outerjoin(reviews, reviews.c.id == papers.c.review)
    .outerjoin(schema.holds, schema.holds.c.paper == papers.c.name)
)
"""Query for papers with the columns of their current reviews and of moderation, which may be null."""
_NAMED_PAPERS = PAPERS_WITH_REVIEW.where(in_json_array(papers.c.name, "names"))
_CHANGED_PAPERS = (
    PAPERS_WITH_REVIEW.where(papers.c.changed_seq > bindparam("after"))
    .order_by(papers.c.changed_seq)
    .limit(bindparam("limit", type_=Integer))
)
_TITLE: ColumnElement[str] = bindparam("title", type_=papers.c.title.type)
_TITLED_PAPERS = (
    select(papers.c.name)
    .where(
        schema.title_key(papers.c.title) == schema.title_key(_TITLE),
        func.lower(papers.c.title) == func.lower(_TITLE),
    )
    .order_by(papers.c.id.desc())
    .limit(bindparam("limit", type_=Integer))
)
_LATEST_SEQUENCE = select(func.max(papers.c.changed_seq))


@cache
def _select_candidates(with_text: bool, with_authors: bool) -> Select[Any]:
    columns = papers.c
    return select(
        columns.name,
        columns.score,
        columns.rank,
        columns.primary_category,
        columns.categories,
        columns.published,
        columns.flagged,
        columns.withdrawn.is_not(None),
        _CANDIDATE_TEXT if with_text else literal(""),
        columns.upvotes,
        columns.scale,
        columns.authors if with_authors else literal(""),
    ).where(columns.known_seq > bindparam("after"), columns.known_seq <= bindparam("to"))


_HELD_PAPERS = select(schema.holds.c.paper).where(schema.holds.c.state != HoldState.RELEASED)
"""Papers that are held or were rejected. Few rows: a person decides about each."""
_PAIRWISE_RANKS = (
    select(
        papers.c.name,
        schema.pairwise_ranks.c.day,
        schema.pairwise_ranks.c.rank,
        schema.pairwise_ranks.c.group_size,
    )
    .join(
        papers,
        and_(
            papers.c.name == schema.pairwise_ranks.c.paper, papers.c.review == schema.pairwise_ranks.c.review
        ),
    )
    .where(
        schema.pairwise_ranks.c.review > bindparam("after"), schema.pairwise_ranks.c.review <= bindparam("to")
    )
)
"""Ranks whose review is still the current one, in a window of sequence numbers. Few rows per day.

A review's id is the sequence number that made its paper known.
"""
_SEQUENCE_AT = (
    select(papers.c.known_seq)
    .where(papers.c.known_at <= bindparam("instant"))
    .order_by(papers.c.known_at.desc(), papers.c.known_seq.desc())
    .limit(1)
)
"""Query for the sequence number of the last paper that became known up to an instant."""
_CANDIDATE_TEXT = papers.c.title + " \n" + papers.c.abstract + " \n" + papers.c.tldr


def scored_paper_from_row(row: Row[Any]) -> ScoredPaper:
    """Convert a row of `PAPERS_WITH_REVIEW`."""
    paper = Paper(
        id=row.name,
        title=row.title,
        url=row.url,
        version=row.version,
        authors=tuple(row.authors.split("\n")) if row.authors else (),
        abstract=row.abstract,
        primary_category=row.primary_category,
        categories=tuple(row.categories.split()),
        published=row.published,
        flags=tuple(Flag(*flag) for flag in json.loads(row.flags)) if row.flags else (),
        upvotes=row.upvotes,
        code_url=row.code_url,
        updated=row.updated,
        withdrawn=row.withdrawn,
    )
    review = _review_from_row(row) if row.review is not None else NOT_REVIEWED
    hold_state = HoldState(row.hold_state) if row.hold_state else None
    left_out = tuple(row.models_left_out.splitlines())
    return ScoredPaper(paper, review, row.known_at, row.review or 0, hold_state, left_out)


def _review_from_row(row: Row[Any]) -> Review:
    return Review(
        score=row.score,
        rank=row.rank,
        tldr=row.tldr,
        methodology=row.methodology,
        experiments=row.experiments,
        reproducibility=row.reproducibility,
        limitations=row.limitations,
        impact=row.impact,
        model=row.model,
        reviewed_at=row.reviewed_at,
        read_depth=ReadDepth(row.read_depth) if row.read_depth else None,
        assessment=_assessment_from_json(row.assessment) if row.assessment else None,
        sample=row.sample or 0,
        panel=_panel_from_json(row.panel) if row.panel else None,
    )


def _candidate_from_row(
    row: Sequence[Any], held_ids: Set[str], ranks: Mapping[str, PairwiseRank]
) -> Candidate:
    name, score, rank, primary, categories, published, flagged, withdrawn, text, upvotes, scale, authors = row
    return Candidate(
        name,
        score,
        rank,
        primary,
        tuple(categories.split()),
        published,
        flagged,
        withdrawn,
        text,
        upvotes or 0,
        scale,
        name in held_ids,
        ranks.get(name),
        tuple(authors.split("\n")) if authors else (),
    )
